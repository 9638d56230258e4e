// Whether the kernel carries packets from one device to another.
#pragma once

namespace sluice::io {

// Switches that on, for the calling thread's network namespace. False where it is not permitted:
// /proc/sys is read-only in many containers. Where there is no IPv6, it is not asked for.
bool try_forwarding();

}  // namespace sluice::io

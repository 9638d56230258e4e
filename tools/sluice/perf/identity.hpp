// Who we are, as a report begins.
#pragma once

#include <string>

namespace sluice::perf {

// "sluice 0.1.0".
std::string version_text();
// "Linux vm 6.1.0-25-amd64 #1 SMP x86_64": of the machine that this runs on.
std::string system_text();

}  // namespace sluice::perf

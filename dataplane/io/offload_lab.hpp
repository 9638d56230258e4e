// Where offloads are tested: a device in a network namespace that nobody else sees, with the kernel
// on one side and packets built by hand on the other.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "dataplane/io/tun.hpp"
#include "proto/base/bytes.hpp"
#include "proto/base/time.hpp"
#include "proto/wire/ip.hpp"
#include "proto/wire/packet.hpp"

namespace sluice::io {

// What went wrong with a pattern, in one line.
class OffloadBroken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// How long any step may take; each takes microseconds where things work.
inline constexpr Duration kOffloadPatience = Duration::milliseconds(200);

// The bytes that are sent, of each length up to kPatternBytes.
inline constexpr std::uint32_t kPatternBytes = 60'000;
Bytes offload_pattern(std::uint32_t length);

// The addresses of a family: the kernel's, and two behind the device.
struct OffloadNet {
  Cidr kernel;
  IpAddress us;
  IpAddress other;

  static OffloadNet v4();
  static OffloadNet v6();
};

// A packet that the kernel sent into the device. Views the lab's buffer until the next read.
struct LabPacket {
  wire::VirtioNetHeader offload;
  wire::Packet parsed;
  Bytes ip;
  Bytes payload;
};

// Lives and dies on a thread of its own, whose network namespace it makes. Not thread-safe.
class OffloadLab {
 public:
  // Throws TunError, with one line, when the machine does not permit it.
  OffloadLab();

  // False where IPv6 is disabled.
  bool has_v6() const { return has_v6_; }
  // What the kernel may leave to us (OffloadBits); forgets packets that were sent before.
  bool try_bits(unsigned bits);

  // `headers` begins with the virtio_net_hdr. Throws OffloadBroken when the kernel refuses it.
  void write(Bytes headers, Bytes payload);
  // The next packet from `source` with this transport; others are passed over. Throws OffloadBroken
  // when none comes in time, or when it is malformed (a wrong sum, for one).
  const LabPacket& read(const IpAddress& source, std::uint8_t protocol);

 private:
  const LabPacket* try_read(const IpAddress& source, std::uint8_t protocol, Duration patience);
  bool read_any();
  bool answers_v6();

  Tun tun_;
  bool has_v6_ = false;
  std::vector<std::uint8_t> buffer_;
  LabPacket packet_;
};

// A kernel's socket in the lab, not blocking. Its reset leaves nothing behind.
class LabSocket {
 public:
  static constexpr std::uint16_t kPort = 9;  // on both sides

  // Bound to the kernel's address, and on its way to (TCP) or connected with (UDP) `net.us`.
  LabSocket(const OffloadNet& net, int type);

  // All of `bytes` in one call; `segment` cuts a UDP payload into datagrams (0: does not). Throws
  // OffloadBroken when it does not take them.
  void send(Bytes bytes, std::uint16_t segment = 0);
  // What has arrived, up to `out`; waits until kOffloadPatience. Throws OffloadBroken when nothing
  // comes.
  std::size_t receive(MutableBytes out);

 private:
  UniqueFd fd_;
};

}  // namespace sluice::io

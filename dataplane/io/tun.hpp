// The TUN device: opening its queues, and what of the interface the engine sets itself.
// Source: Linux drivers/net/tun.c, Documentation/networking/tuntap.rst, rtnetlink(7).
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "proto/wire/address.hpp"

namespace sluice::io {

// A file descriptor that closes itself.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd();
  int get() const { return fd_; }
  int release();
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Bits of TUNSETOFFLOAD. Linux has USO since 6.2; the headers of Debian 12 lack it.
enum OffloadBit : unsigned {
  kOffloadChecksum = 0x01,  // TUN_F_CSUM; all others need it
  kOffloadTso4 = 0x02,
  kOffloadTso6 = 0x04,
  kOffloadTsoEcn = 0x08,
  kOffloadUso4 = 0x20,  // the two of USO only together
  kOffloadUso6 = 0x40,
};

struct Offloads {
  bool checksum = true;  // sums are left to the other side, both ways
  bool tso = true;       // TCP super-segments both ways, of IPv4 and IPv6 (with ECN)
  bool uso = true;       // UDP datagrams of equal length in one packet, both ways

  bool operator==(const Offloads&) const = default;
};

// Longest interface name, without the terminating zero (IFNAMSIZ - 1).
inline constexpr std::size_t kMaxInterfaceName = 15;
inline constexpr std::uint32_t kMinMtu = 68;  // IPv4; IPv6 needs 1280
inline constexpr std::uint32_t kMaxMtu = 65535;
inline constexpr std::uint32_t kMaxQueueLength = 524288;  // the kernel refuses more with EPERM

// One line that a person can act on: what failed, on which device, why, and what to do.
class TunError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// /dev/net/tun, not blocking; throws TunError when it is missing or not accessible.
UniqueFd open_tun_driver();

// An open device with `queues` queues (IFF_TUN, IFF_NO_PI, IFF_VNET_HDR; IFF_MULTI_QUEUE when more
// than one), in the calling thread's network namespace. It goes when the last queue is closed.
// Not thread-safe.
class Tun {
 public:
  // Makes the device; throws TunError when /dev/net/tun is missing, permission is missing, or a
  // device of this name exists.
  static Tun open(const std::string& name, std::uint32_t queues);
  // Takes over queues that somebody else opened (the descriptors are duplicated). Throws TunError
  // when one is no TUN queue with IFF_NO_PI and IFF_VNET_HDR.
  static Tun adopt(const std::vector<int>& descriptors);

  const std::string& name() const { return name_; }
  std::uint32_t queues() const { return static_cast<std::uint32_t>(descriptors_.size()); }
  int descriptor(std::uint32_t queue) const { return descriptors_[queue].get(); }

  // Asks for the wanted offloads and returns those the kernel took.
  Offloads set_offloads(const Offloads& wanted);
  // Asks for exactly this set of OffloadBits; false, and no change, when the kernel refuses it.
  bool try_offload_bits(unsigned bits);

  // By rtnetlink; each throws TunError. Addresses take effect at once (no duplicate detection).
  void set_mtu(std::uint32_t mtu);
  // Before set_up(): with several queues and a long length it takes the kernel seconds after it.
  void set_queue_length(std::uint32_t packets);
  void add_address(const Cidr& address);
  void set_up();

  std::uint32_t mtu() const;
  // Packets that the kernel dropped because the queue to us was full (the interface's TX dropped).
  std::uint64_t tx_dropped() const;

 private:
  std::string name_;
  std::vector<UniqueFd> descriptors_;
};

}  // namespace sluice::io

// How an engine is set up. Everything is sized here, at start: past a limit a connection is refused
// or a window shrinks, and nothing grows without bound.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/link/link_options.hpp"
#include "proto/base/time.hpp"
#include "proto/tcp/constants.hpp"
#include "proto/wire/address.hpp"

namespace sluice {

enum class IoBackend : std::uint8_t {
  uring,  // io_uring, or poll where the kernel refuses it
  poll,   // poll, read and writev
};

inline constexpr std::uint32_t kMaxWorkers = 256;  // queues of a TUN device

// How packets find the worker that owns their flow. Whatever the device does, those that come to
// another one are handed over.
enum class SteeringMode : std::uint8_t {
  ebpf,      // a program in the kernel knows the owner; or learned where it is not permitted
  learned,   // the kernel remembers on which queue a flow was last written
  misroute,  // for tests: a program that always names a wrong worker
};

struct Config {
  // --- the device -----------------------------------------------------------------------------
  std::string tun_name = "tun1";  // 1 to 15 characters; made at start, gone at stop
  // Or: queues that somebody else opened with IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, one a worker.
  // They are duplicated and stay the caller's; addresses, MTU and up state are then the caller's
  // business, too: `addresses` says what they are.
  std::vector<int> tun_descriptors;
  // The kernel's side of the device. The engine answers on every other address of the networks.
  std::vector<Cidr> addresses = default_addresses();
  std::uint32_t mtu = 1500;             // bytes; 68 (IPv6: 1280) to 65,535
  std::uint32_t queue_length = 32'768;  // packets from the kernel that wait for us; to 524,288
  bool tso = true;                      // super-segments both ways; needs checksum
  bool uso = true;                      // UDP datagrams in one packet both ways; needs checksum
  bool checksum = true;                 // leave sums to the other side of the device
  bool test_offloads = true;            // before they are trusted, on a device made for that
  std::string pcap;                     // file that records all packets; empty: none

  // --- a worse wire ---------------------------------------------------------------------------
  // What happens to packets to us and from us. Each worker has wires of its own: of a rate and a
  // queue it gets its share, and what is drawn by chance is drawn for each.
  LinkOptions link_in;
  LinkOptions link_out;
  std::uint64_t link_seed = 1;

  // --- the workers ----------------------------------------------------------------------------
  std::uint32_t workers = 1;       // 1 to kMaxWorkers
  std::vector<std::uint32_t> pin;  // CPU of each worker; empty: not pinned
  SteeringMode steering = SteeringMode::ebpf;
  IoBackend io = IoBackend::uring;
  bool busy_poll = false;  // never sleep: a core each, for the shortest round trips

  // --- memory, for each worker ------------------------------------------------------------------
  std::uint32_t max_connections = 16'384;
  std::uint32_t max_time_waits = 32'768;
  std::uint32_t frames = 512;          // of 64 KiB, to read packets into; 128 to 65,536
  std::uint32_t frames_in_ring = 64;   // of them, those that wait in the kernel: few stay hot
  std::uint32_t blocks = 16'384;       // of 4 KiB, for bytes that are copied
  std::uint32_t slice_nodes = 65'536;  // pieces that all buffers may hold together
  std::uint32_t tx_slots = 256;        // packets that may be on their way out at a time

  // --- TCP --------------------------------------------------------------------------------------
  tcp::Settings tcp;
  Duration drain_timeout = Duration::seconds(2);  // of stop(), before what is left is reset

  // One line for each problem, naming the value and what would be right; empty when all is well.
  std::vector<std::string> validate() const;

  // 10.0.5.100/24 and fd05::100/64, as in the classic TUN tutorial.
  static std::vector<Cidr> default_addresses();
};

}  // namespace sluice

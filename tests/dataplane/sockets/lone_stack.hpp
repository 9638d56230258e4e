// One stack, and a peer made by hand.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proto/wire/format.hpp"
#include "proto/wire/packet.hpp"
#include "tests/dataplane/sockets/two_stacks.hpp"
#include "tests/support/shard_packets.hpp"

namespace sluice::test {

// A packet that the stack sent.
struct Said {
  PacketBytes bytes;  // from the IP header on
  wire::Packet packet;

  bool has(std::uint8_t flags) const { return packet.tcp.flags == flags; }
  std::string payload() const {
    const auto* const from = bytes.data() + packet.payload_offset;
    return {from, from + packet.payload_length};
  }
};

class LoneStack : public ::testing::Test {
 protected:
  static constexpr const char* kOwn = "192.0.2.1";
  static constexpr const char* kPeer = "203.0.113.9";
  static constexpr std::uint16_t kPort = 8080;  // the peer's
  static constexpr std::uint32_t kIsn = 5000;   // the peer's

  static Address peer(std::uint16_t port = kPort) { return {kPeer, port}; }

  // --- time and packets -------------------------------------------------------------------------
  std::vector<Said> takes() {
    std::vector<Said> all;
    for (PacketBytes& bytes : host.output(now)) {
      Said said{std::move(bytes), {}};
      const DropReason refused =
          wire::parse_packet(said.bytes, wire::VirtioNetHeader(), said.packet);
      EXPECT_EQ(refused, DropReason::none) << drop_reason_name(refused);
      all.push_back(std::move(said));
    }
    return all;
  }
  Said takes_one() {
    std::vector<Said> all = takes();
    EXPECT_EQ(all.size(), 1U) << describe(all);
    return all.empty() ? Said() : all.front();
  }
  static std::string describe(const std::vector<Said>& all) {
    std::string text;
    for (const Said& said : all) text += wire::format_packet(said.packet) + "\n";
    return text;
  }
  // Each deadline is met on the way.
  void passes(std::uint64_t time) {
    const std::uint64_t end = now + time;
    while (sluice_next_deadline(host.get()) <= end) {
      now = std::max(now, sluice_next_deadline(host.get()));
      EXPECT_EQ(sluice_advance(host.get(), now), 0);
      for (Said& said : takes()) later.push_back(std::move(said));
    }
    now = end;
  }

  // --- the peer
  // -----------------------------------------------------------------------------------
  FlowKey flow_of(int handle) {
    Address own;
    EXPECT_EQ(sluice_getsockname(host.get(), handle, own.get(), &own.length), 0);
    return {*IpAddress::parse(kOwn), *IpAddress::parse(kPeer), own.port(), kPort};
  }
  void gives(const FlowKey& flow, std::uint8_t flags, std::uint32_t sequence,
             std::uint32_t acknowledgment = 0, const std::string& text = {}) {
    TcpText made;
    made.flags = flags;
    made.sequence = sequence;
    made.acknowledgment = acknowledgment;
    made.payload.assign(text.begin(), text.end());
    gives_bytes(tcp_packet(flow, made));
  }
  // [virtio_net_hdr | IP packet]
  void gives_bytes(const PacketBytes& bytes) {
    host.input({bytes.begin() + wire::kVirtioNetHeaderSize, bytes.end()}, now);
  }
  // An error about a packet that the stack sent.
  void gives_error(const Said& about, std::uint8_t type, std::uint8_t code,
                   std::uint32_t rest = 0) {
    PacketBytes quote(about.bytes.begin(),
                      about.bytes.begin() + static_cast<std::ptrdiff_t>(
                                                std::min<std::size_t>(about.bytes.size(), 64)));
    gives_bytes(icmp_packet(*IpAddress::parse("203.0.113.1"), *IpAddress::parse(kOwn),
                            {.type = type, .code = code, .rest = rest}, quote));
  }

  // --- connections
  // --------------------------------------------------------------------------------
  struct Connection {
    int handle;
    FlowKey flow;
    std::uint32_t ours;  // sequence number of our next byte
    std::uint32_t theirs;
  };
  // Its SYN is under way.
  Connection begins(const std::function<void(int)>& prepare = {}) {
    const int handle = host.socket();
    if (prepare) prepare(handle);
    EXPECT_EQ(host.connect(handle, peer()), -EINPROGRESS);
    syn = takes_one();
    EXPECT_TRUE(syn.has(wire::kSyn));
    return {handle, flow_of(handle), syn.packet.tcp.sequence + 1, kIsn + 1};
  }
  Connection connects(const std::function<void(int)>& prepare = {}) {
    const Connection made = begins(prepare);
    gives(made.flow, wire::kSyn | wire::kAck, kIsn, made.ours);
    EXPECT_TRUE(takes_one().has(wire::kAck));
    EXPECT_EQ(host.connect(made.handle, peer()), 0);
    return made;
  }
  int listens(int backlog = 8) {
    const int listener = host.socket();
    EXPECT_EQ(host.set(listener, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    EXPECT_EQ(host.bind(listener, {kOwn, 80}), 0);
    EXPECT_EQ(host.listen(listener, backlog), 0);
    return listener;
  }
  static FlowKey to_listener(std::uint16_t from) {
    return {*IpAddress::parse(kOwn), *IpAddress::parse(kPeer), 80, from};
  }
  // Everything but accept(); our next byte.
  std::uint32_t opens(std::uint16_t from) {
    gives(to_listener(from), wire::kSyn, kIsn);
    const Said answer = takes_one();
    EXPECT_TRUE(answer.has(wire::kSyn | wire::kAck));
    const std::uint32_t ours = answer.packet.tcp.sequence + 1;
    gives(to_listener(from), wire::kAck, kIsn + 1, ours);
    EXPECT_EQ(describe(takes()), "");
    return ours;
  }

  std::uint64_t now = 1000 * kSecond;
  Host host{make_config("192.0.2.1 2001:db8::1")};
  Said syn;                 // of begins()
  std::vector<Said> later;  // what was sent while time passed
};

}  // namespace sluice::test

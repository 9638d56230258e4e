// A live transfer between two shards, and an attacker who sends whatever it likes beside it.
#include <gtest/gtest.h>

#include <string>

#include "proto/base/rng.hpp"
#include "tests/support/shard_host.hpp"

namespace sluice::test {
namespace {

constexpr std::uint64_t kTransferBytes = 24'000'000;
constexpr std::uint32_t kAttacks = 300'000;
constexpr std::uint32_t kAttacksPerRound = 12;
constexpr std::uint64_t kBytesPerRound = 900;  // ends after the last attack

std::uint8_t byte_at(std::uint64_t position) {
  return static_cast<std::uint8_t>(position * 131 + (position >> 8));
}

// Sends as much as it is let: a little each round, so that the transfer lasts as long as the
// attack.
class Source final : public StreamEvents {
 public:
  void on_open(Stream& opened) override {
    stream = &opened;
    pump();
  }
  void on_writable(Stream&) override { pump(); }
  void on_closed(Stream&, CloseReason reason) override {
    stream = nullptr;
    ended = reason;
  }
  void pump() {
    std::array<std::uint8_t, 4000> bytes;
    while (stream != nullptr && sent < allowed) {
      const auto length = std::min<std::uint64_t>(bytes.size(), allowed - sent);
      for (std::size_t i = 0; i < length; ++i) bytes[i] = byte_at(sent + i);
      const std::uint32_t taken = stream->send(Bytes(bytes).first(length));
      sent += taken;
      if (taken < length) return;
    }
    if (stream != nullptr && sent == kTransferBytes) stream->close();
  }
  // From outside of callbacks; a second close() does nothing.
  void allow(std::uint64_t bytes) {
    allowed = std::min(kTransferBytes, allowed + bytes);
    if (sent < kTransferBytes) pump();
  }
  Stream* stream = nullptr;
  std::uint64_t sent = 0;
  std::uint64_t allowed = 0;
  CloseReason ended = CloseReason::none;
};

class Sink final : public StreamEvents {
 public:
  void on_open(Stream& opened) override { stream = &opened; }
  void on_readable(Stream& from) override {
    while (from.readable() > 0) {
      const Slice slice = from.read();
      for (const std::uint8_t byte : slice.bytes()) wrong += byte == byte_at(received++) ? 0u : 1u;
    }
  }
  void on_peer_closed(Stream& from) override { from.close(); }
  void on_closed(Stream&, CloseReason reason) override {
    stream = nullptr;
    ended = reason;
  }
  Stream* stream = nullptr;
  std::uint64_t received = 0;
  std::uint64_t wrong = 0;
  CloseReason ended = CloseReason::none;
};

ShardOptions options_of(const char* v4, const char* v6) {
  ShardOptions options = shard_options({*Cidr::parse(v4), *Cidr::parse(v6)});
  options.tcp.receive_buffer_bytes = 65'536;
  options.tcp.send_buffer_bytes = 65'536;
  return options;
}

// Two shards, joined without loss; the second is under attack.
class HostileTest : public ::testing::Test {
 protected:
  HostileTest() {
    ListenCommand listen;
    listen.options.port = 80;
    listen.options.backlog = 8;
    // Attackers may open connections: nobody hears of those.
    listen.acceptor = [this](Stream& stream) -> StreamEvents* {
      return stream.flow().remote == peer_address ? &sink : nullptr;
    };
    victim.command(std::move(listen));
    friendly.command(ConnectCommand{{victim_address, 80, {}}, &source});
  }

  // Each packet that one has sent goes to the other, if it is meant for it.
  void exchange() {
    for (const SentPacket& packet : friendly.takes()) {
      last_text = packet.packet.tcp;
      last_end = last_text.sequence + packet.packet.payload_length;
      last_bytes = packet.bytes;
      to_victim(packet.bytes, false);
    }
    for (const SentPacket& packet : victim.takes()) {
      if (packet.packet.destination != peer_address) continue;
      if (packet.packet.protocol != wire::kProtocolTcp) continue;
      victim_said = packet.bytes;
      victim_text = packet.packet.tcp;
      friendly.gives(packet.bytes);
    }
  }
  void to_victim(const PacketBytes& packet, bool attack) {
    ++packets;
    if (attack) ++attacks;
    const DropReason reason = victim.gives(packet);
    if (reason == DropReason::none) {
      ++accepted;
    } else {
      ++refused[static_cast<std::size_t>(reason)];
    }
  }

  FlowKey live_flow() const { return {victim_address, peer_address, 80, last_text.source_port}; }
  FlowKey random_flow() {
    FlowKey flow = live_flow();
    flow.remote = IpAddress::v4(0xc0000200 + static_cast<std::uint32_t>(rng.below(256)));
    flow.remote_port = static_cast<std::uint16_t>(rng.between(1, 65'535));
    if (rng.chance(0.3)) flow.local_port = static_cast<std::uint16_t>(rng.below(65'536));
    return flow;
  }
  TcpText random_text() {
    TcpText text;
    text.flags = static_cast<std::uint8_t>(rng.next());
    text.sequence = static_cast<std::uint32_t>(rng.next());
    text.acknowledgment = static_cast<std::uint32_t>(rng.next());
    text.window = static_cast<std::uint16_t>(rng.next());
    text.payload.resize(rng.chance(0.5) ? 0 : rng.below(1400));
    return text;
  }
  // Where the victim stands, as far as the wire tells.
  std::uint32_t near_rcv_nxt() {
    return last_text.sequence + static_cast<std::uint32_t>(rng.below(80'000)) - 10'000;
  }

  PacketBytes attack();
  PacketBytes random_bytes();
  PacketBytes damaged();
  PacketBytes spoofed_text();
  PacketBytes blind_reset();
  PacketBytes forged_icmp();
  PacketBytes bad_options();
  PacketBytes land();

  const IpAddress victim_address = *IpAddress::parse("10.2.0.2");
  const IpAddress peer_address = *IpAddress::parse("10.1.0.2");
  Rng rng{20'240'607};
  Source source;
  Sink sink;
  ShardHost friendly{options_of("10.1.0.1/24", "fd01::1/64")};
  ShardHost victim{options_of("10.2.0.1/24", "fd02::1/64")};
  wire::TcpHeader last_text;
  std::uint32_t last_end = 0;  // where its text ends
  wire::TcpHeader victim_text;
  PacketBytes last_bytes;
  PacketBytes victim_said;
  std::uint64_t packets = 0;
  std::uint64_t attacks = 0;
  std::uint64_t accepted = 0;
  std::array<std::uint64_t, kDropReasons> refused{};
};

PacketBytes HostileTest::random_bytes() {
  PacketBytes packet(rng.below(200));
  for (std::uint8_t& byte : packet) byte = static_cast<std::uint8_t>(rng.next());
  // Mostly something that looks like IP behind an empty virtio_net_hdr.
  if (packet.size() > 12 && rng.chance(0.8)) {
    std::fill_n(packet.begin(), 10, std::uint8_t{0});
    packet[10] = rng.chance(0.5) ? 0x45 : 0x60;
  }
  return packet;
}

// The last packet of the live flow, cut short or with some byte changed, its sum left wrong.
PacketBytes HostileTest::damaged() {
  PacketBytes packet = last_bytes;
  if (rng.chance(0.5)) {
    packet.resize(rng.below(packet.size()));
  } else {
    packet[rng.between(10, packet.size() - 1)] ^= static_cast<std::uint8_t>(rng.between(1, 255));
  }
  return packet;
}

// In the live flow's name, with a right sum; the text lies outside the window, for inside it is as
// good as the peer's own.
PacketBytes HostileTest::spoofed_text() {
  TcpText text = random_text();
  text.flags = static_cast<std::uint8_t>(text.flags & ~(wire::kRst | wire::kFin));
  text.options.has_timestamps = rng.chance(0.7);
  text.options.ts_value =
      rng.chance(0.5) ? last_text.options.ts_value : static_cast<std::uint32_t>(rng.next());
  if ((text.flags & wire::kSyn) != 0) {
    text.sequence = near_rcv_nxt();  // RFC 5961: a SYN in the window
  } else if (rng.chance(0.3)) {
    text.payload.clear();  // a random ACK, often of nothing
    text.sequence = rng.chance(0.5) ? last_text.sequence : last_end;
    text.window = last_text.window;
  } else {
    text.sequence = last_text.sequence + 2'000'000 + static_cast<std::uint32_t>(rng.below(1 << 30));
  }
  return tcp_packet(live_flow(), text);
}

PacketBytes HostileTest::blind_reset() {
  TcpText text = random_text();
  text.flags = wire::kRst;
  if (rng.chance(0.5)) text.flags |= wire::kAck;
  text.payload.clear();
  text.sequence = near_rcv_nxt();
  // Exactly at RCV.NXT, told or not yet, it would be obeyed, as it should.
  while (text.sequence == victim_text.acknowledgment || text.sequence == last_end) ++text.sequence;
  return tcp_packet(live_flow(), text);
}

PacketBytes HostileTest::forged_icmp() {
  constexpr std::array<std::uint8_t, 6> kTypes{3, 3, 4, 5, 11, 12};
  wire::IcmpHeader icmp;
  icmp.type = kTypes[rng.below(kTypes.size())];
  icmp.code = static_cast<std::uint8_t>(rng.below(16));
  // Not so small that the transfer would crawl: that much an attacker on the path can do.
  icmp.rest = static_cast<std::uint32_t>(rng.between(1000, 2000));
  std::vector<std::uint8_t> quote =
      victim_said.empty() ? std::vector<std::uint8_t>(40) : quote_of(victim_said, rng.below(80));
  if (quote.size() > 28 && rng.chance(0.8)) store_be32(&quote[24], random_text().sequence);
  return icmp_packet(random_flow().remote, victim_address, icmp, quote);
}

// The sum is right, the options are not.
PacketBytes HostileTest::bad_options() {
  TcpText text = random_text();
  text.options.has_timestamps = text.options.sack_permitted = true;
  const FlowKey flow = rng.chance(0.5) ? live_flow() : random_flow();
  PacketBytes packet = tcp_packet(flow, text);
  const std::size_t tcp = 30;
  const std::size_t at = tcp + 20 + rng.below(12);
  const std::uint8_t old = packet[at];
  packet[at] = static_cast<std::uint8_t>(rng.below(4) == 0 ? 0 : rng.next());
  // RFC 1624: the sum follows the byte.
  const int shift = (at - tcp) % 2 == 0 ? 8 : 0;
  std::uint32_t sum = static_cast<std::uint16_t>(~load_be16(&packet[tcp + 16]));
  sum += static_cast<std::uint16_t>(~(old << shift)) +
         (static_cast<std::uint32_t>(packet[at]) << shift);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  store_be16(&packet[tcp + 16], static_cast<std::uint16_t>(~sum));
  return packet;
}

PacketBytes HostileTest::land() {
  FlowKey flow = live_flow();
  flow.remote = rng.chance(0.5) ? flow.local : *IpAddress::parse("10.2.0.77");
  flow.remote_port = flow.local_port;
  return tcp_packet(flow, random_text());
}

PacketBytes HostileTest::attack() {
  switch (rng.below(9)) {
    case 0: return random_bytes();
    case 1: return damaged();
    case 2: return blind_reset();
    case 3: return forged_icmp();
    case 4: return bad_options();
    case 5: return land();
    case 6: return tcp_packet(random_flow(), random_text());
    case 7: {
      TcpText syn = random_text();
      syn.flags = wire::kSyn;
      return tcp_packet(random_flow(), syn);
    }
    default: return spoofed_text();
  }
}

TEST_F(HostileTest, TheTransferCompletesAndEveryRefusalHasAName) {
  for (int i = 0; i < 10; ++i) exchange();
  std::uint64_t idle_rounds = 0;
  while (attacks < kAttacks || sink.ended == CloseReason::none) {
    const std::uint64_t before = sink.received;
    exchange();
    const bool moved = sink.received != before;
    idle_rounds = moved ? 0 : idle_rounds + 1;
    source.allow(attacks < kAttacks ? kBytesPerRound : kTransferBytes);
    if (attacks < kAttacks) {
      for (std::uint32_t i = 0; i < kAttacksPerRound; ++i) to_victim(attack(), true);
      ASSERT_EQ(source.ended, CloseReason::none) << "after " << attacks;
      ASSERT_TRUE(sink.ended == CloseReason::none) << "after " << attacks;
    }
    ASSERT_LT(idle_rounds, 200'000U) << "received " << sink.received << " after " << attacks;
    const Duration step = Duration::microseconds(moved ? 20 : 1000);
    friendly.passes(step);
    victim.passes(step);
    if (sink.received == kTransferBytes && attacks >= kAttacks) {
      friendly.passes(Duration::seconds(1));
      victim.passes(Duration::seconds(1));
    }
  }
  EXPECT_EQ(sink.received, kTransferBytes);
  EXPECT_EQ(sink.wrong, 0U);
  EXPECT_EQ(sink.ended, CloseReason::normal);

  std::uint64_t named = accepted;
  const ShardStats stats = victim.shard().stats();
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    EXPECT_EQ(stats.drops[i], refused[i]) << drop_reason_name(static_cast<DropReason>(i));
    named += stats.drops[i];
  }
  EXPECT_EQ(named, packets);
  for (const DropReason reason :
       {DropReason::truncated, DropReason::bad_checksum, DropReason::bad_tcp_option,
        DropReason::land_attack, DropReason::no_listener, DropReason::tcp_blind_reset,
        DropReason::tcp_blind_syn, DropReason::tcp_out_of_window, DropReason::icmp_out_of_window,
        DropReason::unhandled_icmp, DropReason::bad_icmp_header, DropReason::tcp_bad_ack}) {
    EXPECT_GT(victim.dropped(reason), 0U) << drop_reason_name(reason);
  }

  // The half-open connections of the attackers go, too.
  victim.passes(Duration::seconds(200));
  friendly.passes(Duration::seconds(200));
  exchange();
  EXPECT_EQ(victim.shard().connections(), 0U);
  EXPECT_TRUE(victim.is_all_home());
  EXPECT_TRUE(friendly.is_all_home());
}

}  // namespace
}  // namespace sluice::test

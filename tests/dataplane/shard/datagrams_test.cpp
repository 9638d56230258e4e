// UDP sockets of a shard, datagrams in fragments, and what answers those that nobody wants.
#include <array>
#include <map>
#include <set>

#include "tests/dataplane/shard/shard_fixture.hpp"
#include "tests/support/fragments.hpp"
#include "tests/support/test_frames.hpp"

namespace sluice::test {
namespace {

using Strings = std::vector<std::string>;

std::string text_of(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}
std::vector<std::uint8_t> bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}

// What a socket was told.
class Inbound : public DatagramEvents {
 public:
  void on_bound(DatagramSocket& bound) override { socket = &bound; }
  void on_datagram(DatagramSocket& from, const Datagram& datagram) override {
    EXPECT_EQ(&from, socket);
    EXPECT_EQ(datagram.segment_bytes, 0U);
    heard.push_back(text_of(datagram.payload.bytes()));
    flows.push_back(datagram.flow);
    if (echoes) from.send(datagram.flow, datagram.payload);
  }
  void on_writable(DatagramSocket&) override { ++writable; }
  void on_refused(DatagramSocket&, const FlowKey& flow) override { refused.push_back(flow); }

  DatagramSocket* socket = nullptr;
  bool echoes = false;
  Strings heard;
  std::vector<FlowKey> flows;
  std::vector<FlowKey> refused;
  int writable = 0;
};

// Wants what came in one piece in one piece.
class Wholesale final : public Inbound {
 public:
  void on_datagrams(DatagramSocket&, const Datagram& several) override {
    pieces.emplace_back(several.payload.size(), several.segment_bytes);
  }
  std::vector<std::pair<std::uint32_t, std::uint16_t>> pieces;
};

// As another host joins them, and not the code that we join with: pieces in any order.
std::vector<std::uint8_t> joined(const std::vector<SentPacket>& pieces, std::size_t mtu) {
  std::map<std::uint32_t, std::vector<std::uint8_t>> by_offset;
  std::set<std::uint32_t> identifications;
  for (const SentPacket& piece : pieces) {
    wire::IpHeader header;
    EXPECT_EQ(wire::parse_ip(piece.ip(), header), DropReason::none);
    EXPECT_TRUE(header.is_fragment);
    EXPECT_LE(piece.ip().size(), mtu);
    EXPECT_EQ(header.fragment.more, &piece != &pieces.back());
    EXPECT_TRUE(!header.fragment.more || header.payload_length % 8 == 0);
    identifications.insert(header.fragment.identification);
    const Bytes part = piece.ip().subspan(header.payload_offset, header.payload_length);
    by_offset[header.fragment.offset].assign(part.begin(), part.end());
  }
  EXPECT_EQ(identifications.size(), 1U);
  std::vector<std::uint8_t> all;
  for (const auto& [offset, part] : by_offset) {
    EXPECT_EQ(offset, all.size()) << "a gap, or an overlap";
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

class ShardDatagrams : public ShardTest {
 protected:
  static constexpr std::uint16_t kPort = 53;

  static FlowKey v4(std::uint16_t remote_port = 5000) { return v4_flow(remote_port, kPort); }
  static FlowKey v6(std::uint16_t remote_port = 5000) { return v6_flow(remote_port, kPort); }
  static std::array<FlowKey, 2> both() { return {v4(), v6()}; }

  void binds(DatagramEvents& events, std::uint16_t port = kPort, const char* address = nullptr) {
    host().command(BindCommand{options_of(port, address), &events});
  }
  void unbinds(std::uint16_t port = kPort, const char* address = nullptr) {
    host().command(UnbindCommand{options_of(port, address)});
  }
  static BindOptions options_of(std::uint16_t port, const char* address) {
    BindOptions options;
    options.port = port;
    if (address != nullptr) options.address = IpAddress::parse(address);
    return options;
  }
  DropReason gives(const FlowKey& flow, std::string_view text) {
    return host().gives(udp_packet(flow, bytes_of(text)));
  }
  bool sends(const FlowKey& flow, Bytes bytes) { return app_.socket->send(flow, bytes); }
  // The datagrams that were sent, each in one packet.
  Strings texts() {
    Strings all;
    for (const SentPacket& sent : host().takes()) all.push_back(text_of(sent.payload()));
    return all;
  }

  Inbound app_;
};

// --- in -----------------------------------------------------------------------------------------

TEST_F(ShardDatagrams, RFC1122_R1122_11_ADatagramComesWithBothItsAddresses) {
  binds(app_);
  for (const FlowKey& flow : both()) {
    EXPECT_EQ(gives(flow, "hello"), DropReason::none);
    EXPECT_EQ(app_.heard.back(), "hello");
    EXPECT_EQ(app_.flows.back(), flow);
  }
  EXPECT_TRUE(host().is_silent());
  EXPECT_EQ(shard().stats().datagrams_in, 2U);
}

TEST_F(ShardDatagrams, RFC768_R768_3_WhatLiesBehindTheLengthIsNoData) {
  binds(app_);
  PacketBytes packet = udp_packet(v4(), bytes_of("hello"));
  const std::size_t udp = wire::kVirtioNetHeaderSize + wire::kIpv4MinHeader;
  store_be16(&packet[udp + 4], wire::kUdpHeader + 3);
  store_be16(&packet[udp + 6], 0);  // no sum
  EXPECT_EQ(host().gives(packet), DropReason::none);
  EXPECT_EQ(app_.heard, Strings{"hel"});
}

TEST_F(ShardDatagrams, RFC768_R768_5_SourcePortZeroIsHeardAndCannotBeAnswered) {
  binds(app_);
  EXPECT_EQ(gives(v4(0), "x"), DropReason::none);
  EXPECT_EQ(app_.flows.back().remote_port, 0);
  EXPECT_FALSE(sends(app_.flows.back(), bytes_of("y")));
  EXPECT_TRUE(host().is_silent());
}

TEST_F(ShardDatagrams, RFC1122_R1122_11_AWrongSumIsDroppedInSilence) {
  binds(app_);
  for (const FlowKey& flow : both()) {
    PacketBytes packet = udp_packet(flow, bytes_of("hello"));
    packet.back() ^= 1;
    EXPECT_EQ(host().gives(packet), DropReason::bad_checksum);
  }
  EXPECT_TRUE(app_.heard.empty());
  EXPECT_TRUE(host().is_silent());
}

TEST_F(ShardDatagrams, RFC768_R768_4_OnlyIPv4MayLeaveTheSumOut) {
  binds(app_);
  PacketBytes packet = udp_packet(v4(), bytes_of("4"));
  store_be16(&packet[wire::kVirtioNetHeaderSize + wire::kIpv4MinHeader + 6], 0);
  EXPECT_EQ(host().gives(packet), DropReason::none);
  packet = udp_packet(v6(), bytes_of("6"));
  store_be16(&packet[wire::kVirtioNetHeaderSize + wire::kIpv6Header + 6], 0);
  EXPECT_EQ(host().gives(packet), DropReason::bad_checksum);
  EXPECT_EQ(app_.heard, Strings{"4"});
}

TEST_F(ShardDatagrams, AnEmptyDatagramIsOne) {
  binds(app_);
  app_.echoes = true;
  for (const FlowKey& flow : both()) EXPECT_EQ(gives(flow, ""), DropReason::none);
  EXPECT_EQ(app_.heard, (Strings{"", ""}));
  EXPECT_EQ(texts(), (Strings{"", ""}));
}

TEST_F(ShardDatagrams, AnExactAddressComesBeforeAnyInWhateverOrderTheyAreBound) {
  Inbound exact;
  Inbound other;
  binds(exact, kPort, "10.0.5.101");
  binds(app_);
  binds(other, kPort, "10.0.5.102");
  FlowKey flow = v4();
  gives(flow, "exact");
  flow.local = *IpAddress::parse("10.0.5.102");
  gives(flow, "other");
  flow.local = *IpAddress::parse("10.0.5.103");
  gives(flow, "any");
  gives(v6(), "any");
  EXPECT_EQ(exact.heard, Strings{"exact"});
  EXPECT_EQ(other.heard, Strings{"other"});
  EXPECT_EQ(app_.heard, (Strings{"any", "any"}));
}

TEST_F(ShardDatagrams, ManyInOnePieceComeOneByOneOrAsTheyAre) {
  Wholesale wholesale;
  binds(app_);
  binds(wholesale, 54);
  for (const std::uint16_t port : {kPort, std::uint16_t{54}}) {
    PacketBytes packet = udp_packet(v4_flow(5000, port), bytes_of("aaabbbcccd"));
    packet[1] = wire::VirtioNetHeader::kGsoUdpL4;
    packet[4] = 3;  // of three bytes each: in the host's byte order
    EXPECT_EQ(host().gives(packet), DropReason::none);
  }
  EXPECT_EQ(app_.heard, (Strings{"aaa", "bbb", "ccc", "d"}));
  EXPECT_EQ(wholesale.pieces, (std::vector<std::pair<std::uint32_t, std::uint16_t>>{{10, 3}}));
  EXPECT_EQ(shard().stats().datagrams_in, 8U);
}

TEST_F(ShardDatagrams, AKeptPayloadKeepsItsBytes) {
  class Keeper final : public DatagramEvents {
   public:
    void on_datagram(DatagramSocket&, const Datagram& datagram) override {
      kept.push_back(datagram.payload);
    }
    std::vector<Slice> kept;
  } keeper;
  binds(keeper);
  gives(v4(), "first");
  for (int i = 0; i < 40; ++i) gives(v4(), "later");
  EXPECT_EQ(text_of(keeper.kept.front().bytes()), "first");
}

// --- nobody there -------------------------------------------------------------------------------

// RFC 4443 R4443-6
TEST_F(ShardDatagrams, RFC1122_R1122_10_AClosedPortIsUnreachable) {
  binds(app_);
  unbinds();
  for (const FlowKey& flow : both()) {
    const PacketBytes asked = udp_packet(flow, bytes_of("anybody?"));
    EXPECT_EQ(host().gives(asked), DropReason::udp_unreachable);
    const SentPacket answer = host().takes_one();
    const bool v4 = flow.local.is_v4();
    EXPECT_EQ(answer.packet.icmp.type, v4 ? 3 : 1);
    EXPECT_EQ(answer.packet.icmp.code, v4 ? 3 : 4);
    EXPECT_EQ(answer.packet.source, flow.local) << "the address that was asked";
    EXPECT_EQ(answer.packet.destination, flow.remote);
    // RFC 1122 R1122-7: the IP header and more, unchanged
    EXPECT_EQ(text_of(answer.payload()), text_of(Bytes(asked).subspan(wire::kVirtioNetHeaderSize)));
  }
  EXPECT_EQ(shard().stats().errors_sent, 2U);
}

TEST_F(ShardDatagrams, RFC4443_R4443_2_AnErrorQuotesAsMuchAsEveryPathCarries) {
  for (const FlowKey& flow : both()) {
    host().gives(udp_packet(flow, patterned(1400, 1)));
    const SentPacket answer = host().takes_one();
    EXPECT_EQ(answer.ip().size(), flow.local.is_v4() ? 576U : 1280U);
  }
}

TEST_F(ShardDatagrams, RFC1122_R1122_7_NobodyHearsOfErrorsAboutGroupsOrErrors) {
  FlowKey flow = v4();
  for (const char* const to : {"224.0.0.1", "255.255.255.255", "10.0.5.255", "10.0.5.100"}) {
    flow.local = *IpAddress::parse(to);
    EXPECT_NE(gives(flow, "x"), DropReason::none) << to;
  }
  flow = v6();
  flow.local = *IpAddress::parse("ff02::1");
  EXPECT_NE(gives(flow, "x"), DropReason::none);
  wire::IcmpHeader error;
  error.type = wire::icmp_v4::kUnreachable;
  error.code = wire::icmp_v4::kPortUnreachable;
  const FlowKey turned{v4().remote, v4().local, 5000, kPort};
  host().gives(icmp_packet(v4().remote, v4().local, error, quote_of(udp_packet(turned, {}))));
  EXPECT_TRUE(host().is_silent());
}

TEST_F(ShardDatagrams, RFC4443_R4443_4_ErrorsAreLimitedInRate) {
  for (int i = 0; i < 200; ++i) gives(v4(), "x");
  EXPECT_EQ(host().takes().size(), 50U);
  host().passes(Duration::milliseconds(10));
  for (int i = 0; i < 200; ++i) gives(v6(), "x");
  EXPECT_EQ(host().takes().size(), 10U);
  EXPECT_EQ(host().dropped(DropReason::udp_unreachable), 400U);
}

// --- out ----------------------------------------------------------------------------------------

TEST_F(ShardDatagrams, ADatagramGoesFromTheAddressThatIsNamed) {
  binds(app_);
  for (FlowKey flow : both()) {
    flow.local_port = 1;  // of no interest: the socket has one
    EXPECT_TRUE(sends(flow, bytes_of("hello")));
    const SentPacket sent = host().takes_one();
    EXPECT_EQ(sent.packet.source, flow.local);
    EXPECT_EQ(sent.packet.destination, flow.remote);
    EXPECT_EQ(sent.packet.udp.source_port, kPort);
    EXPECT_EQ(sent.packet.udp.destination_port, flow.remote_port);
    EXPECT_EQ(sent.packet.udp.length, wire::kUdpHeader + 5);
    EXPECT_NE(sent.packet.udp.checksum, 0);
    EXPECT_EQ(text_of(sent.payload()), "hello");
  }
}

TEST_F(ShardDatagrams, ItCanSendAsSoonAsItIsBound) {
  class Greeter final : public DatagramEvents {
   public:
    void on_bound(DatagramSocket& socket) override { socket.send(v4(), bytes_of("hello")); }
  } greeter;
  binds(greeter);
  EXPECT_EQ(texts(), Strings{"hello"});
}

TEST_F(ShardDatagrams, WhatCannotBeSentIsRefused) {
  binds(app_);
  const auto refuses = [this](FlowKey flow, const char* local, const char* remote) {
    flow.local = *IpAddress::parse(local);
    flow.remote = *IpAddress::parse(remote);
    return !sends(flow, bytes_of("x"));
  };
  EXPECT_TRUE(refuses(v4(), "10.0.5.100", "192.0.2.7")) << "the kernel's address";
  EXPECT_TRUE(refuses(v4(), "10.0.6.1", "192.0.2.7")) << "nobody's address";
  EXPECT_TRUE(refuses(v4(), "10.0.5.101", "224.0.0.9"));
  EXPECT_TRUE(refuses(v4(), "10.0.5.101", "255.255.255.255"));
  EXPECT_TRUE(refuses(v4(), "10.0.5.101", "0.0.0.0"));
  EXPECT_TRUE(refuses(v4(), "10.0.5.101", "fd05::100"));
  EXPECT_TRUE(refuses(v6(), "fd05::101", "ff02::1"));
  EXPECT_TRUE(refuses(v6(), "fd05::101", "::"));
  EXPECT_TRUE(refuses(v4(0), "10.0.5.101", "192.0.2.7")) << "port 0";
  EXPECT_FALSE(sends(v4(), std::vector<std::uint8_t>(65'508)));
  EXPECT_FALSE(sends(v6(), std::vector<std::uint8_t>(65'488)));
  EXPECT_TRUE(host().is_silent());
  EXPECT_EQ(shard().stats().datagrams_out, 0U);
}

TEST_F(ShardDatagrams, TheTrafficClassIsTheOneThatIsSet) {
  binds(app_);
  app_.socket->set_traffic_class(0xb9);
  for (const FlowKey& flow : both()) {
    EXPECT_TRUE(sends(flow, bytes_of("x")));
    EXPECT_EQ(host().takes_one().packet.traffic_class, 0xb9);
  }
}

TEST_F(ShardDatagrams, NothingGoesInFragmentsWhereThatIsRefused) {
  binds(app_);
  for (const FlowKey& flow : both()) {
    const std::size_t most = 1500 - wire::ip_header_length(flow.remote) - wire::kUdpHeader;
    app_.socket->set_dont_fragment(true);
    EXPECT_TRUE(sends(flow, patterned(most, 1)));
    EXPECT_FALSE(sends(flow, patterned(most + 1, 1)));
    EXPECT_EQ(host().takes().size(), 1U);
    app_.socket->set_dont_fragment(false);
    EXPECT_TRUE(sends(flow, patterned(most + 1, 1)));
    EXPECT_EQ(host().takes().size(), 2U);
  }
  app_.socket->set_dont_fragment(true);
  EXPECT_TRUE(app_.socket->send(v4(), patterned(4000, 1), 1000)) << "cut, but not in fragments";
  host().takes();
}

TEST_F(ShardDatagrams, AFullQueueRefusesAndSaysOnceWhenThereIsRoom) {
  ShardOptions options = shard_options();
  options.max_datagrams = 8;
  make(options);
  binds(app_);
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(sends(v4(), bytes_of(std::to_string(i))));
  EXPECT_FALSE(sends(v4(), bytes_of("8")));
  EXPECT_FALSE(sends(v4(), bytes_of("8")));
  EXPECT_EQ(app_.writable, 0);
  EXPECT_EQ(texts(), (Strings{"0", "1", "2", "3", "4", "5", "6", "7"}));
  EXPECT_EQ(app_.writable, 1);
  EXPECT_TRUE(sends(v4(), bytes_of("8")));
  EXPECT_EQ(texts(), Strings{"8"});
  EXPECT_EQ(app_.writable, 1) << "only after a refusal";
}

TEST_F(ShardDatagrams, EachSocketThatWasRefusedHearsOfRoomButNoneThatIsGone) {
  ShardOptions options = shard_options();
  options.max_datagrams = 1;
  make(options);
  Inbound second;
  Inbound gone;
  binds(app_);
  binds(second, 54);
  binds(gone, 55);
  EXPECT_TRUE(sends(v4(), bytes_of("x")));
  for (Inbound* const inbound : {&app_, &second, &gone}) {
    EXPECT_FALSE(inbound->socket->send(v4(), bytes_of("y")));
  }
  unbinds(55);
  host().takes();
  EXPECT_EQ(app_.writable, 1);
  EXPECT_EQ(second.writable, 1);
  EXPECT_EQ(gone.writable, 0);
}

TEST_F(ShardDatagrams, WithoutMemoryACopyIsRefusedAndNothingLeaks) {
  binds(app_);
  const std::vector<std::uint8_t> large(10'000);  // a frame each, of 64
  int sent = 0;
  while (sent < 1000 && sends(v4(), large)) ++sent;
  EXPECT_GT(sent, 10);
  EXPECT_LE(sent, 64);
  host().takes();
  EXPECT_TRUE(sends(v4(), large));
  host().takes();
  EXPECT_TRUE(host().is_all_home());
}

TEST_F(ShardDatagrams, RFC1122_R1122_11_ThatAPeerRefusesIsPassedOn) {
  binds(app_);
  for (const FlowKey& flow : both()) {
    const bool v4 = flow.local.is_v4();
    ASSERT_TRUE(sends(flow, bytes_of("anybody?")));
    const auto quote = quote_of(host().takes_one().bytes);
    wire::IcmpHeader error;
    error.type = v4 ? wire::icmp_v4::kUnreachable : wire::icmp_v6::kUnreachable;
    error.code = 1;  // the host, or prohibited: may pass
    EXPECT_EQ(host().gives(icmp_packet(flow.remote, flow.local, error, quote)), DropReason::none);
    EXPECT_TRUE(app_.refused.empty());
    error.code = v4 ? wire::icmp_v4::kPortUnreachable : wire::icmp_v6::kPortUnreachable;
    EXPECT_EQ(host().gives(icmp_packet(flow.remote, flow.local, error, quote)), DropReason::none);
    EXPECT_EQ(app_.refused, std::vector<FlowKey>{flow});
    app_.refused.clear();
    unbinds();
    EXPECT_EQ(host().gives(icmp_packet(flow.remote, flow.local, error, quote)),
              DropReason::icmp_unknown_flow);
    binds(app_);
  }
}

// --- segments -----------------------------------------------------------------------------------

class ShardPieces : public ShardDatagrams {
 protected:
  void make_with(bool offload) {
    ShardOptions options = shard_options();
    options.datagram_offload = offload;
    options.checksum_offload = offload;
    make(options);
    binds(app_);
  }
  bool sends_pieces(const std::vector<std::uint8_t>& bytes, std::uint16_t segment_bytes) {
    const Slice slice = frames_.slice_of(bytes);
    return app_.socket->send(v4(), slice, segment_bytes);
  }
  TestFrames frames_{4096};
};

TEST_F(ShardPieces, WithoutTheOffloadEachGoesByItself) {
  make_with(false);
  EXPECT_TRUE(sends_pieces(bytes_of("aaabbbcccd"), 3));
  EXPECT_EQ(texts(), (Strings{"aaa", "bbb", "ccc", "d"}));
  EXPECT_EQ(shard().stats().datagrams_out, 4U);
}

TEST_F(ShardPieces, WithItTheyGoInOnePacket) {
  make_with(true);
  EXPECT_TRUE(sends_pieces(bytes_of("aaabbbcccd"), 3));
  const SentPacket sent = host().takes_one();
  EXPECT_EQ(text_of(sent.payload()), "aaabbbcccd");
  const wire::VirtioNetHeader offload = wire::parse_virtio_net(sent.bytes);
  EXPECT_EQ(offload.gso_type, wire::VirtioNetHeader::kGsoUdpL4);
  EXPECT_EQ(offload.gso_size, 3);
  EXPECT_EQ(shard().stats().datagrams_out, 4U);
}

TEST_F(ShardPieces, APacketHoldsAsManyAsLinuxTakes) {
  make_with(true);
  const auto bytes = patterned(64 * 10 * 3 + 10, 1);
  EXPECT_TRUE(sends_pieces(bytes, 10));
  std::vector<std::uint8_t> all;
  const auto sent = host().takes();
  ASSERT_EQ(sent.size(), 4U);
  for (const SentPacket& packet : sent) {
    const wire::VirtioNetHeader offload = wire::parse_virtio_net(packet.bytes);
    const bool is_last = packet.payload().size() == 10;
    EXPECT_EQ(offload.gso_size, is_last ? 0 : 10) << "one alone is none to be cut";
    EXPECT_LE(packet.payload().size(), 64U * 10);
    all.insert(all.end(), packet.payload().begin(), packet.payload().end());
  }
  EXPECT_EQ(all, bytes);
}

TEST_F(ShardPieces, OneThatIsNoLongerThanASegmentIsNotCut) {
  make_with(true);
  EXPECT_TRUE(sends_pieces(bytes_of("abc"), 3));
  EXPECT_EQ(wire::parse_virtio_net(host().takes_one().bytes).gso_type,
            wire::VirtioNetHeader::kGsoNone);
  EXPECT_EQ(shard().stats().datagrams_out, 1U);
}

TEST_F(ShardPieces, ASegmentThatDoesNotFitTheMtuIsRefused) {
  make_with(true);
  EXPECT_TRUE(sends_pieces(patterned(5000, 1), 1472));
  EXPECT_FALSE(sends_pieces(patterned(5000, 1), 1473));
  host().takes();
}

TEST_F(ShardPieces, BytesAreCopiedAndCutAsWell) {
  make_with(false);
  EXPECT_TRUE(app_.socket->send(v4(), bytes_of("aaabbbc"), 3));
  EXPECT_EQ(texts(), (Strings{"aaa", "bbb", "c"}));
}

// --- fragments ----------------------------------------------------------------------------------

class ShardFragments : public ShardDatagrams {
 protected:
  void make_with(std::uint32_t mtu) {
    ShardOptions options = shard_options();
    options.mtu = mtu;
    make(options);
    binds(app_);
  }
};

TEST_F(ShardFragments, RFC1122_R1122_14_WhatExceedsTheMtuGoesInPieces) {
  for (const std::uint32_t mtu : {68U, 100U, 576U, 1280U, 1499U, 1500U, 9000U}) {
    make_with(mtu);
    for (const FlowKey& flow : both()) {
      if (flow.local.is_v6() && mtu < 1280) continue;
      const std::size_t fits = mtu - (flow.local.is_v4() ? 20 : 40) - wire::kUdpHeader;
      for (const std::size_t size :
           {fits + 1, fits + 2, 2 * fits, 3 * fits + 7, std::size_t{30'000}}) {
        const auto bytes = patterned(size, mtu);
        ASSERT_TRUE(sends(flow, bytes)) << size;
        const auto all = joined(host().takes(), mtu);
        ASSERT_EQ(all.size(), wire::kUdpHeader + size);
        EXPECT_EQ(text_of(Bytes(all).subspan(wire::kUdpHeader)), text_of(bytes));
        wire::Checksum sum;  // RFC 768 R768-2: over all of it
        sum.add_pseudo_header(flow.local, flow.remote, wire::kProtocolUdp,
                              static_cast<std::uint32_t>(all.size()));
        sum.add(all);
        EXPECT_EQ(sum.finished(), 0);
      }
      ASSERT_TRUE(sends(flow, patterned(fits, 1)));
      EXPECT_FALSE(host().takes_one().packet.is_fragment);
    }
  }
}

TEST_F(ShardFragments, RFC8200_R8200_6_TheLongestOfAllComeBackWhole) {
  make_with(1500);
  app_.echoes = true;
  for (const FlowKey& flow : both()) {
    const auto bytes = patterned(flow.local.is_v4() ? 65'507 : 65'487, 3);
    const PacketBytes packet = udp_packet(flow, bytes);
    const ByteVector whole(packet.begin() + wire::kVirtioNetHeaderSize, packet.end());
    const auto header = static_cast<std::uint32_t>(flow.local.is_v4() ? 20 : 40);
    const auto end = static_cast<std::uint32_t>(whole.size()) - header;
    for (std::uint32_t at = 0; at < end; at += 1440) {
      const Cut cut{at, std::min(end, at + 1440)};
      const ByteVector piece =
          flow.local.is_v4() ? fragment_v4(whole, cut) : fragment_v6(whole, cut, 5);
      PacketBytes given(wire::kVirtioNetHeaderSize);
      given.insert(given.end(), piece.begin(), piece.end());
      ASSERT_EQ(host().gives(given), DropReason::none);
    }
    ASSERT_EQ(app_.heard.back(), text_of(bytes));
    const auto all = joined(host().takes(), 1500);
    EXPECT_EQ(text_of(Bytes(all).subspan(wire::kUdpHeader)), text_of(bytes));
  }
  EXPECT_EQ(shard().stats().datagrams_joined, 2U);
}

TEST_F(ShardFragments, RFC1122_R1122_8_AnEchoOfAnySizeComesBack) {
  make_with(1500);
  for (const FlowKey& flow : both()) {
    const bool v4 = flow.local.is_v4();
    wire::IcmpHeader echo;
    echo.type = v4 ? wire::icmp_v4::kEcho : wire::icmp_v6::kEcho;
    echo.rest = 0x12345678;
    const auto bytes = patterned(5000, 4);
    host().gives(icmp_packet(flow.remote, flow.local, echo, bytes));
    const auto all = joined(host().takes(), 1500);
    EXPECT_EQ(all[0], v4 ? wire::icmp_v4::kEchoReply : wire::icmp_v6::kEchoReply);
    EXPECT_EQ(load_be32(&all[4]), echo.rest);
    EXPECT_EQ(text_of(Bytes(all).subspan(8)), text_of(bytes));
  }
}

TEST_F(ShardFragments, RFC8200_R8200_7_DatagramsDoNotShareAnIdentification) {
  make_with(1500);
  std::set<std::uint32_t> identifications;
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(sends(v6(), patterned(2000, 1)));
    wire::IpHeader header;
    ASSERT_EQ(wire::parse_ip(host().takes().front().ip(), header), DropReason::none);
    identifications.insert(header.fragment.identification);
  }
  EXPECT_EQ(identifications.size(), 500U);
}

// Two shards send to the same host: it must not mix their pieces.
TEST_F(ShardFragments, ShardsOfOneEngineNeverUseTheSameIdentification) {
  constexpr std::uint32_t kShards = 3;
  constexpr int kEach = 20'000;
  std::set<std::uint32_t> all;
  for (std::uint32_t worker = 0; worker < kShards; ++worker) {
    ShardOptions options = shard_options();
    options.worker = worker;
    options.ownership.shards = kShards;
    options.mtu = 68;
    options.secrets.seed = worker;
    ShardHost one(options);
    Inbound socket;
    one.command(BindCommand{options_of(kPort, nullptr), &socket});
    std::set<std::uint32_t> own;
    for (int i = 0; i < kEach; ++i) {
      ASSERT_TRUE(socket.socket->send(v4(), std::array<std::uint8_t, 41>{}));
      wire::IpHeader header;
      ASSERT_EQ(wire::parse_ip(one.takes().front().ip(), header), DropReason::none);
      own.insert(header.fragment.identification);
    }
    EXPECT_EQ(own.size(), 1U * kEach);
    all.insert(own.begin(), own.end());
  }
  EXPECT_EQ(all.size(), 1U * kShards * kEach);
}

TEST_F(ShardFragments, OneDatagramLeavesOverSeveralTurnsAndStaysInOrder) {
  make_with(68);
  EXPECT_TRUE(sends(v4(), patterned(40'000, 1)));
  EXPECT_TRUE(sends(v4(), bytes_of("next")));
  const auto sent = host().takes();
  ASSERT_GT(sent.size(), 800U);
  EXPECT_EQ(text_of(sent.back().payload()), "next");
}

}  // namespace
}  // namespace sluice::test

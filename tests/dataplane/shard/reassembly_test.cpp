#include "dataplane/shard/reassembly.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/base/rng.hpp"
#include "proto/wire/packet.hpp"
#include "proto/wire/udp.hpp"
#include "tests/support/fragments.hpp"
#include "tests/support/test_frames.hpp"

namespace sluice {
namespace {

using test::Cut;
using test::fragment_v4;
using test::fragment_v6;
using test::TestFrames;
using wire::sample::address;
using wire::sample::ByteVector;
using wire::sample::from_hex;
using wire::sample::with_extensions;

constexpr std::uint32_t kFrameBytes = 65'545;  // as the worker's
constexpr std::uint32_t kId = 0x11223344;

wire::IpFields fields_v4(std::string_view source = "10.0.5.100") {
  return {.source = address(source),
          .destination = address("10.0.5.101"),
          .protocol = wire::kProtocolUdp,
          .identification = 7};
}

wire::IpFields fields_v6() {
  return {.source = address("fd00::100"),
          .destination = address("fd00::101"),
          .protocol = wire::kProtocolUdp};
}

// A UDP datagram with a right sum.
ByteVector datagram(const wire::IpFields& ip, std::size_t length, std::uint32_t seed = 1) {
  ByteVector bytes = test::patterned(length, seed);
  wire::sample::set_u16(bytes, 4, static_cast<std::uint16_t>(length));
  wire::sample::set_u16(bytes, 6, 0);
  wire::Checksum sum;
  sum.add_pseudo_header(ip.source, ip.destination, ip.protocol, static_cast<std::uint32_t>(length));
  sum.add(bytes);
  wire::sample::set_u16(bytes, 6, sum.finished());
  return bytes;
}

class ReassemblyTest : public testing::Test {
 protected:
  Slice give(const ByteVector& fragment) {
    return reassembly_.on_fragment(fragment, now_, reason_);
  }
  // Kept, refused or the last: what became of a fragment.
  DropReason fate(const ByteVector& fragment) {
    EXPECT_TRUE(give(fragment).empty());
    return reason_;
  }
  void expect_joined(const ByteVector& fragment, const ByteVector& whole) {
    const Slice packet = give(fragment);
    EXPECT_EQ(reason_, DropReason::none);
    EXPECT_EQ(ByteVector(packet.bytes().begin(), packet.bytes().end()), whole);
  }
  // How many datagrams expire now.
  int expire() {
    int count = 0;
    while (reassembly_.next_expired(now_, first_)) ++count;
    return count;
  }

  TestFrames frames_{kFrameBytes};
  Reassembly reassembly_{frames_, {.max_datagrams = 8, .max_per_source = 4}};
  Instant now_ = Instant::from_ns(1);
  DropReason reason_ = DropReason::none;
  Slice first_;
};

TEST_F(ReassemblyTest, joins_pieces_in_order) {
  const ByteVector v4 = test::whole_packet(fields_v4(), datagram(fields_v4(), 3'001));
  EXPECT_EQ(fate(fragment_v4(v4, {0, 1480})), DropReason::none);
  EXPECT_EQ(reassembly_.size(), 1U);
  EXPECT_EQ(frames_.out(), 1U);
  EXPECT_EQ(fate(fragment_v4(v4, {1480, 2960})), DropReason::none);
  expect_joined(fragment_v4(v4, {2960, 3001}), v4);
  EXPECT_EQ(reassembly_.size(), 0U);
  EXPECT_EQ(frames_.out(), 0U);

  const ByteVector v6 = test::whole_packet(fields_v6(), datagram(fields_v6(), 3'001));
  EXPECT_EQ(fate(fragment_v6(v6, {0, 1448}, kId)), DropReason::none);
  EXPECT_EQ(fate(fragment_v6(v6, {1448, 2896}, kId)), DropReason::none);
  expect_joined(fragment_v6(v6, {2896, 3001}, kId), v6);
  EXPECT_EQ(reassembly_.counters().joined, 2U);
}

TEST_F(ReassemblyTest, joins_pieces_in_reverse) {
  const ByteVector v4 = test::whole_packet(fields_v4(), datagram(fields_v4(), 3'001));
  EXPECT_EQ(fate(fragment_v4(v4, {2960, 3001})), DropReason::none);
  EXPECT_EQ(fate(fragment_v4(v4, {1480, 2960})), DropReason::none);
  expect_joined(fragment_v4(v4, {0, 1480}), v4);
}

TEST_F(ReassemblyTest, what_it_joins_is_parsed) {
  for (const wire::IpFields& ip : {fields_v4(), fields_v6()}) {
    const ByteVector whole = test::whole_packet(ip, datagram(ip, 2'000));
    const auto cut = [&](Cut at) {
      return ip.source.is_v4() ? fragment_v4(whole, at) : fragment_v6(whole, at, kId);
    };
    EXPECT_EQ(fate(cut({0, 1000})), DropReason::none);
    const Slice packet = give(cut({1000, 2000}));
    wire::Packet parsed;
    ASSERT_EQ(wire::parse_packet(packet.bytes(), {}, parsed), DropReason::none);
    EXPECT_EQ(parsed.payload_length, 1'992U);
  }
}

std::vector<Cut> random_cuts(Rng& rng, std::uint32_t length) {
  std::vector<Cut> cuts;
  for (std::uint32_t begin = 0; begin < length;) {
    const auto step = static_cast<std::uint32_t>(8 * rng.between(1, 200));
    cuts.push_back({begin, std::min(begin + step, length)});
    begin = cuts.back().end;
  }
  return cuts;
}

TEST_F(ReassemblyTest, joins_pieces_in_any_order) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const wire::IpFields ip = rng.chance(0.5) ? fields_v4() : fields_v6();
    const auto length = static_cast<std::uint32_t>(rng.between(2'000, 12'000));
    const ByteVector whole = test::whole_packet(ip, datagram(ip, length));
    std::vector<Cut> cuts = random_cuts(rng, length);
    for (std::size_t i = cuts.size() - 1; i > 0; --i) {
      std::swap(cuts[i], cuts[rng.below(i + 1)]);
    }
    const auto fragment = [&](Cut cut) {
      return ip.source.is_v4() ? fragment_v4(whole, cut) : fragment_v6(whole, cut, kId);
    };
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
      ASSERT_EQ(fate(fragment(cuts[i])), DropReason::none);
    }
    expect_joined(fragment(cuts.back()), whole);
  }
  EXPECT_EQ(frames_.out(), 0U);
}

TEST_F(ReassemblyTest, the_longest_packet_of_each_family) {
  for (const wire::IpFields& ip : {fields_v4(), fields_v6()}) {
    const bool is_v4 = ip.source.is_v4();
    const std::uint32_t length = is_v4 ? 65'515 : 65'495;
    const ByteVector whole = test::whole_packet(ip, datagram(ip, length));
    for (std::uint32_t begin = 0; begin + 1400 < length; begin += 1400) {
      const Cut cut{begin, begin + 1400};
      ASSERT_EQ(fate(is_v4 ? fragment_v4(whole, cut) : fragment_v6(whole, cut, kId)),
                DropReason::none);
    }
    const Cut last{length / 1400 * 1400, length};
    expect_joined(is_v4 ? fragment_v4(whole, last) : fragment_v6(whole, last, kId), whole);
  }
}

TEST_F(ReassemblyTest, RFC8200_R8200_3_joins_behind_extension_headers) {
  // Hop-by-hop and destination options before the fragment header, others behind it.
  const ByteVector unfragmentable =
      from_hex("3c00 0104 00000000 3c01 010c 00000000 00000000 00000000");
  const ByteVector behind = from_hex("1100 0104 00000000");
  ByteVector chain = unfragmentable;
  chain.insert(chain.end(), behind.begin(), behind.end());
  const ByteVector whole =
      with_extensions(test::whole_packet(fields_v6(), datagram(fields_v6(), 500)), 0, chain);
  EXPECT_EQ(fate(fragment_v6(whole, {256, 508}, kId, 64)), DropReason::none);
  expect_joined(fragment_v6(whole, {0, 256}, kId, 64), whole);
}

// Record route: an option that only the first fragment carries (RFC 791 3.1).
ByteVector with_record_route(ByteVector packet) {
  const ByteVector option = from_hex("07 07 04 00000000 00");
  packet[0] = 0x47;
  packet.insert(packet.begin() + 20, option.begin(), option.end());
  wire::sample::set_u16(packet, 2, static_cast<std::uint16_t>(packet.size()));
  wire::sample::repair_ipv4_sum(packet);
  return packet;
}

TEST_F(ReassemblyTest, the_first_piece_may_have_longer_headers) {
  const ByteVector whole = test::whole_packet(fields_v4(), datagram(fields_v4(), 500));
  const ByteVector first = with_record_route(fragment_v4(whole, {0, 256}));
  const ByteVector later = fragment_v4(whole, {256, 500});
  EXPECT_EQ(fate(later), DropReason::none);
  expect_joined(first, with_record_route(whole));
  // The other way round the room stays unused.
  EXPECT_EQ(fate(first), DropReason::none);
  expect_joined(later, with_record_route(whole));
}

TEST_F(ReassemblyTest, headers_that_would_make_it_too_long_are_seen_at_the_end) {
  const ByteVector whole = test::whole_packet(fields_v4(), datagram(fields_v4(), 65'515));
  EXPECT_EQ(fate(fragment_v4(whole, {256, 65'515})), DropReason::none);
  EXPECT_EQ(fate(with_record_route(fragment_v4(whole, {0, 256}))), DropReason::bad_fragment);
  EXPECT_EQ(frames_.out(), 0U);
}

TEST_F(ReassemblyTest, RFC8200_R8200_7_an_exact_duplicate_changes_nothing) {
  const ByteVector whole = test::whole_packet(fields_v4(), datagram(fields_v4(), 3'001));
  for (const Cut cut : {Cut{0, 1480}, Cut{2960, 3001}}) {
    EXPECT_EQ(fate(fragment_v4(whole, cut)), DropReason::none);
    EXPECT_EQ(fate(fragment_v4(whole, cut)), DropReason::fragment_duplicate);
  }
  EXPECT_EQ(fate(fragment_v4(whole, {0, 1480})), DropReason::fragment_duplicate);
  expect_joined(fragment_v4(whole, {1480, 2960}), whole);
}

struct Overlap {
  Cut first;
  Cut second;
  const char* what;
};

constexpr Overlap kOverlaps[] = {
    {{16, 48}, {40, 80}, "the end"},       {{40, 80}, {16, 48}, "the front"},
    {{16, 80}, {32, 64}, "within"},        {{32, 64}, {16, 80}, "around"},
    {{16, 48}, {16, 40}, "a shorter one"}, {{16, 40}, {16, 48}, "a longer one"},
    {{16, 48}, {24, 48}, "a later front"}, {{24, 48}, {16, 48}, "an earlier front"},
    {{0, 64}, {56, 200}, "the first"},     {{104, 200}, {96, 112}, "the last"},
    {{104, 200}, {160, 200}, "two lasts"}, {{160, 200}, {104, 200}, "two lasts, longer"},
};

// RFC 5722
TEST_F(ReassemblyTest, RFC8200_R8200_7_any_overlap_spoils_the_datagram) {
  for (const wire::IpFields& ip : {fields_v4(), fields_v6()}) {
    const ByteVector whole = test::whole_packet(ip, datagram(ip, 200));
    const auto cut = [&](Cut at) {
      return ip.source.is_v4() ? fragment_v4(whole, at) : fragment_v6(whole, at, kId);
    };
    for (const auto& [first, second, what] : kOverlaps) {
      SCOPED_TRACE(what);
      EXPECT_EQ(fate(cut(first)), DropReason::none);
      EXPECT_EQ(fate(cut(second)), DropReason::fragment_overlap);
      EXPECT_EQ(frames_.out(), 0U);
      // Nothing begins anew, and nothing joins.
      EXPECT_EQ(fate(cut({0, 104})), DropReason::fragment_overlap);
      EXPECT_EQ(fate(cut({104, 200})), DropReason::fragment_overlap);
      EXPECT_EQ(reassembly_.size(), 1U);
      reassembly_.clear();
    }
  }
}

TEST_F(ReassemblyTest, a_duplicate_of_two_neighbours_or_of_other_bytes_is_an_overlap) {
  const ByteVector whole = test::whole_packet(fields_v4(), datagram(fields_v4(), 200));
  EXPECT_EQ(fate(fragment_v4(whole, {16, 48})), DropReason::none);
  EXPECT_EQ(fate(fragment_v4(whole, {48, 80})), DropReason::none);
  EXPECT_EQ(fate(fragment_v4(whole, {16, 80})), DropReason::fragment_overlap);
  reassembly_.clear();
  ByteVector piece = fragment_v4(whole, {16, 48});
  EXPECT_EQ(fate(piece), DropReason::none);
  piece.back() ^= 1;
  EXPECT_EQ(fate(piece), DropReason::fragment_overlap);
}

TEST_F(ReassemblyTest, there_is_one_last_piece_and_nothing_behind_it) {
  const wire::IpFields ip = fields_v4();
  const ByteVector whole = test::whole_packet(ip, datagram(ip, 203));
  const ByteVector longer = test::whole_packet(ip, datagram(ip, 400));
  const ByteVector shorter = test::whole_packet(ip, datagram(ip, 201));
  const ByteVector last = fragment_v4(whole, {104, 203});
  const auto expect_overlap = [&](const ByteVector& first, const ByteVector& second) {
    EXPECT_EQ(fate(first), DropReason::none);
    EXPECT_EQ(fate(second), DropReason::fragment_overlap);
    reassembly_.clear();
  };
  const ByteVector others[] = {
      fragment_v4(longer, {208, 400}),   // another last, behind
      fragment_v4(shorter, {104, 201}),  // another last, shorter by less than 8 bytes
      fragment_v4(longer, {208, 240}),   // more, behind
      fragment_v4(longer, {104, 208}),   // more, over the same 8 bytes
      fragment_v4(longer, {200, 208}),
  };
  for (const ByteVector& other : others) {
    expect_overlap(last, other);
    expect_overlap(other, last);
  }
  // The same bytes, once with and once without more to come.
  const ByteVector more = fragment_v4(longer, {104, 208});
  const ByteVector no_more = fragment_v4(test::whole_packet(ip, datagram(ip, 208)), {104, 208});
  expect_overlap(more, no_more);
  expect_overlap(no_more, more);
}

TEST_F(ReassemblyTest, bad_pieces_do_not_spoil_a_datagram) {
  const ByteVector whole = test::whole_packet(fields_v4(), datagram(fields_v4(), 200));
  EXPECT_EQ(fate(fragment_v4(whole, {0, 104})), DropReason::none);
  EXPECT_EQ(fate(fragment_v4(whole, {8, 21})), DropReason::bad_fragment);
  EXPECT_EQ(fate(fragment_v4(whole, {104, 104})), DropReason::bad_fragment);
  EXPECT_EQ(fate(whole), DropReason::bad_fragment);  // no fragment at all
  EXPECT_EQ(fate(from_hex("45")), DropReason::truncated);
  expect_joined(fragment_v4(whole, {104, 200}), whole);
}

TEST_F(ReassemblyTest, datagrams_are_told_apart) {
  wire::IpFields ip = fields_v4();
  std::vector<ByteVector> wholes = {test::whole_packet(ip, datagram(ip, 200, 1))};
  ip.identification = 8;
  wholes.push_back(test::whole_packet(ip, datagram(ip, 200, 2)));
  ip.protocol = 253;
  wholes.push_back(test::whole_packet(ip, datagram(ip, 200, 3)));
  ip.source = address("10.0.5.99");
  wholes.push_back(test::whole_packet(ip, datagram(ip, 200, 4)));
  ip.destination = address("10.0.5.102");
  wholes.push_back(test::whole_packet(ip, datagram(ip, 200, 5)));
  for (const ByteVector& whole : wholes) {
    EXPECT_EQ(fate(fragment_v4(whole, {0, 104})), DropReason::none);
  }
  EXPECT_EQ(reassembly_.size(), wholes.size());
  for (const ByteVector& whole : wholes) expect_joined(fragment_v4(whole, {104, 200}), whole);
}

TEST_F(ReassemblyTest, in_ipv6_the_protocol_is_the_first_fragments) {
  const ByteVector whole = test::whole_packet(fields_v6(), datagram(fields_v6(), 200));
  ByteVector last = fragment_v6(whole, {104, 200}, kId);
  last[40] = 253;
  EXPECT_EQ(fate(last), DropReason::none);
  EXPECT_EQ(fate(fragment_v6(whole, {0, 104}, kId + 1)), DropReason::none);
  expect_joined(fragment_v6(whole, {0, 104}, kId), whole);
}

ByteVector with_ecn(ByteVector fragment, unsigned ecn) {
  if (fragment[0] >> 4 == 6) {
    fragment[1] = static_cast<std::uint8_t>((fragment[1] & 0xcf) | ecn << 4);
  } else {
    fragment[1] = static_cast<std::uint8_t>((fragment[1] & 0xfc) | ecn);
    wire::sample::repair_ipv4_sum(fragment);
  }
  return fragment;
}

TEST_F(ReassemblyTest, RFC3168_R3168_11_congestion_in_any_piece_is_in_the_whole) {
  constexpr unsigned kNotEct = 0, kEct1 = 1, kEct0 = 2, kCe = 3;
  constexpr unsigned kRefused = 9;
  constexpr unsigned kTable[][3] = {{kNotEct, kNotEct, kNotEct}, {kEct0, kEct0, kEct0},
                                    {kEct0, kEct1, kEct0},       {kEct0, kCe, kCe},
                                    {kCe, kEct1, kCe},           {kCe, kCe, kCe},
                                    {kCe, kNotEct, kRefused},    {kNotEct, kCe, kRefused}};
  for (const wire::IpFields& ip : {fields_v4(), fields_v6()}) {
    const ByteVector whole = test::whole_packet(ip, datagram(ip, 200));
    const auto cut = [&](Cut at, unsigned ecn) {
      const bool is_v4 = ip.source.is_v4();
      return with_ecn(is_v4 ? fragment_v4(whole, at) : fragment_v6(whole, at, kId), ecn);
    };
    for (const auto& [first, second, expected] : kTable) {
      SCOPED_TRACE(std::to_string(first) + " and " + std::to_string(second));
      EXPECT_EQ(fate(cut({0, 104}, first)), DropReason::none);
      if (expected == kRefused) {
        EXPECT_EQ(fate(cut({104, 200}, second)), DropReason::bad_fragment);
      } else {
        expect_joined(cut({104, 200}, second), with_ecn(whole, expected));
      }
      reassembly_.clear();
    }
  }
}

TEST_F(ReassemblyTest, RFC1122_R1122_4_an_incomplete_datagram_is_given_up_in_time) {
  const ByteVector v4 = test::whole_packet(fields_v4(), datagram(fields_v4(), 200));
  EXPECT_TRUE(reassembly_.next_deadline().is_never());
  const Instant begun = now_;
  const ByteVector first = fragment_v4(v4, {0, 104});
  EXPECT_EQ(fate(first), DropReason::none);
  EXPECT_EQ(reassembly_.next_deadline(), begun + Reassembly::kIpv4Lifetime);
  // Later pieces do not prolong it.
  now_ = begun + Duration::seconds(20);
  EXPECT_EQ(fate(fragment_v4(v4, {104, 112})), DropReason::none);
  now_ = begun + Reassembly::kIpv4Lifetime - Duration::nanoseconds(1);
  EXPECT_EQ(expire(), 0);
  now_ = begun + Reassembly::kIpv4Lifetime;
  ASSERT_TRUE(reassembly_.next_expired(now_, first_));
  EXPECT_EQ(ByteVector(first_.bytes().begin(), first_.bytes().end()), first);
  EXPECT_FALSE(reassembly_.next_expired(now_, first_));
  EXPECT_EQ(reassembly_.size(), 0U);
  EXPECT_TRUE(reassembly_.next_deadline().is_never());
  EXPECT_EQ(reassembly_.counters().timed_out, 1U);
  first_ = Slice();
  EXPECT_EQ(frames_.out(), 0U);
}

TEST_F(ReassemblyTest, RFC8200_R8200_7_ipv6_waits_for_sixty_seconds) {
  const ByteVector v6 = test::whole_packet(fields_v6(), datagram(fields_v6(), 200));
  const ByteVector v4 = test::whole_packet(fields_v4(), datagram(fields_v4(), 200));
  const ByteVector first = fragment_v6(v6, {0, 104}, kId);
  EXPECT_EQ(fate(fragment_v6(v6, {104, 112}, kId)), DropReason::none);
  EXPECT_EQ(fate(first), DropReason::none);
  EXPECT_EQ(fate(fragment_v4(v4, {104, 200})), DropReason::none);
  const Instant begun = now_;
  EXPECT_EQ(reassembly_.next_deadline(), begun + Duration::seconds(30));
  now_ = begun + Duration::seconds(30);
  ASSERT_TRUE(reassembly_.next_expired(now_, first_));  // the younger one, which came without first
  EXPECT_TRUE(first_.empty());
  EXPECT_FALSE(reassembly_.next_expired(now_, first_));
  EXPECT_EQ(reassembly_.next_deadline(), begun + Duration::seconds(60));
  now_ = begun + Duration::seconds(60);
  ASSERT_TRUE(reassembly_.next_expired(now_, first_));
  EXPECT_EQ(ByteVector(first_.bytes().begin(), first_.bytes().end()), first);
}

TEST_F(ReassemblyTest, RFC8200_R8200_7_a_spoiled_one_is_forgotten_in_silence) {
  const ByteVector whole = test::whole_packet(fields_v6(), datagram(fields_v6(), 200));
  EXPECT_EQ(fate(fragment_v6(whole, {0, 104}, kId)), DropReason::none);
  EXPECT_EQ(fate(fragment_v6(whole, {96, 200}, kId)), DropReason::fragment_overlap);
  now_ = now_ + Duration::seconds(60);
  EXPECT_EQ(expire(), 0);  // no ICMP
  EXPECT_EQ(reassembly_.size(), 0U);
  EXPECT_EQ(reassembly_.counters().timed_out, 0U);
  // Its time over, the identification is free again.
  EXPECT_EQ(fate(fragment_v6(whole, {0, 104}, kId)), DropReason::none);
  expect_joined(fragment_v6(whole, {104, 200}, kId), whole);
}

ByteVector piece_of(std::uint16_t identification, std::string_view source) {
  wire::IpFields ip = fields_v4(source);
  ip.identification = identification;
  return fragment_v4(test::whole_packet(ip, test::patterned(200, identification)), {0, 104});
}

TEST_F(ReassemblyTest, when_full_the_oldest_makes_room) {
  const char* const sources[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3"};
  for (std::uint16_t i = 0; i < 8; ++i) {
    EXPECT_EQ(fate(piece_of(i, sources[i % 3])), DropReason::none);
  }
  EXPECT_EQ(reassembly_.size(), 8U);
  EXPECT_EQ(fate(piece_of(8, sources[2])), DropReason::none);
  EXPECT_EQ(reassembly_.size(), 8U);
  EXPECT_EQ(frames_.out(), 8U);
  EXPECT_EQ(reassembly_.counters().evicted, 1U);
  EXPECT_EQ(fate(piece_of(1, sources[1])), DropReason::fragment_duplicate);
  EXPECT_EQ(fate(piece_of(0, sources[0])), DropReason::none);  // given up: begun anew
}

TEST_F(ReassemblyTest, one_source_only_evicts_its_own) {
  EXPECT_EQ(fate(piece_of(99, "10.0.0.2")), DropReason::none);
  for (std::uint16_t i = 0; i < 100; ++i) {
    EXPECT_EQ(fate(piece_of(i, "10.0.0.1")), DropReason::none);
  }
  EXPECT_EQ(reassembly_.size(), 5U);
  EXPECT_EQ(reassembly_.counters().evicted, 96U);
  EXPECT_EQ(fate(piece_of(99, "10.0.0.2")), DropReason::fragment_duplicate);
  EXPECT_EQ(fate(piece_of(96, "10.0.0.1")), DropReason::fragment_duplicate);
}

TEST_F(ReassemblyTest, without_a_frame_nothing_begins) {
  frames_.limit = 1;
  EXPECT_EQ(fate(piece_of(1, "10.0.0.1")), DropReason::none);
  EXPECT_EQ(fate(piece_of(2, "10.0.0.1")), DropReason::fragment_limit);
  EXPECT_EQ(reassembly_.size(), 1U);
  frames_.limit = 2;
  frames_.scarce = true;
  EXPECT_EQ(fate(piece_of(2, "10.0.0.1")), DropReason::fragment_limit);
  EXPECT_EQ(reassembly_.size(), 1U);
  EXPECT_EQ(frames_.out(), 1U);
}

TEST_F(ReassemblyTest, a_datagram_longer_than_its_frame_is_refused_for_good) {
  TestFrames frames(20 + 144);
  Reassembly reassembly(frames, {});
  const auto fate_of = [&](const ByteVector& fragment) {
    EXPECT_TRUE(reassembly.on_fragment(fragment, now_, reason_).empty());
    return reason_;
  };
  const ByteVector whole = test::whole_packet(fields_v4(), datagram(fields_v4(), 200));
  EXPECT_EQ(fate_of(fragment_v4(whole, {0, 144})), DropReason::none);
  EXPECT_EQ(fate_of(fragment_v4(whole, {144, 152})), DropReason::fragment_limit);
  EXPECT_EQ(frames.out(), 0U);
  EXPECT_EQ(fate_of(fragment_v4(whole, {0, 144})), DropReason::fragment_limit);
  reassembly.clear();
  // Longer headers that come late need room too.
  EXPECT_EQ(fate_of(fragment_v4(whole, {16, 144})), DropReason::none);
  EXPECT_EQ(fate_of(with_record_route(fragment_v4(whole, {0, 16}))), DropReason::fragment_limit);
  EXPECT_EQ(frames.out(), 0U);
}

TEST_F(ReassemblyTest, the_longest_payload_of_ipv6_needs_a_longer_frame) {
  constexpr std::uint32_t kLength = 65'535;
  ByteVector whole = test::whole_packet(fields_v6(), {});
  const ByteVector payload = datagram(fields_v6(), kLength);
  whole.insert(whole.end(), payload.begin(), payload.end());
  wire::sample::set_u16(whole, 4, kLength);
  const ByteVector last = fragment_v6(whole, {32'768, kLength}, kId);
  EXPECT_EQ(fate(last), DropReason::fragment_limit);
  TestFrames frames(48 + kLength);
  Reassembly reassembly(frames, {});
  EXPECT_TRUE(reassembly.on_fragment(last, now_, reason_).empty());
  EXPECT_TRUE(reassembly.on_fragment(last, now_, reason_).empty());
  EXPECT_EQ(reason_, DropReason::fragment_duplicate);
  const Slice packet = reassembly.on_fragment(fragment_v6(whole, {0, 32'768}, kId), now_, reason_);
  EXPECT_TRUE(std::ranges::equal(packet.bytes(), whole));
}

TEST_F(ReassemblyTest, clear_brings_all_frames_home) {
  for (std::uint16_t i = 0; i < 4; ++i) {
    EXPECT_EQ(fate(piece_of(i, "10.0.0.1")), DropReason::none);
  }
  EXPECT_EQ(frames_.out(), 4U);
  reassembly_.clear();
  EXPECT_EQ(frames_.out(), 0U);
  EXPECT_EQ(reassembly_.size(), 0U);
  EXPECT_TRUE(reassembly_.next_deadline().is_never());
}

}  // namespace
}  // namespace sluice

// Reassembly against a model that keeps whole fragments in lists and knows no bitmaps or frames.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <vector>

#include "dataplane/shard/reassembly.hpp"
#include "proto/base/rng.hpp"
#include "tests/support/fragments.hpp"
#include "tests/support/test_frames.hpp"

namespace sluice {
namespace {

using test::Cut;
using wire::sample::ByteVector;

constexpr ReassemblyLimits kLimits{.max_datagrams = 8, .max_per_source = 2};

// Which datagram a fragment belongs to.
struct Key {
  bool is_v4;
  unsigned source;
  unsigned identification;
  unsigned protocol;
  bool operator==(const Key&) const = default;
};

// A fragment of a datagram of `length` bytes, and its bytes: of a pattern by `seed`.
struct Piece {
  Key key;
  Cut cut;
  std::uint32_t length;
  std::uint32_t seed;

  bool more() const { return cut.end < length; }
  ByteVector bytes() const {
    const ByteVector all = test::patterned(length, seed);
    return {all.begin() + cut.begin, all.begin() + cut.end};
  }
  ByteVector packet() const {
    const auto host = static_cast<std::uint8_t>(1 + key.source);
    std::array<std::uint8_t, 16> v6{0xfd};
    v6[15] = host;
    wire::IpFields ip;
    ip.source = key.is_v4 ? IpAddress::v4(0x0a000000U + host) : IpAddress::v6(v6);
    v6[15] = 0xff;
    ip.destination = key.is_v4 ? IpAddress::v4(0x0a0000ff) : IpAddress::v6(v6);
    ip.protocol = static_cast<std::uint8_t>(key.protocol);
    ip.identification = static_cast<std::uint16_t>(key.identification);
    const ByteVector whole = test::whole_packet(ip, test::patterned(length, seed));
    return key.is_v4 ? test::fragment_v4(whole, cut)
                     : test::fragment_v6(whole, cut, key.identification);
  }
};

class Model {
 public:
  // The payload, when the piece was the missing one.
  std::optional<ByteVector> on_piece(const Piece& piece, Instant now, DropReason& reason) {
    Entry* entry = find(piece.key);
    if (entry == nullptr) {
      make_room(piece.key);
      entry = &entries_.emplace_back();
      entry->key = piece.key;
      entry->deadline = now + Duration::seconds(piece.key.is_v4 ? 30 : 60);
    }
    reason = entry->spoiled ? DropReason::fragment_overlap : judge(*entry, piece);
    if (reason == DropReason::fragment_overlap) entry->spoiled = true;
    if (reason != DropReason::none) return {};
    entry->pieces.push_back(piece);
    const std::optional<ByteVector> payload = payload_of(*entry);
    if (payload) std::erase_if(entries_, [&](const Entry& e) { return e.key == piece.key; });
    return payload;
  }
  // How many there were that no overlap had spoiled.
  std::size_t expire(Instant now) {
    const std::size_t before = frames();
    std::erase_if(entries_, [now](const Entry& e) { return e.deadline <= now; });
    return before - frames();
  }
  std::size_t size() const { return entries_.size(); }
  std::size_t frames() const {
    return static_cast<std::size_t>(
        std::count_if(entries_.begin(), entries_.end(), [](auto& e) { return !e.spoiled; }));
  }
  Instant next_deadline() const {
    Instant first = Instant::never();
    for (const Entry& entry : entries_) first = std::min(first, entry.deadline);
    return first;
  }

 private:
  struct Entry {
    Key key{};
    Instant deadline;
    bool spoiled = false;
    std::vector<Piece> pieces;
  };

  Entry* find(const Key& key) {
    for (Entry& entry : entries_) {
      if (entry.key == key) return &entry;
    }
    return nullptr;
  }
  void make_room(const Key& key) {
    const auto is_from_there = [&](const Entry& e) {
      return e.key.is_v4 == key.is_v4 && e.key.source == key.source;
    };
    if (std::count_if(entries_.begin(), entries_.end(), is_from_there) == kLimits.max_per_source) {
      entries_.erase(std::find_if(entries_.begin(), entries_.end(), is_from_there));
    } else if (entries_.size() == kLimits.max_datagrams) {
      entries_.pop_front();
    }
  }
  static DropReason judge(const Entry& entry, const Piece& piece) {
    for (const Piece& other : entry.pieces) {
      const bool is_alike = other.cut.begin == piece.cut.begin && other.cut.end == piece.cut.end &&
                            other.more() == piece.more() && other.bytes() == piece.bytes();
      if (is_alike) return DropReason::fragment_duplicate;
      const bool is_over = piece.cut.begin < other.cut.end && other.cut.begin < piece.cut.end;
      const bool is_behind_last = (!other.more() && piece.cut.end > other.cut.end) ||
                                  (!piece.more() && other.cut.end > piece.cut.end);
      if (is_over || is_behind_last) return DropReason::fragment_overlap;
    }
    return DropReason::none;
  }
  static std::optional<ByteVector> payload_of(Entry& entry) {
    std::sort(entry.pieces.begin(), entry.pieces.end(),
              [](const Piece& a, const Piece& b) { return a.cut.begin < b.cut.begin; });
    ByteVector payload;
    for (const Piece& piece : entry.pieces) {
      if (piece.cut.begin != payload.size()) return {};
      const ByteVector bytes = piece.bytes();
      payload.insert(payload.end(), bytes.begin(), bytes.end());
    }
    if (entry.pieces.back().more()) return {};
    return payload;
  }

  std::deque<Entry> entries_;  // oldest first
};

// Few keys and short datagrams, so that pieces meet; now and then another length or other bytes.
Piece random_piece(Rng& rng) {
  Piece piece;
  piece.key.is_v4 = rng.chance(0.5);
  piece.key.source = static_cast<unsigned>(rng.below(3));
  piece.key.identification = static_cast<unsigned>(rng.below(2));
  piece.key.protocol = piece.key.is_v4 && rng.chance(0.2) ? 253 : 17;
  piece.length = static_cast<std::uint32_t>(rng.chance(0.005) ? rng.between(22, 32) : 28);
  piece.seed = rng.chance(0.005) ? 1 : 0;
  const std::uint64_t units = (piece.length + 7) / 8;
  const std::uint64_t begin = rng.below(units);
  const std::uint64_t end = rng.chance(0.98) ? begin + 1 : rng.between(begin + 1, units);
  piece.cut.begin = static_cast<std::uint32_t>(begin * 8);
  piece.cut.end = std::min(static_cast<std::uint32_t>(end * 8), piece.length);
  if (piece.cut.begin == 0 && piece.cut.end == piece.length) piece.cut.end = 8;
  return piece;
}

TEST(ReassemblyModel, agrees_with_fragments_in_lists) {
  std::uint64_t joined = 0;
  std::uint64_t refused[kDropReasons] = {};
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    test::TestFrames frames(2'048);
    Reassembly reassembly(frames, kLimits);
    Model model;
    Instant now = Instant::from_ns(1);
    for (int i = 0; i < 2'000; ++i) {
      now = now + Duration::milliseconds(static_cast<std::int64_t>(rng.below(1'500)));
      std::size_t expired = 0;
      Slice first;
      while (reassembly.next_expired(now, first)) ++expired;
      first = Slice();
      ASSERT_EQ(expired, model.expire(now));

      const Piece piece = random_piece(rng);
      DropReason reason = DropReason::none;
      DropReason expected_reason = DropReason::none;
      const Slice packet = reassembly.on_fragment(piece.packet(), now, reason);
      const std::optional<ByteVector> expected = model.on_piece(piece, now, expected_reason);
      ASSERT_EQ(reason, expected_reason);
      ASSERT_EQ(!packet.empty(), expected.has_value());
      ASSERT_EQ(reassembly.size(), model.size());
      ASSERT_EQ(frames.out(), model.frames() + (packet.empty() ? 0 : 1));
      ASSERT_EQ(reassembly.next_deadline(), model.next_deadline());
      ++refused[static_cast<std::size_t>(reason)];
      if (!expected) continue;
      ++joined;
      wire::IpHeader header;
      ASSERT_EQ(wire::parse_ip(packet.bytes(), header), DropReason::none);
      ASSERT_FALSE(header.is_fragment);
      const Bytes payload = packet.bytes().subspan(header.payload_offset);
      ASSERT_TRUE(std::equal(payload.begin(), payload.end(), expected->begin(), expected->end()));
    }
  }
  EXPECT_GT(joined, 1'000U);
  EXPECT_GT(refused[static_cast<std::size_t>(DropReason::fragment_duplicate)], 100U);
  EXPECT_GT(refused[static_cast<std::size_t>(DropReason::fragment_overlap)], 100U);
}

}  // namespace
}  // namespace sluice

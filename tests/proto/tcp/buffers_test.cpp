// SendBuffer and ReceiveBuffer against plain arrays, with seeds.
#include <map>

#include "proto/base/rng.hpp"
#include "proto/tcp/receive_buffer.hpp"
#include "proto/tcp/send_buffer.hpp"
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

class Buffers : public ::testing::Test {
 protected:
  Stream pattern(std::size_t from, std::size_t count) {
    Stream bytes(count);
    for (std::size_t i = 0; i < count; ++i) bytes[i] = pattern_byte(from + i);
    return bytes;
  }
  static bool same(Bytes a, Bytes b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

  TestFrames blocks{300};
  TestFrames wire{300};
  SliceNodePool nodes{4096};
  SentSegmentPool sent{64};
  Resources resources{blocks, nodes, sent};
};

// --- receiving
// ------------------------------------------------------------------------------------

TEST_F(Buffers, read_takes_from_the_front) {
  ReceiveBuffer buffer;
  EXPECT_TRUE(buffer.read(10, resources).empty());
  ASSERT_EQ(buffer.append(wire.slice_of(pattern(0, 100)), resources), 100u);
  ASSERT_EQ(buffer.append(wire.slice_of(pattern(100, 50)), resources), 50u);
  EXPECT_EQ(buffer.readable(), 150u);
  EXPECT_TRUE(same(buffer.read(60, resources).bytes(), pattern(0, 60)));
  EXPECT_TRUE(same(buffer.read(60, resources).bytes(), pattern(60, 40)));
  EXPECT_TRUE(same(buffer.read(60, resources).bytes(), pattern(100, 50)));
  EXPECT_EQ(buffer.readable(), 0u);
}

struct OverlapRow {
  const char* what;
  std::uint32_t from, to;  // of the third piece; 100-200 and 300-400 are held
  std::uint32_t duplicate_from, duplicate_to;
  std::uint32_t first_from, first_to;  // of the newest range
};

TEST_F(Buffers, overlaps_beyond_a_gap) {
  const OverlapRow rows[] = {{"before", 50, 90, 0, 0, 50, 90},
                             {"touching the left", 50, 100, 0, 0, 50, 200},
                             {"over the left edge", 50, 150, 100, 150, 50, 200},
                             {"inside", 120, 150, 120, 150, 100, 200},
                             {"exactly", 100, 200, 100, 200, 100, 200},
                             {"over all of it", 50, 250, 100, 200, 50, 250},
                             {"between", 210, 290, 0, 0, 210, 290},
                             {"filling", 200, 300, 0, 0, 100, 400},
                             {"over both", 50, 450, 100, 200, 50, 450},
                             {"behind", 500, 510, 0, 0, 500, 510}};
  for (const OverlapRow& row : rows) {
    SCOPED_TRACE(row.what);
    ReceiveBuffer buffer;
    wire::SackBlock none;
    ASSERT_TRUE(buffer.insert(Seq(100), wire.slice_of(pattern(100, 100)), none, resources));
    ASSERT_TRUE(buffer.insert(Seq(300), wire.slice_of(pattern(300, 100)), none, resources));
    wire::SackBlock duplicate;
    ASSERT_TRUE(buffer.insert(Seq(row.from), wire.slice_of(pattern(row.from, row.to - row.from)),
                              duplicate, resources));
    EXPECT_EQ(duplicate, (wire::SackBlock{row.duplicate_from, row.duplicate_to}));
    std::array<wire::SackBlock, wire::kMaxSackBlocks> ranges{};
    ASSERT_GT(buffer.sack_blocks(ranges), 0);
    EXPECT_EQ(ranges[0], (wire::SackBlock{row.first_from, row.first_to}));
    buffer.clear(resources);
  }
}

TEST_F(Buffers, random_pieces_against_an_array) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const std::uint32_t size = static_cast<std::uint32_t>(rng.between(100, 20'000));
    const Seq start(static_cast<std::uint32_t>(rng.next()));
    wire.pooled = rng.chance(0.5);
    ReceiveBuffer buffer;
    std::vector<bool> held(size);
    std::uint32_t next = 0;
    std::uint32_t read = 0;
    while (read < size) {
      const std::uint32_t from = static_cast<std::uint32_t>(
          rng.chance(0.3) ? next : std::min<std::uint64_t>(size - 1, next + rng.below(3000)));
      if (from < next || next == size) {
      } else {
        const std::uint32_t most = std::min(size - from, 6000u);
        const std::uint32_t length = static_cast<std::uint32_t>(rng.between(1, most));
        const std::uint32_t capacity = static_cast<std::uint32_t>(rng.below(30'000));
        Slice slice = wire.slice_of(pattern(from, length), capacity);
        std::fill(held.begin() + from, held.begin() + from + length, true);
        if (from == next) {
          ASSERT_EQ(buffer.append(std::move(slice), resources), length);
          wire::SackBlock again;
          next = distance(start, buffer.advance(start + (next + length), again, resources));
          if (again.left != again.right) {  // RFC 2883: part of what came just now
            ASSERT_GE(Seq(again.left), start + from);
            ASSERT_LE(Seq(again.right), start + (from + length));
          }
          const auto gap = std::find(held.begin(), held.end(), false);
          ASSERT_EQ(next, static_cast<std::uint32_t>(gap - held.begin()));
        } else {
          wire::SackBlock duplicate;
          ASSERT_TRUE(buffer.insert(start + from, std::move(slice), duplicate, resources));
        }
      }
      ASSERT_EQ(buffer.has_gap(), std::find(held.begin() + next, held.end(), true) != held.end());
      ASSERT_EQ(buffer.readable(), next - read);
      std::array<wire::SackBlock, wire::kMaxSackBlocks> ranges{};
      for (std::uint8_t i = 0; i < buffer.sack_blocks(ranges); ++i) {
        const std::uint32_t left = distance(start, Seq(ranges.at(i).left));
        const std::uint32_t right = distance(start, Seq(ranges.at(i).right));
        ASSERT_LT(left, right);
        ASSERT_GT(left, next);
        ASSERT_TRUE(
            std::all_of(held.begin() + left, held.begin() + right, [](bool b) { return b; }));
      }
      if (rng.chance(0.4)) {
        const Slice slice = buffer.read(static_cast<std::uint32_t>(rng.below(5000)), resources);
        ASSERT_TRUE(same(slice.bytes(), pattern(read, slice.size())));
        read += slice.size();
      }
      if (rng.chance(0.2)) buffer.settle(resources);
    }
    EXPECT_EQ(nodes.free_count(), nodes.size());
    EXPECT_EQ(wire.out() + blocks.out(), 0u);
  }
}

TEST_F(Buffers, random_pieces_with_too_little_memory) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    blocks.limit = static_cast<std::uint32_t>(rng.between(1, 20));
    ReceiveBuffer buffer;
    std::uint32_t next = 0;
    std::uint32_t read = 0;
    for (int step = 0; step < 3000; ++step) {
      const std::uint32_t from =
          next + static_cast<std::uint32_t>(rng.chance(0.3) ? 0 : rng.below(3000));
      const std::uint32_t length = static_cast<std::uint32_t>(rng.between(1, 1500));
      Slice slice = wire.slice_of(pattern(from, length), 8000);
      wire.pooled = rng.chance(0.5);
      wire.scarce = rng.chance(0.5);
      wire::SackBlock duplicate;
      if (from != next) {
        buffer.insert(Seq(from), std::move(slice), duplicate, resources);
      } else {
        const std::uint32_t taken = buffer.append(std::move(slice), resources);
        next = buffer.advance(Seq(next + taken), duplicate, resources).value();
      }
      ASSERT_EQ(buffer.readable(), next - read);
      if (rng.chance(0.5)) {
        const Slice out = buffer.read(static_cast<std::uint32_t>(rng.below(5000)), resources);
        ASSERT_TRUE(same(out.bytes(), pattern(read, out.size())));
        read += out.size();
      }
    }
    buffer.clear(resources);
    EXPECT_EQ(nodes.free_count(), nodes.size());
    EXPECT_EQ(wire.out() + blocks.out(), 0u);
  }
}

// --- sending
// ---------------------------------------------------------------------------------------

TEST_F(Buffers, random_sends_against_an_array) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    SendBuffer buffer;
    std::size_t first = 0;
    std::size_t end = 0;
    OutSegment out;
    for (int step = 0; step < 1000; ++step) {
      const std::uint32_t length = static_cast<std::uint32_t>(rng.between(1, 2000));
      if (rng.chance(0.3) && end - first < 30'000) {
        end += buffer.append(Bytes(pattern(end, length)), resources);
      } else if (rng.chance(0.3) && end - first < 30'000) {
        wire.pooled = rng.chance(0.5);
        end += buffer.append(wire.slice_of(pattern(end, length), 4000), resources);
      } else if (rng.chance(0.3)) {
        const auto count = static_cast<std::uint32_t>(rng.below(end - first + 1));
        buffer.acknowledge(count, resources);
        first += count;
      }
      ASSERT_EQ(buffer.size(), end - first);
      const auto offset = static_cast<std::uint32_t>(rng.below(buffer.size() + 1));
      const auto wanted = static_cast<std::uint32_t>(rng.below(buffer.size() - offset + 1));
      out.clear();
      const std::uint32_t gathered = buffer.gather(offset, wanted, out);
      ASSERT_TRUE(gathered == wanted || out.pieces == kMaxSegmentPieces);
      std::size_t position = first + offset;
      for (std::uint32_t i = 0; i < out.pieces; ++i) {
        ASSERT_TRUE(same(out.payload.at(i).bytes(), pattern(position, out.payload.at(i).size())));
        position += out.payload.at(i).size();
      }
      ASSERT_EQ(position, first + offset + gathered);
    }
    out.clear();
    buffer.clear(resources);
    EXPECT_EQ(nodes.free_count(), nodes.size());
    EXPECT_EQ(wire.out() + blocks.out(), 0u);
  }
}

TEST_F(Buffers, sent_bytes_stay_alive_while_a_segment_holds_them) {
  SendBuffer buffer;
  OutSegment out;
  buffer.append(wire.slice_of(pattern(0, 100)), resources);
  buffer.gather(0, 100, out);
  buffer.acknowledge(100, resources);
  EXPECT_EQ(wire.out(), 1u);
  EXPECT_TRUE(same(out.payload[0].bytes(), pattern(0, 100)));
  out.clear();
  EXPECT_EQ(wire.out(), 0u);
}

TEST_F(Buffers, a_segment_can_be_cut_short) {
  SendBuffer buffer;
  OutSegment out;
  for (std::size_t i = 0; i < 4; ++i)
    buffer.append(wire.slice_of(pattern(i * 100, 100)), resources);
  buffer.gather(0, 400, out);
  out.trim(250);
  EXPECT_EQ(out.pieces, 3u);
  EXPECT_EQ(out.payload_length, 250u);
  EXPECT_EQ(out.payload[2].size(), 50u);
  out.trim(200);
  EXPECT_EQ(out.pieces, 2u);
  out.clear();
  buffer.clear(resources);
}

}  // namespace
}  // namespace sluice::tcp

#include "proto/base/piece_pool.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "proto/base/rng.hpp"

namespace sluice {
namespace {

struct Piece {
  std::uint64_t mark = 0;
  Piece* next = nullptr;
};

constexpr std::uint32_t kFirstChunk = kSmallestChunk / sizeof(Piece);

// What the system still gives.
struct Budget {
  std::uint32_t pieces = UINT32_MAX;
};

struct MakeWithin {
  std::unique_ptr<Piece[]> operator()(std::uint32_t count) const {
    if (count > budget->pieces) throw std::bad_alloc();
    return std::unique_ptr<Piece[]>(new Piece[count]);
  }
  Budget* budget;
};

using BoundedPool = PiecePool<Piece, MakeWithin>;

template <class Pool>
std::vector<Piece*> take_all(Pool& pool) {
  std::vector<Piece*> taken;
  while (Piece* const piece = pool.take()) taken.push_back(piece);
  return taken;
}

TEST(PiecePool, TakesAllAtTheStartOrNothing) {
  PiecePool<Piece> full(1000, Growth::at_start);
  EXPECT_EQ(full.grown(), 1000U);
  PiecePool<Piece> empty(1000, Growth::on_demand);
  EXPECT_EQ(empty.grown(), 0U);
  EXPECT_EQ(empty.free_count(), 1000U) << "what may still be asked for is free";
  EXPECT_EQ(empty.size(), 1000U);
}

TEST(PiecePool, GrowsUpToItsLimitAndNoFurther) {
  for (const std::uint32_t limit : {0U, 1U, kFirstChunk, kFirstChunk + 1, 100'000U}) {
    PiecePool<Piece> pool(limit, Growth::on_demand);
    const std::vector<Piece*> taken = take_all(pool);
    EXPECT_EQ(taken.size(), limit);
    EXPECT_EQ(std::set<Piece*>(taken.begin(), taken.end()).size(), limit);
    EXPECT_EQ(pool.grown(), limit);
    EXPECT_EQ(pool.free_count(), 0U);
    for (Piece* const piece : taken) pool.give_back(*piece);
    EXPECT_EQ(pool.free_count(), limit);
    EXPECT_TRUE(pool.is_all_home());
  }
}

TEST(PiecePool, BeginsWithASmallChunk) {
  PiecePool<Piece> pool(1'000'000, Growth::on_demand);
  Piece* const piece = pool.take();
  EXPECT_EQ(pool.grown(), kFirstChunk);
  pool.give_back(*piece);
}

TEST(PiecePool, PiecesAreNeverCutByAChunkHoweverLarge) {
  PiecePool<Piece> pool(3, Growth::on_demand, std::size_t{1} << 40);
  const std::vector<Piece*> taken = take_all(pool);
  EXPECT_EQ(taken.size(), 3U);
  for (Piece* const piece : taken) pool.give_back(*piece);
}

TEST(PiecePool, TheLastHomeIsTheFirstOut) {
  PiecePool<Piece> pool(4, Growth::on_demand);
  Piece* const a = pool.take();
  Piece* const b = pool.take();
  pool.give_back(*a);
  pool.give_back(*b);
  EXPECT_EQ(pool.take(), b);
  EXPECT_EQ(pool.take(), a);
  pool.give_back(*a);
  pool.give_back(*b);
}

TEST(PiecePool, TrimmingGivesBackWhatIsWhollyHome) {
  PiecePool<Piece> pool(100'000, Growth::on_demand);
  std::vector<Piece*> taken = take_all(pool);
  Piece* const kept = taken.back();
  taken.pop_back();
  kept->mark = 4711;
  for (Piece* const piece : taken) pool.give_back(*piece);
  pool.trim();
  EXPECT_LT(pool.grown(), 100'000U / 4) << "only the chunk with the piece that is out";
  EXPECT_GT(pool.grown(), 0U);
  EXPECT_EQ(pool.free_count(), 99'999U);
  EXPECT_EQ(kept->mark, 4711U);
  pool.give_back(*kept);
  pool.trim();
  EXPECT_EQ(pool.grown(), 0U);
  EXPECT_EQ(pool.free_count(), 100'000U);
  EXPECT_EQ(take_all(pool).size(), 100'000U) << "and all can be had again";
}

TEST(PiecePool, MemoryThatIsRefusedIsALimitReached) {
  Budget budget{kFirstChunk};
  BoundedPool pool(100'000, Growth::on_demand, sizeof(Piece), MakeWithin{&budget});
  std::vector<Piece*> taken;
  for (std::uint32_t i = 0; i < kFirstChunk; ++i) taken.push_back(pool.take());
  budget.pieces = 0;
  EXPECT_EQ(pool.take(), nullptr);
  EXPECT_EQ(pool.free_count(), 0U) << "who asks what is left must not hope";
  EXPECT_EQ(pool.take(), nullptr);
  pool.give_back(*taken.back());
  EXPECT_EQ(pool.free_count(), 1U);
  EXPECT_EQ(pool.take(), taken.back());

  budget.pieces = UINT32_MAX;
  taken.push_back(pool.take());
  EXPECT_NE(taken.back(), nullptr) << "it asks again as soon as it needs more";
  EXPECT_EQ(pool.free_count(), 100'000U - kFirstChunk - 1);
  for (Piece* const piece : taken) pool.give_back(*piece);
  EXPECT_TRUE(pool.is_all_home());
}

// Those who look at the level first would never ask again.
TEST(PiecePool, TrimmingForgetsThatMemoryWasRefused) {
  Budget budget{0};
  BoundedPool pool(1000, Growth::on_demand, sizeof(Piece), MakeWithin{&budget});
  EXPECT_EQ(pool.take(), nullptr);
  EXPECT_EQ(pool.free_count(), 0U);
  EXPECT_TRUE(pool.is_all_home());
  pool.trim();
  EXPECT_EQ(pool.free_count(), 1000U);
}

TEST(PiecePool, AllAtTheStartThrowsWhenThereIsNotSoMuch) {
  Budget budget{10};
  EXPECT_THROW(BoundedPool(11, Growth::at_start, sizeof(Piece), MakeWithin{&budget}),
               std::bad_alloc);
}

// Whatever is taken, given back, refused and trimmed: nobody's piece is lent twice or lost.
TEST(PiecePool, LendsEachPieceOnceAtRandom) {
  constexpr std::uint32_t kLimit = 5000;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed);
    Budget budget;
    BoundedPool pool(kLimit, Growth::on_demand, sizeof(Piece), MakeWithin{&budget});
    std::vector<Piece*> out;
    std::uint64_t mark = 0;
    double wish = 0.5;
    for (int step = 0; step < 20'000; ++step) {
      if (rng.chance(0.001)) wish = rng.chance(0.5) ? 0.9 : 0.1;
      if (rng.chance(0.001)) budget.pieces = rng.chance(0.3) ? 0 : UINT32_MAX;
      if (rng.chance(0.001)) pool.trim();
      if (rng.chance(wish)) {
        Piece* const piece = pool.take();
        if (piece == nullptr) continue;
        piece->mark = ++mark;
        out.push_back(piece);
      } else if (!out.empty()) {
        std::swap(out[rng.below(out.size())], out.back());
        pool.give_back(*out.back());
        out.pop_back();
      }
      ASSERT_LE(out.size() + pool.free_count(), kLimit);
      ASSERT_GE(pool.grown(), out.size());
    }
    std::set<std::uint64_t> marks;
    for (const Piece* const piece : out) marks.insert(piece->mark);
    ASSERT_EQ(marks.size(), out.size()) << "seed " << seed;
    for (Piece* const piece : out) pool.give_back(*piece);
    ASSERT_TRUE(pool.is_all_home());
    pool.trim();
    ASSERT_EQ(pool.grown(), 0U) << "seed " << seed;
    ASSERT_EQ(pool.free_count(), kLimit);
  }
}

}  // namespace
}  // namespace sluice

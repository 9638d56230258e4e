#include "dataplane/memory/tx_batch.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "dataplane/memory/frame_pool.hpp"

namespace sluice {
namespace {

TEST(TxBatch, LendsEachSlotOnce) {
  TxBatch batch(3);
  std::vector<TxPacket*> claimed;
  while (TxPacket* const packet = batch.claim()) claimed.push_back(packet);
  EXPECT_EQ(claimed.size(), 3U);
  EXPECT_EQ(batch.free_count(), 0U);
  for (TxPacket* const packet : claimed) batch.complete(*packet);
  EXPECT_EQ(batch.free_count(), batch.slots());
}

TEST(TxBatch, KeepsTheOrderOfWhatIsPushed) {
  TxBatch batch(3);
  TxPacket* const first = batch.claim();
  TxPacket* const second = batch.claim();
  EXPECT_TRUE(batch.empty());
  batch.push(*second);
  batch.push(*first);
  ASSERT_EQ(batch.pushed().size(), 2U);
  EXPECT_EQ(batch.pushed()[0], second);
  EXPECT_EQ(batch.pushed()[1], first);
  batch.forget_pushed();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.free_count(), 1U);  // they are still out
  batch.complete(*first);
  batch.complete(*second);
}

TEST(TxBatch, AddsUpHeaderAndPieces) {
  FramePool pool(1, 1000);
  TxBatch batch(1);
  TxPacket* const packet = batch.claim();
  Frame& frame = *pool.take();
  ASSERT_TRUE(packet->add_piece(Slice(frame, 100, 200)));
  packet->set_header(50);
  ASSERT_TRUE(packet->add_piece(Slice(frame, 500, 7)));
  EXPECT_EQ(packet->length, 257U);
  const std::span<const iovec> iovecs = packet->iovecs();
  ASSERT_EQ(iovecs.size(), 3U);
  EXPECT_EQ(iovecs[0].iov_base, packet->header.data());
  EXPECT_EQ(iovecs[0].iov_len, 50U);
  EXPECT_EQ(iovecs[1].iov_base, frame.data + 100);
  EXPECT_EQ(iovecs[2].iov_len, 7U);
  batch.complete(*packet);
}

TEST(TxBatch, PinsThePayloadUntilTheWriteIsComplete) {
  FramePool pool(2, 1000);
  TxBatch batch(1);
  TxPacket* packet = batch.claim();
  packet->set_header(50);
  ASSERT_TRUE(packet->add_piece(Slice(*pool.take(), 0, 10)));
  ASSERT_TRUE(packet->add_piece(Slice(*pool.take(), 0, 10)));
  batch.push(*packet);
  EXPECT_EQ(pool.free_count(), 0U);
  batch.forget_pushed();
  batch.complete(*packet);
  EXPECT_EQ(pool.free_count(), 2U);
  packet = batch.claim();
  EXPECT_EQ(packet->length, 0U);
  EXPECT_EQ(packet->pieces, 0U);
  batch.complete(*packet);
}

TEST(TxBatch, RefusesOnePieceTooMany) {
  FramePool pool(1, 1000);
  TxBatch batch(1);
  TxPacket* const packet = batch.claim();
  const Slice slice(*pool.take(), 0, 10);
  for (std::uint32_t i = 0; i < kMaxPieces; ++i) ASSERT_TRUE(packet->add_piece(slice));
  EXPECT_FALSE(packet->add_piece(slice));
  EXPECT_EQ(packet->length, kMaxPieces * 10);
  batch.complete(*packet);
}

TEST(TxBatchDeathTest, ASlotThatIsOutAtTheEndIsAMistake) {
  EXPECT_DEATH(
      {
        TxBatch batch(2);
        batch.claim();
      },
      "");
}

}  // namespace
}  // namespace sluice

// What every back end promises of waiting, waking and ending. Where the device stays down, nothing
// but the test itself can end a wait.
#include <atomic>
#include <thread>

#include "dataplane/io/uring.hpp"
#include "tests/dataplane/io/queue_fixture.hpp"

namespace sluice::io {
namespace {

class QueueWait : public QueueFixture {
 protected:
  // Past the first turn, which may find out only then that nothing is there.
  void settle() {
    std::array<RxPacket, 8> none;
    turn(Duration());
    EXPECT_EQ(queue_->reap(none), 0U);
  }
  // Until it did sleep: on a busy machine the time may be over before the wait begins.
  template <class Wait>
  void until_slept(Wait wait) {
    const std::uint64_t before = queue_->counters().sleeps;
    for (int i = 0; i < 1000 && queue_->counters().sleeps == before; ++i) wait();
    EXPECT_EQ(queue_->counters().sleeps, before + 1);
  }
};

TEST_P(QueueWait, ADeadlineEndsTheWaitInTime) {
  settle();
  for (const std::int64_t ms : {1, 5, 30}) {
    until_slept([&] {
      const Duration took = turn(Duration::milliseconds(ms));
      EXPECT_GE(took.us(), ms * 1000 - 10);
      EXPECT_LT(took.ms(), ms + 500);
    });
  }
}

TEST_P(QueueWait, APastDeadlineDoesNotWait) {
  for (int i = 0; i < 100; ++i) {
    queue_->submit(*batch_, Instant());
    turn(Duration::milliseconds(-5));
  }
  EXPECT_EQ(queue_->counters().turns, 200U);
  EXPECT_EQ(queue_->counters().sleeps, 0U);
}

TEST_P(QueueWait, AWakeBeforeTheWaitIsNotLost) {
  queue_->wake();
  EXPECT_LT(turn(Duration::seconds(10)).ms(), 2000);
  settle();
  queue_->wake();
  EXPECT_LT(turn(Duration::seconds(10)).ms(), 2000);
}

TEST_P(QueueWait, ManyWakesAreForgottenAtOnce) {
  settle();
  for (int i = 0; i < 1000; ++i) queue_->wake();
  EXPECT_LT(turn(Duration::seconds(10)).ms(), 2000);
  EXPECT_GE(turn(Duration::milliseconds(20)).ms(), 19);
}

TEST_P(QueueWait, NoneOfManyWakesIsLost) {
  settle();
  std::atomic<std::uint32_t> asked = 0;
  std::atomic<std::uint32_t> seen = 0;
  std::atomic<bool> stop = false;
  constexpr std::uint32_t kWakes = 5000;
  std::thread waker([&] {
    for (std::uint32_t i = 1; i <= kWakes && !stop; ++i) {
      asked = i;
      queue_->wake();
      while (seen < i && !stop) std::this_thread::yield();
    }
  });
  while (seen < kWakes && !HasFailure()) {
    EXPECT_LT(turn(Duration::seconds(10)).ms(), 5000);
    seen = asked.load();
  }
  stop = true;
  waker.join();
  EXPECT_EQ(seen, kWakes);
}

TEST_P(QueueWait, AWakeEndsAWaitForEver) {
  settle();
  until_slept([&] {
    std::thread waker([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      queue_->wake();
    });
    queue_->submit(*batch_, Instant::never());
    waker.join();
  });
}

TEST_P(QueueWait, WakesArriveAmongPacketsAndWrites) {
  tun_->set_up();
  KernelUdp kernel;
  std::atomic<bool> stop = false;
  std::atomic<std::uint32_t> asked = 0;
  std::atomic<std::uint32_t> seen = 0;
  std::thread waker([&] {
    while (!stop) {
      ++asked;
      queue_->wake();
      while (seen < asked && !stop) std::this_thread::yield();
    }
  });
  std::array<RxPacket, 8> packets;
  for (std::uint32_t i = 0; i < 2000 && !HasFailure(); ++i) {
    if (i % 3 == 0) kernel.send_numbered(i);
    if (TxPacket* const packet = i % 2 == 0 ? batch_->claim() : nullptr) {
      put_headers(packet->header.data(), 4);
      packet->set_header(kHeaders + 4);
      batch_->push(*packet);
    }
    EXPECT_LT(turn(Duration::seconds(10)).ms(), 5000);
    seen = asked.load();
    for (const RxPacket& packet : std::span(packets).first(queue_->reap(packets))) home(packet);
  }
  stop = true;
  waker.join();
}

TEST_P(QueueWait, LendsNoMoreThanItIsTold) {
  if (GetParam().multishot) {
    constexpr int kReadMultishot = 49;
    Uring ring(8, 8, std::array{0});
    if (!ring.supports(kReadMultishot)) GTEST_SKIP() << "this kernel has no READ_MULTISHOT";
  }
  make_queue(8, 32);
  tun_->set_up();
  KernelUdp kernel;
  const std::uint32_t lent = GetParam().multishot ? 8 : 0;
  for (std::uint32_t i = 0; i < 100; ++i) {
    kernel.send_numbered(i);
    turn(Duration());
    ASSERT_EQ(pool_->free_count(), 32 - lent);
  }
}

TEST_P(QueueWait, QuiesceBringsAllHome) {
  tun_->set_up();
  KernelUdp kernel;
  for (std::uint32_t i = 0; i < 100; ++i) kernel.send_numbered(i);
  turn(Duration());
  for (std::uint32_t i = 0; i < 100; ++i) kernel.send_numbered(i);
  queue_->quiesce(*batch_);
  EXPECT_EQ(pool_->free_count(), pool_->size());
  EXPECT_EQ(batch_->free_count(), batch_->slots());
  queue_->quiesce(*batch_);  // again: nothing is left to do
}

TEST_P(QueueWait, GoesHomeWithoutQuiesce) {
  tun_->set_up();
  KernelUdp kernel;
  for (int round = 0; round < 20; ++round) {
    for (std::uint32_t i = 0; i < 100; ++i) kernel.send_numbered(i);
    turn(Duration());
    queue_.reset();
    ASSERT_EQ(pool_->free_count(), pool_->size());
    queue_ = remake(64, 64);
  }
}

TEST_P(QueueWait, NeverUsedItGoesAsWell) {
  queue_ = remake(8, 8);
  queue_->quiesce(*batch_);
}

TEST_P(QueueWait, TheDeviceCanBeMadeAgainAtOnce) {
  for (int round = 0; round < 20; ++round) {
    turn(Duration());
    if (round % 2 == 0) queue_->quiesce(*batch_);
    queue_.reset();
    tun_.reset();
    tun_ = std::make_unique<Tun>(Tun::open("tun1", 1));
    queue_ = remake(64, 64);
  }
}

TEST_P(QueueWait, IsDestroyedByAnotherThreadAfterQuiesce) {
  tun_->set_up();
  std::thread worker([&] {
    std::unique_ptr<TunQueue> queue = remake(64, 64);
    queue->submit(*batch_, Instant());
    queue->quiesce(*batch_);
    queue_ = std::move(queue);
  });
  worker.join();
  queue_.reset();
}

INSTANTIATE_TEST_SUITE_P(AllKinds, QueueWait, testing::ValuesIn(kQueueKinds), name_of);

}  // namespace
}  // namespace sluice::io

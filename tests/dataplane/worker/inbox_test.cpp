#include "dataplane/worker/inbox.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

namespace sluice {
namespace {

Command work(std::function<void()> what) {
  return PostCommand{std::move(what)};
}

void run(Command& command) {
  std::get<PostCommand>(command).work();
}

TEST(Inbox, GivesBackWhatWasPushedInOrder) {
  Inbox inbox({.commands = 16});
  std::vector<int> ran;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(inbox.push(work([&ran, i] { ran.push_back(i); })), Inbox::Pushed::done);
  }
  Command command;
  while (inbox.pop(command)) run(command);
  EXPECT_EQ(ran, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(Inbox, IsBoundedAndTakesMoreOnceThereIsRoom) {
  Inbox inbox({.commands = 64});
  int taken = 0;
  while (inbox.push(work([] {})) != Inbox::Pushed::full) {
    ASSERT_LT(++taken, 10'000) << "it has no bound";
  }
  EXPECT_GE(taken, 64);
  Command command;
  while (inbox.pop(command)) {
  }
  EXPECT_EQ(inbox.push(work([] {})), Inbox::Pushed::done);
}

TEST(Inbox, WhatWasNotPoppedIsDestroyedWithIt) {
  auto counted = std::make_shared<int>(0);
  {
    Inbox inbox({.commands = 16});
    inbox.push(work([counted] {}));
    EXPECT_EQ(counted.use_count(), 2);
  }
  EXPECT_EQ(counted.use_count(), 1);
}

TEST(Inbox, OnlyTheFirstProducerIsToldToWakeASleeper) {
  Inbox inbox({.commands = 16});
  EXPECT_TRUE(inbox.try_sleep());
  EXPECT_EQ(inbox.push(work([] {})), Inbox::Pushed::done_wake_it);
  EXPECT_EQ(inbox.push(work([] {})), Inbox::Pushed::done);
  inbox.awake();
  EXPECT_EQ(inbox.push(work([] {})), Inbox::Pushed::done);
}

TEST(Inbox, DoesNotSleepOverWork) {
  Inbox inbox({.commands = 16});
  inbox.push(work([] {}));
  EXPECT_FALSE(inbox.try_sleep());
  EXPECT_EQ(inbox.push(work([] {})), Inbox::Pushed::done) << "nobody sleeps";
}

TEST(Inbox, AWorkerThatWokeByItselfIsNotWoken) {
  Inbox inbox({.commands = 16});
  EXPECT_TRUE(inbox.try_sleep());
  inbox.awake();
  EXPECT_EQ(inbox.push(work([] {})), Inbox::Pushed::done);
}

// A thread leaves something behind where it has pushed: that must not be the room of the others.
TEST(Inbox, ThreadsThatPushedOnceAndLiveOnLeaveItsRoomToOthers) {
  constexpr int kThreads = 64;
  Inbox inbox({.commands = 64});
  std::barrier all_have_pushed(kThreads);
  int taken = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    std::binary_semaphore popped(0);
    threads.emplace_back([&] {
      taken += inbox.push(work([] {})) != Inbox::Pushed::full ? 1 : 0;
      popped.release();
      all_have_pushed.arrive_and_wait();
    });
    popped.acquire();
    Command command;
    inbox.pop(command);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, kThreads) << "it was empty each time";
}

TEST(Inbox, OnceClosedItRefusesCommandsAndKeepsThoseItHas) {
  Inbox inbox({.commands = 16});
  EXPECT_FALSE(inbox.has_commands());
  inbox.push(work([] {}));
  inbox.close();
  EXPECT_EQ(inbox.push(work([] {})), Inbox::Pushed::full);
  EXPECT_TRUE(inbox.has_commands());
  Command command;
  EXPECT_TRUE(inbox.pop(command));
  EXPECT_FALSE(inbox.has_commands());
  EXPECT_FALSE(inbox.pop(command));
}

// Producers that are just pushing when it closes: what was taken is popped, all of it.
TEST(Inbox, ClosingLosesNothingThatWasTaken) {
  for (int round = 0; round < 50; ++round) {
    Inbox inbox({.commands = 1024});
    std::atomic<int> taken{0};
    std::atomic<int> pushing{0};
    int ran = 0;
    std::vector<std::thread> producers;
    for (int p = 0; p < 3; ++p) {
      producers.emplace_back([&] {
        ++pushing;
        for (int i = 0; i < 200; ++i) {
          taken += inbox.push(work([&ran] { ++ran; })) != Inbox::Pushed::full ? 1 : 0;
        }
      });
    }
    while (pushing < 2) std::this_thread::yield();
    inbox.close();
    Command command;
    while (inbox.has_commands()) {
      if (inbox.pop(command)) run(command);
    }
    for (std::thread& producer : producers) producer.join();
    EXPECT_EQ(ran, taken);
  }
}

// --- packets and frames from other workers ------------------------------------------------------

constexpr Inbox::Capacity kForPackets{.commands = 1, .packets = 64, .frames = 64, .workers = 8};

HandedPacket numbered(std::uint32_t number) {
  HandedPacket handed;
  handed.offset = number;
  return handed;
}

// How many packets a lane could push, one by one.
int fill(Inbox& inbox, Inbox::Lane& lane) {
  const HandedPacket handed = numbered(0);
  int pushed = 0;
  while (inbox.push(lane, std::span(&handed, 1)) != Inbox::Pushed::full && pushed < 100'000) {
    ++pushed;
  }
  return pushed;
}

int empty(Inbox& inbox) {
  std::array<HandedPacket, 16> some;
  int popped = 0;
  while (const std::size_t count = inbox.pop(std::span(some))) popped += static_cast<int>(count);
  return popped;
}

TEST(Inbox, PacketsComeInTheOrderOfTheirLane) {
  Inbox inbox(kForPackets);
  Inbox::Lane lane(inbox);
  std::array<HandedPacket, 40> all;
  for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = numbered(i);
  EXPECT_EQ(inbox.push(lane, std::span<const HandedPacket>(all).first(15)), Inbox::Pushed::done);
  EXPECT_EQ(inbox.push(lane, std::span<const HandedPacket>(all).subspan(15)), Inbox::Pushed::done);
  std::array<HandedPacket, 7> some;
  std::uint32_t next = 0;
  while (const std::size_t count = inbox.pop(std::span(some))) {
    for (const HandedPacket& handed : std::span(some).first(count)) {
      EXPECT_EQ(handed.offset, next++);
    }
  }
  EXPECT_EQ(next, all.size());
}

TEST(Inbox, PacketsAreTakenAllOrNone) {
  Inbox inbox(kForPackets);
  Inbox::Lane lane(inbox);
  const std::array<HandedPacket, 40> many;
  EXPECT_EQ(inbox.push(lane, many), Inbox::Pushed::done);
  EXPECT_EQ(inbox.push(lane, many), Inbox::Pushed::full);
  EXPECT_EQ(empty(inbox), 40);
  EXPECT_EQ(inbox.push(lane, many), Inbox::Pushed::done);
  empty(inbox);
}

TEST(Inbox, ALaneThatHasFilledItLeavesAllItsRoomToTheOthers) {
  Inbox inbox(kForPackets);
  for (int round = 0; round < 7; ++round) {
    const auto lane = std::make_unique<Inbox::Lane>(inbox);
    EXPECT_EQ(fill(inbox, *lane), 64) << round;
    EXPECT_EQ(empty(inbox), 64);
  }
  std::vector<std::unique_ptr<Inbox::Lane>> lanes;
  for (int i = 0; i < 7; ++i) {
    lanes.push_back(std::make_unique<Inbox::Lane>(inbox));
    EXPECT_EQ(fill(inbox, *lanes.back()), 64) << i;
    EXPECT_EQ(empty(inbox), 64);
  }
}

TEST(Inbox, FramesAreNeverRefusedAsManyAsThereAre) {
  Inbox inbox(kForPackets);
  Inbox::Lane lane(inbox);
  Inbox::Lane other(inbox);
  std::array<Frame, 64> frames;
  std::vector<Frame*> all;
  for (Frame& frame : frames) all.push_back(&frame);
  const std::span<Frame* const> span(all);
  EXPECT_EQ(inbox.push(lane, span.first(60)), Inbox::Pushed::done);
  EXPECT_EQ(inbox.push(other, span.subspan(60)), Inbox::Pushed::done);
  std::array<Frame*, 100> popped{};
  EXPECT_EQ(inbox.pop(std::span(popped)), 64u);
}

TEST(Inbox, DoesNotSleepOverPacketsNorStarvedOverFrames) {
  Inbox inbox(kForPackets);
  Inbox::Lane lane(inbox);
  const HandedPacket handed = numbered(1);
  inbox.push(lane, std::span(&handed, 1));
  EXPECT_FALSE(inbox.try_sleep());
  empty(inbox);
  Frame frame;
  Frame* const home[] = {&frame};
  inbox.push(lane, std::span<Frame* const>(home));
  EXPECT_FALSE(inbox.try_sleep(true));
  EXPECT_TRUE(inbox.try_sleep()) << "one that has frames left need not fetch more";
}

TEST(Inbox, PacketsWakeASleeperFramesOnlyAStarvedOneEachOnce) {
  Inbox inbox(kForPackets);
  Inbox::Lane lane(inbox);
  Frame frame;
  Frame* const home[] = {&frame};
  const std::span<Frame* const> one_frame(home);
  const HandedPacket handed = numbered(1);
  ASSERT_TRUE(inbox.try_sleep());
  EXPECT_EQ(inbox.push(lane, one_frame), Inbox::Pushed::done);
  EXPECT_EQ(inbox.push(lane, std::span(&handed, 1)), Inbox::Pushed::done_wake_it);
  EXPECT_EQ(inbox.push(lane, std::span(&handed, 1)), Inbox::Pushed::done);
  empty(inbox);
  std::array<Frame*, 4> popped{};
  inbox.pop(std::span(popped));
  ASSERT_TRUE(inbox.try_sleep(true));
  EXPECT_EQ(inbox.push(lane, one_frame), Inbox::Pushed::done_wake_it);
  EXPECT_EQ(inbox.push(lane, one_frame), Inbox::Pushed::done);
}

// --- many threads -------------------------------------------------------------------------------

// Producers push numbered work while the consumer sleeps whenever it may: a lost wake-up would
// leave it asleep for ever.
class InboxUnderLoad {
 public:
  static constexpr int kProducers = 3;
  static constexpr int kEach = 20'000;

  void produce(int producer) {
    for (int i = 0; i < kEach; ++i) {
      const auto pushed = push_until_taken(producer, i);
      if (pushed == Inbox::Pushed::done_wake_it) wake_.release();
    }
  }

  // False when it slept for ten seconds.
  bool consume() {
    Command command;
    while (count_ < kProducers * kEach) {
      while (inbox_.pop(command)) run(command);
      if (count_ == kProducers * kEach) return true;
      if (!inbox_.try_sleep()) continue;
      if (!wake_.try_acquire_for(std::chrono::seconds(10))) return false;
      inbox_.awake();
    }
    return true;
  }

  int count() const { return count_; }
  bool in_order() const { return in_order_; }

 private:
  Inbox::Pushed push_until_taken(int producer, int number) {
    while (true) {
      const auto pushed = inbox_.push(work([this, producer, number] { note(producer, number); }));
      if (pushed != Inbox::Pushed::full) return pushed;
      std::this_thread::yield();
    }
  }
  // On the consumer's thread.
  void note(int producer, int number) {
    in_order_ = in_order_ && last_[static_cast<std::size_t>(producer)] + 1 == number;
    last_[static_cast<std::size_t>(producer)] = number;
    ++count_;
  }

  Inbox inbox_{{.commands = 256}};
  std::counting_semaphore<> wake_{0};
  std::array<int, kProducers> last_{-1, -1, -1};
  int count_ = 0;
  bool in_order_ = true;
};

TEST(Inbox, LosesNoWorkAndNoWakeUpAndKeepsEachProducersOrder) {
  InboxUnderLoad load;
  std::vector<std::thread> producers;
  for (int p = 0; p < InboxUnderLoad::kProducers; ++p) {
    producers.emplace_back([&load, p] { load.produce(p); });
  }
  EXPECT_TRUE(load.consume()) << "a wake-up was lost after " << load.count();
  for (std::thread& producer : producers) producer.join();
  EXPECT_EQ(load.count(), InboxUnderLoad::kProducers * InboxUnderLoad::kEach);
  EXPECT_TRUE(load.in_order());
}

}  // namespace
}  // namespace sluice

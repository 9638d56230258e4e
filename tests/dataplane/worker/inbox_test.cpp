#include "dataplane/worker/inbox.hpp"

#include <gtest/gtest.h>

#include <array>
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

// Tasks, and what limits them, on virtual time: a core without an engine.
#include "dataplane/coroutine/task.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::co {
namespace {

constexpr Duration kTick = Duration::microseconds(200);  // more than timers are late

Task<int> number(int value) {
  co_return value;
}

Task<int> sum_of(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await number(1);
  co_return sum;
}

Task<> throws() {
  throw std::runtime_error("thrown");
  co_return;
}

// Tells when it goes.
class Witness {
 public:
  explicit Witness(bool& gone) : gone_(gone) {}
  ~Witness() { gone_ = true; }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

 private:
  bool& gone_;
};

TEST(CoTask, NothingHappensBeforeItIsStarted) {
  bool ran = false;
  const auto work = [](bool& flag) -> Task<> {
    flag = true;
    co_return;
  };
  Task<> task = work(ran);
  EXPECT_FALSE(ran);
  task.start();
  EXPECT_TRUE(ran);
  EXPECT_TRUE(task.is_done());
}

TEST(CoTask, AwaitGivesTheValue) {
  int got = 0;
  const auto work = [](int& out) -> Task<> { out = co_await sum_of(10); };
  work(got).start();
  EXPECT_EQ(got, 10);
}

TEST(CoTask, ValuesMayBeMovedOnly) {
  std::string got;
  const auto make = []() -> Task<std::unique_ptr<std::string>> {
    co_return std::make_unique<std::string>("moved");
  };
  const auto work = [&](std::string& out) -> Task<> { out = *co_await make(); };
  Task<> task = work(got);
  task.start();
  EXPECT_EQ(got, "moved");
}

TEST(CoTask, WhatItThrowsComesOutWhereItIsAwaited) {
  std::string caught;
  const auto work = [](std::string& out) -> Task<> {
    try {
      co_await throws();
    } catch (const std::runtime_error& error) {
      out = error.what();
    }
  };
  Task<> task = work(caught);
  task.start();
  EXPECT_EQ(caught, "thrown");
}

// A million tasks that never wait, one after the other and in one another's frame.
TEST(CoTask, ManyThatDoNotWaitUseNoStack) {
  int got = 0;
  const auto work = [](int& out) -> Task<> { out = co_await sum_of(1'000'000); };
  Task<> task = work(got);
  task.start();
  EXPECT_EQ(got, 1'000'000);
}

// --- what waits ------------------------------------------------------------------------------

class CoWait : public testing::Test {
 protected:
  CoWait() { core_.enter(); }

  void advance(Duration by) {
    now_ = now_ + by;
    core_.begin_turn(now_);
    core_.on_time();
  }

  Task<> sleep_for(Duration duration) {
    result_ = (co_await sleep(duration)).outcome();
    ++woken_;
  }
  Task<> hold(Duration duration) {
    const Witness witness(gone_);
    co_await sleep(duration);
    ended_ = true;
  }
  Task<> limit(Duration limit, Duration duration) {
    result_ = (co_await hold(duration).within(limit)).outcome();
    ++woken_;
  }
  Task<> sleep_unless(Duration duration) {
    result_ = (co_await sleep(duration).unless(canceller_)).outcome();
    ++woken_;
  }
  Task<> hold_unless(Duration duration) {
    result_ = (co_await hold(duration).unless(canceller_)).outcome();
    ++woken_;
  }

  Instant now_ = Instant::from_ns(1'000'000'000);
  Core core_{0, now_};
  Canceller canceller_;
  Outcome result_ = Outcome::busy;
  int woken_ = 0;
  bool gone_ = false;
  bool ended_ = false;
};

TEST_F(CoWait, SleepEndsInTimeAndOnce) {
  Task<> task = sleep_for(Duration::milliseconds(10));
  task.start();
  advance(Duration::milliseconds(10) - kTick);
  EXPECT_EQ(woken_, 0);
  advance(kTick * 2);
  EXPECT_EQ(woken_, 1);
  EXPECT_EQ(result_, Outcome::ok);
  EXPECT_TRUE(task.is_done());
  EXPECT_TRUE(core_.next_deadline().is_never() || core_.next_deadline() > now_);
}

TEST_F(CoWait, SleepForNoTimeLetsOthersRunFirst) {
  Task<> task = sleep_for(Duration());
  task.start();
  EXPECT_EQ(woken_, 0);
  advance(kTick);
  EXPECT_EQ(woken_, 1);
}

TEST_F(CoWait, SleepForAllTimeAndForLessThanNoneAreNoOverflow) {
  Task<> forever = sleep_for(Duration::nanoseconds(INT64_MAX - 1));
  forever.start();
  advance(Duration::seconds(1'000'000));
  EXPECT_EQ(woken_, 0);
  Task<> before = sleep_for(Duration::nanoseconds(INT64_MIN));
  before.start();
  advance(kTick);
  EXPECT_EQ(woken_, 1);
}

TEST_F(CoWait, DestroyedWhileItSleepsItIsForgotten) {
  {
    Task<> task = hold(Duration::milliseconds(10));
    task.start();
    EXPECT_FALSE(gone_);
  }
  EXPECT_TRUE(gone_);
  advance(Duration::seconds(1));
  EXPECT_FALSE(ended_);
}

TEST_F(CoWait, ATaskThatTakesTooLongIsDestroyed) {
  Task<> task = limit(Duration::milliseconds(10), Duration::milliseconds(20));
  task.start();
  advance(Duration::milliseconds(11));
  EXPECT_EQ(result_, Outcome::timeout);
  EXPECT_TRUE(gone_);
  EXPECT_FALSE(ended_);
  advance(Duration::seconds(1));
  EXPECT_EQ(woken_, 1);
}

TEST_F(CoWait, ATaskInTimeIsNotTouched) {
  Task<> task = limit(Duration::milliseconds(20), Duration::milliseconds(10));
  task.start();
  advance(Duration::milliseconds(11));
  EXPECT_EQ(result_, Outcome::ok);
  EXPECT_TRUE(ended_);
  advance(Duration::seconds(1));
  EXPECT_EQ(woken_, 1);
}

TEST_F(CoWait, ALimitedTaskGivesItsValue) {
  int got = 0;
  const auto work = [](int& out) -> Task<> {
    out = *co_await number(7).within(Duration::milliseconds(1));
  };
  Task<> task = work(got);
  task.start();
  EXPECT_EQ(got, 7);
}

TEST_F(CoWait, CancelWakesThoseThatWaitSoonButNotAtOnce) {
  Task<> one = sleep_unless(Duration::seconds(1));
  Task<> other = hold_unless(Duration::seconds(1));
  one.start();
  other.start();
  canceller_.cancel();
  EXPECT_EQ(woken_, 0);
  advance(kTick);
  EXPECT_EQ(woken_, 2);
  EXPECT_EQ(result_, Outcome::cancelled);
  EXPECT_TRUE(gone_);
  EXPECT_FALSE(ended_);
}

TEST_F(CoWait, WhatIsCancelledBeforehandDoesNotBegin) {
  canceller_.cancel();
  Task<> one = sleep_unless(Duration::seconds(1));
  one.start();
  EXPECT_EQ(result_, Outcome::cancelled);
  result_ = Outcome::ok;
  Task<> other = hold_unless(Duration::seconds(1));
  other.start();
  EXPECT_EQ(result_, Outcome::cancelled);
  EXPECT_FALSE(gone_) << "its body never ran";
}

// The task that runs cancels the wait for itself.
TEST_F(CoWait, ATaskMayCancelThoseThatWaitForIt) {
  const auto suicide = [](Canceller& canceller, bool& gone) -> Task<> {
    const Witness witness(gone);
    canceller.cancel();
    co_await sleep(Duration::seconds(1));
  };
  const auto work = [&](Canceller& canceller, bool& gone, Outcome& out) -> Task<> {
    out = (co_await suicide(canceller, gone).unless(canceller)).outcome();
  };
  Task<> task = work(canceller_, gone_, result_);
  task.start();
  EXPECT_FALSE(gone_);
  advance(kTick);
  EXPECT_TRUE(gone_);
  EXPECT_EQ(result_, Outcome::cancelled);
}

TEST_F(CoWait, TasksRunBesideEachOther) {
  const auto work = [this]() -> Task<> {
    Task<> first = sleep_for(Duration::milliseconds(10));
    Task<> second = sleep_for(Duration::milliseconds(10));
    first.start();
    second.start();
    co_await first;
    co_await second;
    ended_ = true;
  };
  Task<> task = work();
  task.start();
  advance(Duration::milliseconds(11));
  EXPECT_EQ(woken_, 2);
  EXPECT_TRUE(ended_);
}

TEST_F(CoWait, ItsParentsEndIsTheChildsEnd) {
  const auto work = [this]() -> Task<> {
    Task<> child = hold(Duration::seconds(1));
    child.start();
    co_await sleep(Duration::milliseconds(1));
  };
  Task<> task = work();
  task.start();
  advance(Duration::milliseconds(2));
  EXPECT_TRUE(task.is_done());
  EXPECT_TRUE(gone_);
  EXPECT_FALSE(ended_);
}

TEST_F(CoWait, StoppingWakesWhatSleepsOnce) {
  const auto work = [this]() -> Task<> {
    while (true) {
      result_ = (co_await sleep(Duration::seconds(1))).outcome();
      ++woken_;
    }
  };
  go(work());
  core_.begin_stop();
  advance(kTick);
  EXPECT_EQ(result_, Outcome::stopped);
  EXPECT_EQ(woken_, 1);
  advance(kTick * 10);
  EXPECT_EQ(woken_, 1) << "a loop that does not listen does not spin";
  core_.end();
}

TEST_F(CoWait, WhatIsLeftGoesWithTheCore) {
  go(hold(Duration::seconds(1)));
  EXPECT_FALSE(gone_);
  core_.end();
  EXPECT_TRUE(gone_);
  EXPECT_FALSE(ended_);
}

TEST_F(CoWait, AfterTheCoresEndNothingBegins) {
  core_.end();
  go(hold(Duration::seconds(1)));
  EXPECT_FALSE(gone_) << "its body never ran";
}

TEST_F(CoWait, ATaskThatHasEndedGoesAtOnce) {
  go(hold(Duration::milliseconds(1)));
  advance(Duration::milliseconds(2));
  EXPECT_TRUE(gone_);
  EXPECT_TRUE(ended_);
}

TEST(CoGo, NeedsACore) {
  const auto nothing = []() -> Task<> { co_return; };
  EXPECT_THROW(go(nothing()), std::logic_error);
}

// --- timers of the core ------------------------------------------------------------------------

class Alarm : public Timer {
 public:
  int rung = 0;

 private:
  void on_timer() override { ++rung; }
};

TEST_F(CoWait, ATimerMayBeMovedAndDisarmed) {
  Alarm alarm;
  core_.arm(alarm, Duration::milliseconds(10));
  core_.arm(alarm, Duration::milliseconds(30));
  advance(Duration::milliseconds(11));
  EXPECT_EQ(alarm.rung, 0);
  EXPECT_TRUE(alarm.is_armed());
  advance(Duration::milliseconds(20));
  EXPECT_EQ(alarm.rung, 1);
  EXPECT_FALSE(alarm.is_armed());
  core_.arm(alarm, Duration::milliseconds(10));
  alarm.disarm();
  advance(Duration::seconds(1));
  EXPECT_EQ(alarm.rung, 1);
}

TEST_F(CoWait, TimersThatAreLeftAreDisarmedAtTheEnd) {
  Alarm alarm;
  core_.arm(alarm, Duration::milliseconds(10));
  core_.end();
  EXPECT_FALSE(alarm.is_armed());
}

}  // namespace
}  // namespace sluice::co

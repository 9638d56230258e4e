#include "dataplane/worker/handoff.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <ostream>
#include <semaphore>
#include <thread>
#include <vector>

#include "proto/base/rng.hpp"

namespace sluice {
namespace {

constexpr std::uint32_t kFrameBytes = 64;

// All that a Handoff needs of a queue: something to sleep at.
class Bed final : public io::TunQueue {
 public:
  // False when nobody has woken it for ten seconds.
  bool sleep() { return woken_.try_acquire_for(std::chrono::seconds(10)); }
  bool was_woken() { return woken_.try_acquire(); }

  std::size_t reap(std::span<io::RxPacket>) override { return 0; }
  void submit(TxBatch&, Instant) override {}
  using TunQueue::wake;
  void wake() override { woken_.release(); }
  void quiesce(TxBatch&) override {}
  const io::IoCounters& counters() const override { return counters_; }

 private:
  std::counting_semaphore<> woken_{0};
  io::IoCounters counters_;
};

// A packet that says where it comes from, and which one it is; in its bytes and as "parsed".
struct Number {
  std::uint32_t source;
  std::uint32_t sequence;
};

Slice make_packet(Frame& frame, Number number, wire::Packet& parsed) {
  store_be32(frame.data, number.source);
  store_be32(frame.data + 4, number.sequence);
  parsed.tcp.sequence = number.sequence;
  Slice ip(frame, 0, 8);
  return ip;
}

Number number_of(const Slice& ip) {
  return {load_be32(ip.data()), load_be32(ip.data() + 4)};
}

// What a worker has for handing over, without the rest of it.
struct Hand {
  Hand(std::uint32_t self, Crew& members, std::uint32_t frames)
      : number(self), crew(members), pool(frames, kFrameBytes), handoff(self, members, pool) {
    crew.set_queue(self, bed);
  }

  bool gives(std::uint32_t owner, std::uint32_t sequence) {
    Frame* const frame = pool.take();
    if (frame == nullptr) return false;
    wire::Packet packet;
    Slice ip = make_packet(*frame, {number, sequence}, packet);
    handoff.give(owner, std::move(ip), packet);
    return true;
  }
  std::vector<Slice> takes(std::size_t most = Handoff::kMostAtOnce) {
    std::vector<Slice> taken;
    handoff.take(most, [&taken](const Slice& ip, const wire::Packet&) { taken.push_back(ip); });
    return taken;
  }
  void flushes() { handoff.flush(bed); }
  bool is_all_home() const { return pool.free_count() == pool.size(); }

  std::uint32_t number;
  Crew& crew;
  Bed bed;
  FramePool pool;
  Handoff handoff;
};

// --- two hands, one thread ----------------------------------------------------------------------

class HandoffTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kFrames = 64;

  void TearDown() override {
    left_.takes();
    right_.takes();
    for (int i = 0; i < 2; ++i) {
      left_.flushes();
      right_.flushes();
    }
    EXPECT_TRUE(left_.is_all_home());
    EXPECT_TRUE(right_.is_all_home());
  }

  Crew crew_{2, {.commands = 16, .packets = 64, .frames = kFrames, .workers = 2}};
  Hand left_{0, crew_, kFrames};
  Hand right_{1, crew_, kFrames};
};

TEST_F(HandoffTest, APacketComesToItsOwnerWithWhatWasParsed) {
  ASSERT_TRUE(left_.gives(1, 7));
  EXPECT_TRUE(right_.takes().empty()) << "not before it is sent off";
  left_.flushes();
  std::uint32_t parsed = 0;
  right_.handoff.take(1, [&parsed](const Slice& ip, const wire::Packet& packet) {
    EXPECT_EQ(number_of(ip).sequence, 7u);
    parsed = packet.tcp.sequence;
  });
  EXPECT_EQ(parsed, 7u);
  EXPECT_EQ(left_.handoff.counters().given, 1u);
  EXPECT_EQ(right_.handoff.counters().taken, 1u);
}

TEST_F(HandoffTest, AFrameComesHomeWithItsLastSlice) {
  left_.gives(1, 1);
  left_.flushes();
  std::vector<Slice> kept = right_.takes();
  Slice part = kept.front().front(4);
  kept.clear();
  right_.flushes();
  left_.flushes();
  EXPECT_FALSE(left_.is_all_home()) << "a slice still looks into it";
  part = Slice();
  right_.flushes();
  left_.flushes();
  EXPECT_TRUE(left_.is_all_home());
}

TEST_F(HandoffTest, AFrameThatHasBeenAwayIsTheReadersOwnAgain) {
  for (std::uint32_t round = 0; round < 3 * kFrames; ++round) {
    ASSERT_TRUE(left_.gives(1, round));
    left_.flushes();
    ASSERT_EQ(right_.takes().size(), 1u);
    right_.flushes();
    left_.flushes();
    Frame* const frame = left_.pool.take();
    const Slice used(*frame, 0, 1);
    EXPECT_EQ(frame->home, &left_.pool);
  }
  EXPECT_TRUE(left_.is_all_home());
}

TEST_F(HandoffTest, MoreThanHalfAShareHeldIsScarceSoThatItsReaderGoesOnReading) {
  for (std::uint32_t i = 0; i < kFrames / 2; ++i) left_.gives(1, i);
  left_.flushes();
  const std::vector<Slice> kept = right_.takes();
  EXPECT_TRUE(kept.front().frame()->home->is_scarce());
  EXPECT_FALSE(left_.pool.is_scarce());
}

TEST_F(HandoffTest, WhatAFullInboxRefusesIsCountedAndItsFramesAreHomeAtOnce) {
  Crew crew(2, {.commands = 16, .packets = 32, .frames = kFrames, .workers = 2});
  Hand giver(0, crew, kFrames);
  Hand taker(1, crew, kFrames);
  const HandoffCounters& counters = giver.handoff.counters();
  std::uint32_t offered = 0;
  while (counters.refused == 0) {
    ASSERT_TRUE(giver.gives(1, offered++)) << "no bound: all frames are under way";
    giver.flushes();
  }
  EXPECT_GE(counters.given, 32u);
  EXPECT_EQ(counters.given + counters.refused, offered);
  EXPECT_EQ(giver.pool.free_count(), kFrames - counters.given);
  EXPECT_EQ(taker.takes().size(), counters.given);
  ASSERT_TRUE(giver.gives(1, offered));
  giver.flushes();
  EXPECT_EQ(taker.takes().size(), 1u) << "there is room again";
  taker.flushes();
  giver.flushes();
}

TEST_F(HandoffTest, AtMostAsManyAreTakenAsAreWanted) {
  for (std::uint32_t i = 0; i < 10; ++i) left_.gives(1, i);
  left_.flushes();
  EXPECT_EQ(right_.takes(3).size(), 3u);
  const std::vector<Slice> rest = right_.takes();
  ASSERT_EQ(rest.size(), 7u);
  EXPECT_EQ(number_of(rest.front()).sequence, 3u);
}

TEST_F(HandoffTest, ASleeperIsWokenByAPacketAndNotByAFrame) {
  left_.gives(1, 1);
  left_.flushes();
  right_.takes();
  ASSERT_TRUE(crew_.inbox(0).try_sleep());
  right_.flushes();  // a frame goes home
  EXPECT_FALSE(left_.bed.was_woken());
  right_.gives(0, 1);
  right_.flushes();
  EXPECT_TRUE(left_.bed.sleep());
  crew_.inbox(0).awake();
}

TEST_F(HandoffTest, AStarvedSleeperIsWokenByAFrame) {
  for (std::uint32_t i = 0; left_.gives(1, i); ++i) {
  }
  left_.flushes();
  ASSERT_EQ(left_.pool.free_count(), 0u);
  ASSERT_TRUE(crew_.inbox(0).try_sleep(true));
  right_.takes();
  right_.flushes();
  EXPECT_TRUE(left_.bed.sleep());
  left_.flushes();
  EXPECT_TRUE(left_.is_all_home());
}

TEST_F(HandoffTest, LeavingBringsHomeWhatNobodyHasTaken) {
  for (std::uint32_t i = 0; i < 10; ++i) {
    left_.gives(1, i);
    right_.gives(0, i);
  }
  left_.flushes();
  right_.flushes();
  std::thread other([this] { right_.handoff.leave(right_.bed); });
  left_.handoff.leave(left_.bed);
  other.join();
  EXPECT_TRUE(left_.is_all_home());
  EXPECT_TRUE(right_.is_all_home());
  EXPECT_EQ(left_.handoff.counters().taken, 10u);
}

// --- many hands, many threads -------------------------------------------------------------------

// How hard it is: few frames starve the readers, little room and slow takers fill the inboxes.
struct Load {
  const char* name;
  std::uint32_t workers;
  std::uint32_t frames;
  std::size_t room;            // packets of an inbox
  double keeps;                // share of packets that their owners keep for a while
  std::uint32_t slow_one_in;   // turns in which a taker does nothing; 0: none
  std::uint32_t packets_each;  // that a worker hands over
};

void PrintTo(const Load& load, std::ostream* out) {
  *out << load.name;
}

// A worker's loop as Worker::turn has it, but that packets come from nowhere: from a counter.
class Member {
 public:
  Member(const Load& load, std::uint32_t number, Crew& crew, std::atomic<std::int64_t>& left)
      : load_(load), hand_(number, crew, load.frames), left_(left), rng_(number + 1) {
    to_.resize(load.workers);
    from_.resize(load.workers);
  }

  void run() {
    while (left_.load() > 0) turn();
    wake_all();
    kept_.clear();
    hand_.handoff.leave(hand_.bed);
  }

  const HandoffCounters& counters() const { return hand_.handoff.counters(); }
  bool is_all_home() const { return hand_.is_all_home(); }
  bool in_order() const { return in_order_; }
  std::uint64_t missing() const { return missing_; }
  std::uint64_t starved() const { return starved_; }
  std::uint64_t sleeps() const { return sleeps_; }

 private:
  void turn() {
    const bool gave = give_some();
    const bool idles = load_.slow_one_in > 0 && rng_.below(load_.slow_one_in) == 0;
    const std::size_t took = idles ? 0 : take_some();
    const bool dropped = drop_some();
    const std::uint64_t refused_before = counters().refused;
    hand_.flushes();
    const std::uint64_t refused = counters().refused - refused_before;
    settle(took + refused);
    if (!gave && took == 0 && !dropped && !idles) sleep();
  }

  // Like 16 packets of a read: each for a random other.
  bool give_some() {
    bool gave = false;
    for (int i = 0; i < 16 && given_ < load_.packets_each; ++i) {
      const auto others = rng_.below(load_.workers - 1);
      const auto owner = static_cast<std::uint32_t>((hand_.number + 1 + others) % load_.workers);
      if (!hand_.gives(owner, to_[owner])) break;
      ++to_[owner];
      ++given_;
      gave = true;
    }
    return gave;
  }

  std::size_t take_some() {
    return hand_.handoff.take(Handoff::kMostAtOnce, [this](const Slice& ip, const auto& packet) {
      const Number number = number_of(ip);
      std::uint32_t& expected = from_[number.source];
      in_order_ =
          in_order_ && number.sequence >= expected && packet.tcp.sequence == number.sequence;
      missing_ += number.sequence - expected;
      expected = number.sequence + 1;
      if (rng_.chance(load_.keeps)) kept_.push_back(ip);
    });
  }

  bool drop_some() {
    if (kept_.empty()) return false;
    const std::size_t most = kept_.size() < 32 ? kept_.size() : kept_.size() / 2;
    kept_.resize(kept_.size() - 1 - rng_.below(most));
    return true;
  }

  // Packets that nobody waits for any more. The last of all ends the work.
  void settle(std::uint64_t count) {
    const auto many = static_cast<std::int64_t>(count);
    if (many > 0 && left_.fetch_sub(many) == many) wake_all();
  }
  void wake_all() {
    for (std::uint32_t i = 0; i < load_.workers; ++i) {
      const auto pushed = hand_.crew.inbox(i).push(PostCommand{[] {}});
      if (pushed == Inbox::Pushed::done_wake_it) hand_.crew.queue(i).wake();
    }
  }

  void sleep() {
    Inbox& inbox = hand_.crew.inbox(hand_.number);
    const bool starves = hand_.pool.free_count() == 0;
    const bool could_give = !starves && given_ < load_.packets_each;
    if (could_give || !inbox.try_sleep(starves)) return;
    starved_ += starves ? 1 : 0;
    ++sleeps_;
    if (!hand_.bed.sleep()) {
      ADD_FAILURE() << hand_.number << " slept over its work" << (starves ? ", starved" : "");
      left_.store(0);
    }
    inbox.awake();
  }

  const Load& load_;
  Hand hand_;
  std::atomic<std::int64_t>& left_;
  Rng rng_;
  std::uint32_t given_ = 0;
  std::vector<std::uint32_t> to_;    // the next number for each
  std::vector<std::uint32_t> from_;  // the next number of each
  std::vector<Slice> kept_;
  bool in_order_ = true;
  std::uint64_t missing_ = 0;
  std::uint64_t starved_ = 0;
  std::uint64_t sleeps_ = 0;
};

class HandoffLoad : public testing::TestWithParam<Load> {
 protected:
  void SetUp() override {
    const Load& load = GetParam();
    crew_.emplace(
        load.workers,
        Inbox::Capacity{
            .commands = 64, .packets = load.room, .frames = load.frames, .workers = load.workers});
    left_ = std::int64_t{load.workers} * load.packets_each;
    for (std::uint32_t i = 0; i < load.workers; ++i) {
      members_.push_back(std::make_unique<Member>(load, i, *crew_, left_));
    }
  }
  void run() {
    std::vector<std::thread> threads;
    for (const auto& member : members_) threads.emplace_back([&member] { member->run(); });
    for (std::thread& thread : threads) thread.join();
  }
  template <class Count>
  std::uint64_t sum(Count count) const {
    std::uint64_t all = 0;
    for (const auto& member : members_) all += count(*member);
    return all;
  }

  std::optional<Crew> crew_;
  std::atomic<std::int64_t> left_{0};
  std::vector<std::unique_ptr<Member>> members_;
};

TEST_P(HandoffLoad, KeepsEachPairsOrderCountsEveryPacketAndBringsAllFramesHome) {
  run();
  const std::uint64_t given = sum([](const Member& m) { return m.counters().given; });
  const std::uint64_t taken = sum([](const Member& m) { return m.counters().taken; });
  const std::uint64_t refused = sum([](const Member& m) { return m.counters().refused; });
  EXPECT_EQ(given, taken);
  EXPECT_EQ(given + refused, std::uint64_t{GetParam().workers} * GetParam().packets_each);
  EXPECT_LE(sum([](const Member& m) { return m.missing(); }), refused) << "lost, and not counted";
  for (const auto& member : members_) {
    EXPECT_TRUE(member->in_order());
    EXPECT_TRUE(member->is_all_home());
  }
  RecordProperty("refused", std::to_string(refused));
  RecordProperty("sleeps", std::to_string(sum([](const Member& m) { return m.sleeps(); })));
  RecordProperty("starved", std::to_string(sum([](const Member& m) { return m.starved(); })));
}

INSTANTIATE_TEST_SUITE_P(Loads, HandoffLoad,
                         testing::Values(Load{"two", 2, 512, 512, 0.1, 0, 50'000},
                                         Load{"four", 4, 512, 512, 0.1, 0, 25'000},
                                         Load{"starved", 4, 16, 512, 0.5, 4, 15'000},
                                         Load{"crowded", 4, 512, 256, 0.1, 4, 30'000},
                                         Load{"crowded_and_starved", 3, 32, 24, 0.9, 3, 20'000},
                                         Load{"eight", 8, 128, 256, 0.3, 8, 10'000}),
                         [](const auto& named) { return std::string(named.param.name); });

}  // namespace
}  // namespace sluice

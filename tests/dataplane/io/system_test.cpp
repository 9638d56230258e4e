// clock, cpu and entropy: the small doors to the kernel.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <thread>

#include "dataplane/io/clock.hpp"
#include "dataplane/io/cpu.hpp"
#include "dataplane/io/entropy.hpp"

namespace sluice::io {
namespace {

TEST(Clock, RunsForwards) {
  const Instant first = now();
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const Duration passed = now() - first;
  EXPECT_GE(passed.ms(), 2);
  EXPECT_LT(passed.ms(), 2000);
}

TEST(Cpu, PinsToAnAllowedOne) {
  const std::vector<std::uint32_t> cpus = allowed_cpus();
  ASSERT_FALSE(cpus.empty());
  std::thread([&] {
    pin_to_cpu(cpus.back());
    EXPECT_EQ(sched_getcpu(), static_cast<int>(cpus.back()));
    EXPECT_EQ(allowed_cpus(), std::vector{cpus.back()});
  }).join();
  EXPECT_EQ(allowed_cpus(), cpus);
}

TEST(Cpu, RefusesOneThatIsNotThere) {
  EXPECT_THROW(pin_to_cpu(8191), std::system_error);
  EXPECT_THROW(pin_to_cpu(4'000'000'000), std::system_error);
}

TEST(Cpu, PreparesAWorkerThread) {
  std::thread([] {
    prepare_worker_thread("sluice-worker-17");
    std::array<char, 16> name{};
    pthread_getname_np(pthread_self(), name.data(), name.size());
    EXPECT_STREQ(name.data(), "sluice-worker-1");
    EXPECT_EQ(prctl(PR_GET_TIMERSLACK), 1);
  }).join();
}

TEST(Entropy, FillsAllOfIt) {
  std::array<std::uint8_t, 1000> first{};
  std::array<std::uint8_t, 1000> second{};
  fill_random(first);
  fill_random(second);
  EXPECT_NE(first, second);
  // All of 32 bytes being zero has a chance of 2^-256.
  EXPECT_TRUE(std::any_of(first.end() - 32, first.end(), [](std::uint8_t b) { return b != 0; }));
  fill_random({});
}

}  // namespace
}  // namespace sluice::io

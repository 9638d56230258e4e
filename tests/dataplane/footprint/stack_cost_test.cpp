// What a stack costs, in bytes asked of the allocator and in resident memory.
#include <fstream>
#include <map>
#include <memory>

#include "tests/dataplane/sockets/two_stacks.hpp"
#include "tests/support/replace_new.hpp"

namespace sluice::test {
namespace {

constexpr std::uint64_t kMostOfAnIdleStack = 64 * 1024;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;  // each allocation costs more than its bytes
#else
constexpr bool kIsSanitized = false;
#endif

// Bytes that a piece of code leaves allocated.
template <class Work>
std::uint64_t cost_of(Work work) {
  const std::uint64_t before = allocations.live_bytes;
  work();
  return allocations.live_bytes - before;
}

std::uint64_t resident_bytes() {
  std::uint64_t pages = 0;
  std::ifstream statm("/proc/self/statm");
  statm >> pages >> pages;
  return pages * 4096;
}

std::uint64_t memory_of(const Host& host) {
  sluice_stats stats{};
  stats.size = sizeof stats;
  EXPECT_EQ(sluice_stack_stats(host.get(), &stats), 0);
  return stats.memory;
}

// --- one ----------------------------------------------------------------------------------------

TEST(StackCost, OfAnIdleOneIsSmallInBothProfiles) {
  for (const char* const profile : {"linux", "strict"}) {
    const sluice_config config = make_config("192.0.2.1 2001:db8::1", profile);
    std::unique_ptr<Host> host;
    const std::uint64_t cost = cost_of([&] { host = std::make_unique<Host>(config); });
    EXPECT_LT(cost, kMostOfAnIdleStack / 2) << profile;
    EXPECT_GT(cost, 1024U) << "or nothing was counted";
    const std::uint64_t said = memory_of(*host);
    EXPECT_NEAR(static_cast<double>(said), static_cast<double>(cost), 2048) << "as it says itself";
  }
}

TEST(StackCost, DoesNotGrowWithItsLimits) {
  sluice_config config = make_config("192.0.2.1");
  config.max_sockets = config.max_connections = config.max_time_waits = 1 << 24;
  config.max_memory = std::uint64_t{1} << 40;
  std::unique_ptr<Host> host;
  EXPECT_LT(cost_of([&] { host = std::make_unique<Host>(config); }), kMostOfAnIdleStack / 2);
}

TEST(StackCost, OfSocketsThatWaitIsSmall) {
  std::unique_ptr<Host> host;
  const std::uint64_t cost = cost_of([&] {
    host = std::make_unique<Host>(make_config("192.0.2.1 2001:db8::1"));
    for (std::uint16_t port = 1; port <= 8; ++port) {
      const int listener = host->socket(AF_INET6);
      EXPECT_EQ(host->bind(listener, {"::", port}), 0);
      EXPECT_EQ(host->listen(listener), 0);
    }
    EXPECT_EQ(host->output(kSecond).size(), 0U);
  });
  EXPECT_LT(cost, kMostOfAnIdleStack);
}

// Bytes in flight, losses and all: afterwards it is as it was.
TEST(StackCost, GoesBackWhenTheLastConnectionIsGone) {
  class Busy : public TwoStacks {
   public:
    void TestBody() override {
      const std::uint64_t before = memory_of(client) + memory_of(server);
      const Ends ends = open();
      std::uint32_t count = 0;
      loses = [&count](bool, const PacketBytes&) { return ++count % 50 == 0; };
      for (int i = 0; i < 50; ++i) {
        client.send(ends.client, std::string(100'000, 'x'));
        passes(20 * kMillisecond);
        if (i % 3 == 0) server.recv(ends.server, 1 << 20);
      }
      EXPECT_GT(memory_of(client) + memory_of(server), before + 200'000) << "it was busy";
      loses = nullptr;
      EXPECT_EQ(client.close(ends.client), 0);
      EXPECT_EQ(server.close(ends.server), 0);
      passes(300 * kSecond);
      EXPECT_LT(memory_of(client), kMostOfAnIdleStack / 2);
      EXPECT_LT(memory_of(server), kMostOfAnIdleStack / 2);
    }
  };
  const std::uint64_t before = allocations.live_bytes;
  Busy().TestBody();
  EXPECT_EQ(allocations.live_bytes, before) << "nothing is left when the stacks are gone";
}

// --- a thousand
// -----------------------------------------------------------------------------------

constexpr std::uint32_t kStacks = 1000;

std::string address_of(std::uint32_t number) {
  return "10.0." + std::to_string(number / 200) + "." + std::to_string(1 + number % 200);
}

// A wire that all of them are on.
class Crowd {
 public:
  Crowd() {
    for (std::uint32_t i = 0; i < kStacks; ++i) {
      hosts.push_back(std::make_unique<Host>(make_config(address_of(i).c_str())));
      by_address_[inet_addr(address_of(i).c_str())] = hosts.back().get();
    }
  }
  // Carries packets until there are none.
  void settle() {
    for (bool any = true; any;) {
      any = false;
      now += kMillisecond;
      for (const auto& host : hosts) {
        EXPECT_EQ(sluice_advance(host->get(), now), 0);
        for (const PacketBytes& packet : host->output(now)) {
          std::uint32_t to = 0;
          std::memcpy(&to, &packet[16], sizeof to);
          by_address_.at(to)->input(packet, now);
          any = true;
        }
      }
    }
  }

  std::vector<std::unique_ptr<Host>> hosts;
  std::uint64_t now = kSecond;

 private:
  std::map<std::uint32_t, Host*> by_address_;
};

TEST(AThousandStacks, CostLessThan64KiBEach) {
  const std::uint64_t resident = resident_bytes();
  std::unique_ptr<Crowd> crowd;
  const std::uint64_t cost = cost_of([&] { crowd = std::make_unique<Crowd>(); });
  EXPECT_LT(cost / kStacks, kMostOfAnIdleStack / 2);
  if (kIsSanitized) return;
  const std::uint64_t grown = resident_bytes() - resident;
  EXPECT_LT(grown / kStacks, kMostOfAnIdleStack);
  EXPECT_GT(grown / kStacks, 1024U) << "or nothing was counted";
}

// Each is connected to by its neighbour, and connects to the next.
TEST(AThousandStacks, CarryAConnectionEach) {
  Crowd crowd;
  std::vector<int> listeners;
  std::vector<int> clients;
  for (std::uint32_t i = 0; i < kStacks; ++i) {
    Host& host = *crowd.hosts[i];
    listeners.push_back(host.socket());
    ASSERT_EQ(host.bind(listeners[i], {address_of(i).c_str(), 80}), 0);
    ASSERT_EQ(host.listen(listeners[i]), 0);
    clients.push_back(host.socket());
    const Address next(address_of((i + 1) % kStacks).c_str(), 80);
    ASSERT_EQ(host.connect(clients[i], next), -EINPROGRESS);
  }
  crowd.settle();
  std::vector<int> servers;
  for (std::uint32_t i = 0; i < kStacks; ++i) {
    Host& host = *crowd.hosts[i];
    servers.push_back(host.accept(listeners[i]));
    ASSERT_GE(servers[i], 0);
    const std::string text(3000, static_cast<char>('a' + i % 26));
    ASSERT_EQ(host.send(clients[i], text), 3000);
  }
  crowd.settle();
  std::uint64_t memory = 0;
  for (std::uint32_t i = 0; i < kStacks; ++i) {
    Host& host = *crowd.hosts[i];
    memory += memory_of(host);
    const std::uint32_t from = (i + kStacks - 1) % kStacks;
    EXPECT_EQ(host.recv(servers[i]), std::string(3000, static_cast<char>('a' + from % 26)));
    EXPECT_EQ(host.peer_name(servers[i]).substr(0, address_of(from).size()), address_of(from));
  }
  EXPECT_LT(memory / kStacks, 2 * kMostOfAnIdleStack);
}

}  // namespace
}  // namespace sluice::test

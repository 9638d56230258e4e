// Memory is refused at each place in turn: a call fails, a packet is lost, but the stack goes on.
#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "dataplane/sluice.h"
#include "tests/support/allocations.hpp"

namespace sluice::test {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;

sockaddr_in address(const char* text, std::uint16_t port) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  inet_pton(AF_INET, text, &in.sin_addr);
  return in;
}

// Two stacks, and a caller who allocates nothing himself.
class Scene {
 public:
  Scene() {
    for (std::size_t i = 0; i < 2; ++i) {
      sluice_config config;
      sluice_config_init(&config, sizeof config, "linux");
      config.addresses = i == 0 ? "192.0.2.1" : "192.0.2.2";
      config.seed = 1 + i;
      const int error = sluice_stack_create(&config, &stacks_[i]);
      EXPECT_TRUE(error == 0 || error == -ENOMEM) << error;
    }
  }
  ~Scene() {
    for (sluice_stack* const stack : stacks_) sluice_stack_destroy(stack);
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  bool exists() const { return stacks_[0] != nullptr && stacks_[1] != nullptr; }

  // A connection, bytes, a datagram and the end. How much of that worked: 4 is all.
  int plays() {
    if (!exists()) return 0;
    int worked = 0;
    const int listener = sluice_socket(server(), AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    sluice_setsockopt(server(), listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bind(listener, 80);
    sluice_listen(server(), listener, 5);
    const int from = sluice_socket(client(), AF_INET, SOCK_STREAM, 0);
    sluice_set_callback(
        client(), from, [](sluice_stack*, int, int, void*) {}, nullptr);
    const sockaddr_in to = address("192.0.2.2", 80);
    sluice_connect(client(), from, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    passes(100);
    const int accepted = sluice_accept(server(), listener, nullptr, nullptr);
    worked += accepted >= 0 ? 1 : 0;
    worked += carries(from, accepted) ? 1 : 0;
    worked += datagram_arrives() ? 1 : 0;
    for (const int handle : {listener, accepted}) sluice_close(server(), handle);
    sluice_close(client(), from);
    passes(100'000);
    worked += connections() == 0 ? 1 : 0;
    return worked;
  }

 private:
  struct Packet {
    std::size_t length;
    std::array<std::uint8_t, 1500> bytes;
  };

  sluice_stack* client() const { return stacks_[0]; }
  sluice_stack* server() const { return stacks_[1]; }

  int bind(int handle, std::uint16_t port) {
    const sockaddr_in at = address("192.0.2.2", port);
    return sluice_bind(server(), handle, reinterpret_cast<const sockaddr*>(&at), sizeof at);
  }
  bool carries(int from, int to) {
    static constexpr std::array<std::uint8_t, 20'000> kText{1, 2, 3};
    static std::array<std::uint8_t, kText.size()> read;
    std::size_t sent = 0;
    std::size_t received = 0;
    for (int turn = 0; turn < 100 && received < kText.size(); ++turn) {
      const ssize_t taken =
          sluice_send(client(), from, kText.data() + sent, kText.size() - sent, 0);
      if (taken > 0) sent += static_cast<std::size_t>(taken);
      passes(50);
      const ssize_t got =
          sluice_recv(server(), to, read.data() + received, read.size() - received, 0);
      if (got > 0) received += static_cast<std::size_t>(got);
    }
    return received == kText.size() && read == kText;
  }
  bool datagram_arrives() {
    const int to = sluice_socket(server(), AF_INET, SOCK_DGRAM, 0);
    const int from = sluice_socket(client(), AF_INET, SOCK_DGRAM, 0);
    bind(to, 53);
    const sockaddr_in name = address("192.0.2.2", 53);
    std::array<char, 5000> text{};  // in fragments
    sluice_sendto(client(), from, text.data(), 2000, MSG_MORE,
                  reinterpret_cast<const sockaddr*>(&name), sizeof name);
    sluice_sendto(client(), from, text.data(), 3000, 0, reinterpret_cast<const sockaddr*>(&name),
                  sizeof name);
    passes(10);
    const ssize_t got = sluice_recv(server(), to, text.data(), text.size(), 0);
    sluice_close(server(), to);
    sluice_close(client(), from);
    return got == 5000;
  }
  std::uint32_t connections() const {
    sluice_stats stats{};
    stats.size = sizeof stats;
    sluice_stack_stats(client(), &stats);
    const std::uint32_t ours = stats.connections + stats.time_waits;
    sluice_stack_stats(server(), &stats);
    return ours + stats.connections + stats.time_waits;
  }

  void passes(std::uint64_t milliseconds) {
    const std::uint64_t end = now_ + milliseconds * kMillisecond;
    while (now_ < end) {
      carry(client(), server());
      carry(server(), client());
      const std::uint64_t next =
          std::min(sluice_next_deadline(client()), sluice_next_deadline(server()));
      now_ = std::min(end, std::max(now_ + kMillisecond, next));
      for (sluice_stack* const stack : stacks_) EXPECT_EQ(sluice_advance(stack, now_), 0);
    }
  }
  void carry(sluice_stack* from, sluice_stack* to) {
    while (true) {
      const ssize_t length = sluice_output(from, packet_.bytes.data(), packet_.bytes.size(), now_);
      EXPECT_TRUE(length >= 0 || length == -ENOMEM) << length;
      if (length <= 0) return;
      const int error =
          sluice_input(to, packet_.bytes.data(), static_cast<std::size_t>(length), now_);
      EXPECT_EQ(error, 0) << "a packet that finds no memory is lost, and that is no error";
    }
  }

  std::array<sluice_stack*, 2> stacks_{};
  std::uint64_t now_ = kMillisecond;
  Packet packet_{};
};

std::uint64_t allocations_of_a_play() {
  const std::uint64_t before = allocations.made;
  {
    Scene scene;
    EXPECT_EQ(scene.plays(), 4);
  }
  return allocations.made - before;
}

TEST(ScarceMemory, OneRefusalDoesNotLastWhereverItStrikes) {
  const std::uint64_t places = allocations_of_a_play();
  EXPECT_GT(places, 30U);
  const std::uint64_t before = allocations.live;
  for (std::uint64_t place = 0; place < places; ++place) {
    Scene first;
    {
      allocations.refuses_once = true;
      const MemoryRefused refused(place);
      first.plays();
      allocations.refuses_once = false;
    }
    if (!first.exists()) continue;
    EXPECT_EQ(first.plays(), 4) << "what failed at allocation " << place << " works the next time";
  }
  EXPECT_EQ(allocations.live, before);
}

TEST(ScarceMemory, WithoutAnyMoreTheStackLivesOn) {
  const std::uint64_t places = allocations_of_a_play();
  const std::uint64_t before = allocations.live;
  for (std::uint64_t place = 0; place < places; ++place) {
    Scene scene;
    {
      const MemoryRefused refused(place);
      scene.plays();
    }
    if (!scene.exists()) continue;
    EXPECT_EQ(scene.plays(), 4) << "once there is memory, after allocation " << place;
  }
  EXPECT_EQ(allocations.live, before);
}

TEST(ScarceMemory, NoStackIsMadeWithoutIt) {
  const std::uint64_t before = allocations.live;
  for (std::uint64_t place = 0; place < 40; ++place) {
    sluice_config config;
    sluice_config_init(&config, sizeof config, "linux");
    config.addresses = "192.0.2.1 192.0.2.2 2001:db8::1";
    config.seed = 1;
    sluice_stack* stack = nullptr;
    int error = 0;
    {
      const MemoryRefused refused(place);
      error = sluice_stack_create(&config, &stack);
    }
    EXPECT_EQ(error == 0, stack != nullptr);
    EXPECT_TRUE(error == 0 || error == -ENOMEM) << error;
    if (place == 0) {
      EXPECT_EQ(error, -ENOMEM);
    }
    sluice_stack_destroy(stack);
  }
  EXPECT_EQ(allocations.live, before);
}

}  // namespace
}  // namespace sluice::test

// Two stacks joined in memory, on virtual time, through the C interface.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "dataplane/sluice.h"

namespace sluice::test {

using PacketBytes = std::vector<std::uint8_t>;

inline constexpr std::uint64_t kMillisecond = 1'000'000;
inline constexpr std::uint64_t kSecond = 1'000 * kMillisecond;

inline sluice_config make_config(const char* addresses, const char* profile = "linux") {
  sluice_config config;
  EXPECT_EQ(sluice_config_init(&config, sizeof config, profile), 0);
  config.addresses = addresses;
  config.seed = 1;
  return config;
}

// A socket address by its text, with IPv4 ones mapped for a socket of AF_INET6.
class Address {
 public:
  Address() = default;
  Address(const char* text, std::uint16_t port) {
    if (std::strchr(text, ':') != nullptr) {
      sockaddr_in6 in{};
      in.sin6_family = AF_INET6;
      in.sin6_port = htons(port);
      EXPECT_EQ(inet_pton(AF_INET6, text, &in.sin6_addr), 1) << text;
      std::memcpy(&bytes_, &in, sizeof in);
      length = sizeof in;
    } else {
      sockaddr_in in{};
      in.sin_family = AF_INET;
      in.sin_port = htons(port);
      EXPECT_EQ(inet_pton(AF_INET, text, &in.sin_addr), 1) << text;
      std::memcpy(&bytes_, &in, sizeof in);
      length = sizeof in;
    }
  }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&bytes_); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes_); }
  // "192.0.2.1:80", "[::1]:80"
  std::string text() const {
    std::array<char, INET6_ADDRSTRLEN> name{};
    if (bytes_.ss_family == AF_INET6) {
      sockaddr_in6 in;
      std::memcpy(&in, &bytes_, sizeof in);
      inet_ntop(AF_INET6, &in.sin6_addr, name.data(), name.size());
      return "[" + std::string(name.data()) + "]:" + std::to_string(ntohs(in.sin6_port));
    }
    sockaddr_in in;
    std::memcpy(&in, &bytes_, sizeof in);
    inet_ntop(AF_INET, &in.sin_addr, name.data(), name.size());
    return std::string(name.data()) + ":" + std::to_string(ntohs(in.sin_port));
  }
  std::uint16_t port() const {
    sockaddr_in in;
    std::memcpy(&in, &bytes_, sizeof in);
    return ntohs(in.sin_port);
  }

  socklen_t length = sizeof(sockaddr_storage);

 private:
  sockaddr_storage bytes_{};
};

// A stack, and its calls without the words that are always the same.
class Host {
 public:
  explicit Host(const sluice_config& config) {
    EXPECT_EQ(sluice_stack_create(&config, &stack_), 0) << sluice_config_problem(&config);
  }
  ~Host() { sluice_stack_destroy(stack_); }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  sluice_stack* get() const { return stack_; }

  int socket(int domain = AF_INET, int type = SOCK_STREAM) {
    return sluice_socket(stack_, domain, type, 0);
  }
  int bind(int handle, const Address& to) {
    return sluice_bind(stack_, handle, to.get(), to.length);
  }
  int listen(int handle, int backlog = 16) { return sluice_listen(stack_, handle, backlog); }
  int accept(int handle) { return sluice_accept(stack_, handle, nullptr, nullptr); }
  int connect(int handle, const Address& to) {
    return sluice_connect(stack_, handle, to.get(), to.length);
  }
  ssize_t send(int handle, const std::string& text, int flags = 0) {
    return sluice_send(stack_, handle, text.data(), text.size(), flags);
  }
  // What was read; the error, negative, or the count goes to `result`.
  std::string recv(int handle, std::size_t most = 65'536, int flags = 0) {
    std::string text(most, 0);
    result = sluice_recv(stack_, handle, text.data(), most, flags);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(result, 0)));
    return text;
  }
  int shutdown(int handle, int how) { return sluice_shutdown(stack_, handle, how); }
  int close(int handle) { return sluice_close(stack_, handle); }
  int ready(int handle) { return sluice_ready(stack_, handle); }
  std::string local_name(int handle) { return name(handle, sluice_getsockname); }
  std::string peer_name(int handle) { return name(handle, sluice_getpeername); }
  int set(int handle, int level, int option, int value) {
    return sluice_setsockopt(stack_, handle, level, option, &value, sizeof value);
  }
  // The value, or the error.
  int get(int handle, int level, int option) {
    int value = 0;
    socklen_t length = sizeof value;
    const int error = sluice_getsockopt(stack_, handle, level, option, &value, &length);
    return error != 0 ? error : value;
  }
  int error(int handle) { return get(handle, SOL_SOCKET, SO_ERROR); }

  void input(const PacketBytes& packet, std::uint64_t now) {
    EXPECT_EQ(sluice_input(stack_, packet.data(), packet.size(), now), 0);
  }
  std::vector<PacketBytes> output(std::uint64_t now) {
    std::vector<PacketBytes> all;
    PacketBytes packet(65'535);
    while (true) {
      const ssize_t length = sluice_output(stack_, packet.data(), packet.size(), now);
      EXPECT_GE(length, 0);
      if (length <= 0) return all;
      all.emplace_back(packet.begin(), packet.begin() + length);
    }
  }

  ssize_t result = 0;

 private:
  template <class Call>
  std::string name(int handle, Call call) {
    Address address;
    result = call(stack_, handle, address.get(), &address.length);
    return result == 0 ? address.text() : std::string();
  }

  sluice_stack* stack_ = nullptr;
};

class TwoStacks : public ::testing::Test {
 protected:
  static constexpr const char* kClient = "192.0.2.1";
  static constexpr const char* kServer = "198.51.100.2";
  static constexpr const char* kClientV6 = "2001:db8::1";
  static constexpr const char* kServerV6 = "2001:db8:1::2";
  static constexpr std::uint64_t kDelay = 5 * kMillisecond;  // one way

  explicit TwoStacks(const char* profile = "linux")
      : client(make_config("192.0.2.1 2001:db8::1", profile)),
        server(make_config("198.51.100.2 2001:db8:1::2", profile)) {}

  static Address server_at(std::uint16_t port) { return {kServer, port}; }

  // Lets time pass, packets travel and timers fire.
  void passes(std::uint64_t time) {
    const std::uint64_t end = now + time;
    carry();
    while (true) {
      const std::uint64_t next = std::min(next_arrival(), next_timer());
      if (next > end) break;
      now = std::max(now, next);
      deliver();
      sluice_advance(client.get(), now);
      sluice_advance(server.get(), now);
      carry();
    }
    now = end;
  }
  // Long enough for what is under way.
  void settles() { passes(100 * kMillisecond); }

  // A connection from the client; returns both ends.
  struct Ends {
    int client;
    int server;
  };
  Ends open(std::uint16_t port = 80) {
    const int listener = server.socket();
    EXPECT_EQ(server.set(listener, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    EXPECT_EQ(server.bind(listener, server_at(port)), 0);
    EXPECT_EQ(server.listen(listener), 0);
    const int from = client.socket();
    EXPECT_EQ(client.connect(from, server_at(port)), -EINPROGRESS);
    settles();
    const int to = server.accept(listener);
    EXPECT_GE(to, 0);
    EXPECT_EQ(client.connect(from, server_at(port)), 0);
    EXPECT_EQ(server.close(listener), 0);
    return {from, to};
  }

  std::uint64_t now = 1000 * kSecond;
  Host client;
  Host server;
  // What passes is dropped when this says so.
  std::function<bool(bool from_client, const PacketBytes&)> loses;

 private:
  struct Flying {
    std::uint64_t arrives;
    bool from_client;
    PacketBytes packet;
  };

  void carry() {
    for (const bool from_client : {true, false}) {
      for (PacketBytes& packet : (from_client ? client : server).output(now)) {
        if (loses && loses(from_client, packet)) continue;
        flying_.push_back({now + kDelay, from_client, std::move(packet)});
      }
    }
  }
  void deliver() {
    while (!flying_.empty() && flying_.front().arrives <= now) {
      const Flying first = std::move(flying_.front());
      flying_.erase(flying_.begin());
      (first.from_client ? server : client).input(first.packet, now);
    }
  }
  std::uint64_t next_arrival() const {
    return flying_.empty() ? UINT64_MAX : flying_.front().arrives;
  }
  std::uint64_t next_timer() const {
    return std::min(sluice_next_deadline(client.get()), sluice_next_deadline(server.get()));
  }

  std::vector<Flying> flying_;
};

}  // namespace sluice::test

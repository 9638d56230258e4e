// An engine in a network namespace of its own, the kernel's sockets as its peers.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/engine.hpp"
#include "tests/dataplane/engine/kernel_tcp.hpp"
#include "tests/dataplane/io/private_network.hpp"

namespace sluice {

inline constexpr const char* kEngineSide = "10.0.5.101";
inline constexpr const char* kKernelSide = "10.0.5.100";

// Waits until `done`, looking again and again; false when that takes more than ten seconds.
inline bool comes_true(const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

inline std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// A value that one thread sets and another waits for.
template <typename Value>
class Told {
 public:
  void tell(Value value) {
    const std::lock_guard guard(guard_);
    values_.push_back(std::move(value));
    came_.notify_all();
  }
  // The `count`-th value told; a default one after ten seconds.
  Value wait(std::size_t count = 1) {
    std::unique_lock guard(guard_);
    const bool came =
        came_.wait_for(guard, std::chrono::seconds(10), [&] { return values_.size() >= count; });
    return came ? values_[count - 1] : Value();
  }
  std::size_t count() {
    const std::lock_guard guard(guard_);
    return values_.size();
  }

 private:
  std::mutex guard_;
  std::condition_variable came_;
  std::vector<Value> values_;
};

class EchoEvents : public StreamEvents {
 public:
  void on_readable(Stream& stream) override {
    while (stream.send_space() > 0) {
      Slice bytes = stream.read(stream.send_space());
      if (bytes.empty()) return;
      stream.send(std::move(bytes));
    }
  }
  void on_writable(Stream& stream) override { on_readable(stream); }
  void on_peer_closed(Stream& stream) override { stream.close(); }
};

// Sends `bytes` as space allows, keeps what comes, and tells what happens.
class TalkingEvents : public StreamEvents {
 public:
  explicit TalkingEvents(ByteVector bytes = {}) : bytes_(std::move(bytes)) {}

  void on_open(Stream& stream) override {
    on_writable(stream);
    opened.tell(stream.id());
  }
  void on_writable(Stream& stream) override {
    const Bytes rest = Bytes(bytes_).subspan(sent_);
    sent_ += stream.send(rest);
    if (sent_ == bytes_.size() && closes_when_sent) stream.shutdown_send();
  }
  void on_readable(Stream& stream) override {
    for (Slice part = stream.read(); !part.empty(); part = stream.read()) {
      received_.insert(received_.end(), part.data(), part.data() + part.size());
    }
  }
  void on_peer_closed(Stream& stream) override {
    received.tell(received_);
    stream.close();
  }
  void on_closed(Stream&, CloseReason reason) override { closed.tell(reason); }
  void on_connect_failed(std::string_view why) override { failed.tell(std::string(why)); }

  bool closes_when_sent = false;
  Told<StreamId> opened;
  Told<ByteVector> received;  // all of it, at the peer's FIN
  Told<CloseReason> closed;
  Told<std::string> failed;

 private:
  ByteVector bytes_;
  std::size_t sent_ = 0;
  ByteVector received_;
};

class EngineTest : public io::PrivateNetwork {
 protected:
  // A small engine that stops quickly.
  static Config small_config() {
    Config config;
    config.max_connections = 256;
    config.max_time_waits = 256;
    config.frames = 128;
    config.frames_in_ring = 16;
    config.blocks = 1024;
    config.slice_nodes = 8192;
    config.tx_slots = 64;
    config.drain_timeout = Duration::milliseconds(500);
    return config;
  }

  static Acceptor always(StreamEvents& events) {
    return [&events](Stream&) { return &events; };
  }
  static Listener serve(Engine& engine, std::uint16_t port, StreamEvents& events) {
    return engine.listen({.address = {}, .port = port}, always(events));
  }

  // What `action` has to say to a person.
  static std::string error_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const EngineError& error) {
      return error.what();
    }
    return "(no error)";
  }

  static testing::AssertionResult echoes(const char* address, std::uint16_t port,
                                         std::size_t bytes = 100'000) {
    KernelTcp client(address, port);
    if (client.error() != 0) {
      return testing::AssertionFailure() << "connect: " << std::strerror(client.error());
    }
    const ByteVector sent = pattern_bytes(bytes);
    std::thread sender([&] {
      client.send_all(sent);
      client.shutdown_send();
    });
    KernelTcp& reader = client;
    const ByteVector echoed = reader.receive(bytes);
    sender.join();
    if (echoed != sent) return testing::AssertionFailure() << "echoed " << echoed.size();
    return client.is_at_end() ? testing::AssertionSuccess()
                              : testing::AssertionFailure() << "no FIN after the echo";
  }
};

}  // namespace sluice

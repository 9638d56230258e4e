// What must hold whatever the network does. Each rule is an object; the simulation tells it what
// happens, and it tells the verdict what is wrong.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/base/bytes.hpp"
#include "proto/base/time.hpp"
#include "tests/sim/verdict.hpp"

namespace sluice::sim {

class Host;

// Writes the bytes of a stream from `position` on: what both ends of a direction know.
void fill_pattern(std::uint64_t seed, std::uint64_t position, MutableBytes out);

// Each byte that arrives is the one that the sender's generator has at that position.
class ByteStream {
 public:
  ByteStream(std::uint64_t seed, std::string name, Verdict& verdict)
      : seed_(seed), name_(std::move(name)), verdict_(verdict) {}

  void on_received(Bytes bytes);
  // The receiver has seen the end of the stream, or was told that all is well.
  void on_end(std::uint64_t wanted);
  std::uint64_t received() const { return received_; }

 private:
  std::uint64_t seed_;
  std::string name_;
  Verdict& verdict_;
  std::uint64_t received_ = 0;
};

// Every frame, block, node and slot is back where it came from.
class Homecoming {
 public:
  explicit Homecoming(Verdict& verdict) : verdict_(verdict) {}
  void check(const Host& host, const std::string& name);

 private:
  void expect(const std::string& name, const char* what, std::uint64_t home, std::uint64_t all);
  Verdict& verdict_;
};

// Once faults have stopped, all flows end within `limit`; and no host turns without doing a thing.
class Progress {
 public:
  Progress(Instant deadline, Verdict& verdict) : deadline_(deadline), verdict_(verdict) {}

  void on_turn(bool moved_packets, Instant now);
  // False when it is too late for what is left.
  bool check(Instant now, std::uint64_t flows_left, const std::string& example);
  Instant deadline() const { return deadline_; }

 private:
  static constexpr std::uint64_t kMaxIdleTurns = 50'000;  // in one second
  Instant deadline_;
  Verdict& verdict_;
  std::uint64_t idle_turns_ = 0;
  Instant idle_since_;
};

}  // namespace sluice::sim

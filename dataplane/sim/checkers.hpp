// What must hold whatever the network does. Each rule is an object; the simulation tells it what
// happens, and it tells the verdict what is wrong.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/sim/verdict.hpp"
#include "proto/base/bytes.hpp"
#include "proto/base/time.hpp"

namespace sluice::sim {

class Core;

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
  void check(const Core& core, const std::string& name);

 private:
  void expect(const std::string& name, const char* what, std::uint64_t home, std::uint64_t all);
  Verdict& verdict_;
};

// Once faults have stopped, no more than `patience` passes without a byte for some application,
// until all flows have ended; and no host turns without doing a thing.
class Progress {
 public:
  Progress(Instant faults_until, Duration patience, Verdict& verdict)
      : patience_(patience), deadline_(faults_until + patience), verdict_(verdict) {}

  void on_turn(bool moved_packets, Instant now);
  // An application has been given bytes.
  void on_bytes(Instant now) { deadline_ = std::max(deadline_, now + patience_); }
  // False when it is too late for what is left.
  bool check(Instant now, std::uint64_t flows_left, const std::string& example);
  Instant deadline() const { return deadline_; }

 private:
  static constexpr std::uint64_t kMaxIdleTurns = 50'000;  // in one second
  Duration patience_;
  Instant deadline_;
  Verdict& verdict_;
  std::uint64_t idle_turns_ = 0;
  Instant idle_since_;
};

// Flows that compete get about the same: Jain's index of their rates stays above `least`.
class Fairness {
 public:
  Fairness(double least, Verdict& verdict) : least_(least), verdict_(verdict) {}
  void check(const std::vector<double>& rates);
  // (sum x)^2 / (n * sum x^2): 1 for equal shares, 1/n when one flow has all.
  static double index(const std::vector<double>& rates);

 private:
  double least_;
  Verdict& verdict_;
};

}  // namespace sluice::sim

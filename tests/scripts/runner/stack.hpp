// The stack under test, through sluice.h alone, and its virtual time.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "dataplane/sluice.h"
#include "proto/base/time.hpp"
#include "tests/scripts/runner/codec.hpp"

namespace sluice::script {

class Stack {
 public:
  // Throws std::runtime_error.
  explicit Stack(const sluice_config& config);

  sluice_stack* get() const { return stack_.get(); }

  // Since the script began.
  Duration now() const { return now_; }

  void input(Bytes packet);

  // Lets time pass up to the next deadline, or to `limit` when none comes before; false: it is
  // `limit`. Throws std::runtime_error when the deadlines do not move.
  bool step(Duration limit);

  // What the stack has put out and nobody has taken. Looks for more of it first.
  struct Output {
    Duration time;
    Octets packet;
  };
  const Output* front();
  Output take_front();

 private:
  struct Destroy {
    void operator()(sluice_stack* stack) const { sluice_stack_destroy(stack); }
  };

  std::uint64_t clock() const;
  void collect();
  std::optional<Duration> next_deadline() const;

  std::unique_ptr<sluice_stack, Destroy> stack_;
  Duration now_;
  int still_steps_ = 0;  // in a row, in which time did not pass
  std::deque<Output> outputs_;
  Octets buffer_;
};

}  // namespace sluice::script

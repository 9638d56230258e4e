// How something that was awaited went: errors are values here, as the ways in which a connection
// can end are no exceptions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "dataplane/stream.hpp"

namespace sluice::co {

enum class Outcome : std::uint8_t {
  ok,
  end,          // the peer will send no more, and everything before that has been read
  closed,       // here: nothing can be sent any more, or the stream was let go
  refused,      // connect: by the peer
  unreachable,  // connect: no way to the peer
  unavailable,  // connect could not even begin: no address, port or memory
  reset,        // by the peer
  timed_out,    // the connection: the peer does not answer any more
  aborted,      // the connection: by abort()
  timeout,      // within() is over
  cancelled,    // unless() was
  stopped,      // the engine stops
  busy,         // another task waits for the same
};

std::string_view outcome_name(Outcome outcome);
// Of a stream that has ended; `ok` while it has not.
Outcome outcome_of(CloseReason reason);

// What came of it: a value when that is ok. T has its move constructor.
template <class T = void>
class [[nodiscard]] Result {
 public:
  Result(Outcome outcome) : outcome_(outcome) {}  // not ok
  Result(T value) : outcome_(Outcome::ok), value_(std::move(value)) {}

  explicit operator bool() const { return outcome_ == Outcome::ok; }
  Outcome outcome() const { return outcome_; }
  // When ok. NOLINTBEGIN(bugprone-unchecked-optional-access)
  T& operator*() & { return *value_; }
  T&& operator*() && { return std::move(*value_); }
  T* operator->() { return &*value_; }
  // NOLINTEND(bugprone-unchecked-optional-access)

 private:
  Outcome outcome_;
  std::optional<T> value_;
};

template <>
class Result<void> {  // may be ignored: the next wait for a stream that has ended says so as well
 public:
  Result(Outcome outcome) : outcome_(outcome) {}
  explicit operator bool() const { return outcome_ == Outcome::ok; }
  Outcome outcome() const { return outcome_; }

 private:
  Outcome outcome_;
};

}  // namespace sluice::co

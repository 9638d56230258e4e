// What ends a test before its time: the first failure counts, whoever sees it.
#pragma once

#include <optional>

#include "dataplane/coroutine.hpp"
#include "tools/sluice/perf/test_failure.hpp"

namespace sluice::perf {

// Belongs to the core of the control connection.
class FailureWatch {
 public:
  // Wakes those that wait with .unless(failed()).
  void fail(TestFailure failure);
  // Fails so unless it is called off, or limited anew, before.
  void limit(Duration duration, ErrorCode code, int system_errno = 0);
  void call_off() { expiry_.reset(); }

  co::Canceller& failed() { return failed_; }
  const std::optional<TestFailure>& failure() const { return failure_; }
  // Throws the failure, if there is one.
  void check() const;

 private:
  co::Task<> expire(Duration duration, ErrorCode code, int system_errno);

  co::Canceller failed_;
  std::optional<TestFailure> failure_;
  std::optional<co::Task<>> expiry_;
};

}  // namespace sluice::perf

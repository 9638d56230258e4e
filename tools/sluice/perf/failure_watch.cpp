#include "tools/sluice/perf/failure_watch.hpp"

#include <utility>

namespace sluice::perf {

void FailureWatch::fail(TestFailure failure) {
  if (failure_) return;
  failure_ = std::move(failure);
  failed_.cancel();
}

void FailureWatch::limit(Duration duration, ErrorCode code, int system_errno) {
  expiry_.emplace(expire(duration, code, system_errno));
  expiry_->start();
}

void FailureWatch::check() const {
  if (failure_) throw *failure_;
}

co::Task<> FailureWatch::expire(Duration duration, ErrorCode code, int system_errno) {
  const auto slept = co_await co::sleep(duration);
  if (slept) fail(TestFailure(code, system_errno));
}

}  // namespace sluice::perf

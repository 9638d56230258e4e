// Where checkers report. The first complaint is kept: what follows it is mostly its echo.
#pragma once

#include <string>

namespace sluice::sim {

class Verdict {
 public:
  void fail(std::string what) {
    if (failure_.empty()) failure_ = std::move(what);
  }
  bool failed() const { return !failure_.empty(); }
  const std::string& failure() const { return failure_; }

 private:
  std::string failure_;
};

}  // namespace sluice::sim

// Why a test came to nothing: thrown by a session's tasks, and told to people and to the peer.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "tools/sluice/perf/error_text.hpp"

namespace sluice::perf {

class TestFailure : public std::exception {
 public:
  explicit TestFailure(ErrorCode code, int system_errno = 0)
      : code_(code), errno_(system_errno), text_("error - " + error_text(code, system_errno)) {}
  // In other words than the code's.
  TestFailure(ErrorCode code, std::string text) : code_(code), text_(std::move(text)) {}

  ErrorCode code() const { return code_; }
  int system_errno() const { return errno_; }
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  ErrorCode code_;
  int errno_ = 0;
  std::string text_;
};

}  // namespace sluice::perf

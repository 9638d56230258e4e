#include "proto/base/assert.hpp"

#include <cstdlib>

namespace sluice {
namespace {
AssertionReporter current_reporter = nullptr;
}  // namespace

void set_assertion_reporter(AssertionReporter reporter) {
  current_reporter = reporter;
}

void assertion_failed(const char* expression, const char* file, int line) {
  if (current_reporter != nullptr) current_reporter(expression, file, line);
  std::abort();
}

}  // namespace sluice

// Assertions, on in every build. They guard against our own mistakes: input from the network can
// never trip one, because it is parsed, counted and dropped before it reaches a state machine.
#pragma once

namespace sluice {

// Called with what failed just before the process aborts. May not return to the program.
using AssertionReporter = void (*)(const char* expression, const char* file, int line);

// Installs the reporter (the engine's writes one line to stderr). Set it before threads start.
void set_assertion_reporter(AssertionReporter reporter);

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace sluice

#define SLUICE_ASSERT(expression)                                  \
  do {                                                             \
    if (!(expression)) [[unlikely]]                                \
      ::sluice::assertion_failed(#expression, __FILE__, __LINE__); \
  } while (false)

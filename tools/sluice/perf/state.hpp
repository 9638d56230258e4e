// What the two sides of a test tell each other, a byte at a time.
#pragma once

#include <cstdint>

namespace sluice::perf {

// A peer may send any other value, too.
enum class State : std::int8_t {
  test_start = 1,         // server: all streams are up
  test_running = 2,       // server: may be in flight, from now on
  test_end = 4,           // client: enough
  param_exchange = 9,     // server: send parameters
  create_streams = 10,    // server: open streams
  server_terminate = 11,  // interrupted
  client_terminate = 12,  // interrupted
  exchange_results = 13,  // server: send your results
  display_results = 14,   // server: here were mine
  iperf_done = 16,        // client
  access_denied = -1,     // server: busy; or the cookie of a stream is not the test's
  server_error = -2,      // server: two integers follow
};

}  // namespace sluice::perf

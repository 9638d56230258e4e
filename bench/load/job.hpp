// What a client does to the system under test, again and again until the time is over.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/sockets.hpp"

namespace sluice::load {

// Grows from the start of a job. "In" is into the system under test, "out" is out of it.
struct Tally {
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t operations = 0;  // requests answered, or connections used and closed
};

class Job {
 public:
  virtual ~Job() = default;
  // Waits until some sockets are ready and serves each of them once. Throws std::runtime_error when
  // a connection ends, or when nothing moves for kPatienceMs.
  virtual void turn() = 0;
  virtual const Tally& tally() const = 0;
  // How long each operation since the last call took, in nanoseconds; empty for bulk.
  virtual std::vector<std::uint32_t> take_latencies() { return {}; }
};

struct JobOptions {
  Target target;
  std::uint32_t connections = 1;
  std::string congestion;
};

enum class Direction : std::uint8_t { in, out, both };

// `connections` each way, as fast as they go. `out` reads what port 19 sends, `in` fills port 5001.
std::unique_ptr<Job> make_bulk(const JobOptions& options, Direction direction);

// One byte to port 7 and back, one outstanding on each connection.
std::unique_ptr<Job> make_request(const JobOptions& options);

// Connect to port 7, one byte there and back, close: `connections` at a time. The client closes
// first and keeps the TIME-WAIT, so connections go round the addresses of the target.
std::unique_ptr<Job> make_connect(const JobOptions& options);

}  // namespace sluice::load

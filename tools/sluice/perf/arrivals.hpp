// The connections of a test that has not begun, each on its own core, until all are there.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dataplane/coroutine.hpp"
#include "tools/sluice/perf/flag.hpp"

namespace sluice::perf {

// A connection that waits for what becomes of it. Touched on its core only, once it has arrived.
struct Admission {
  Flag decided;
  int place = -1;  // then: its rank among the test's streams; -1: there is no test any more
};

struct Arrival {
  std::uint32_t worker = 0;
  Instant began;  // when its SYN came
  FlowKey flow;
  std::uint32_t mss = 0;  // TCP only, as is what follows
  std::uint32_t send_buffer = 0;
  std::uint32_t receive_buffer = 0;
  std::string congestion;
  std::shared_ptr<Admission> admission;  // null: of UDP
};

Arrival arrival_of(const Stream& stream, std::shared_ptr<Admission> admission);
Arrival arrival_of(const FlowKey& datagrams);

// Calls come from any thread.
class Arrivals {
 public:
  // False: there is no room for one more, as all that were expected are there.
  enum class Taken : std::uint8_t { refused, taken, was_last };
  void expect(std::size_t count);
  Taken add(Arrival arrival);
  bool has(const FlowKey& flow) const;
  // In the order in which the client has opened them, whatever core was the first to say so: it
  // begins one after it has our SYN-ACK for the one before. No more arrive.
  std::vector<Arrival> take();

 private:
  mutable std::mutex guard_;
  std::size_t expected_ = 0;
  std::vector<Arrival> all_;
};

}  // namespace sluice::perf

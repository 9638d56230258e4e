// --trace FILE: a line of JSON for each flow and sample. Cores hand over values; a thread of its
// own formats and writes them.
//
//     {"t":1.002311,"id":1,"cwnd":289600,"ssthresh":null,"in_flight":217200,"srtt":83,"rttvar":21,
//      "pacing_rate":0,"delivery_rate":1562500000,"retransmits":0,"rwnd":3145728,"rcv_wnd":65536,
//      "state":"ESTABLISHED","recovery":"open"}
//
// t             seconds since begin()
// id            of the stream, as in the results: 1, 3, 4, ...
// cwnd          congestion window, bytes
// ssthresh      slow start threshold, bytes; null: none yet
// in_flight     bytes sent, and neither known to have arrived nor taken for lost
// srtt, rttvar  smoothed RTT and its variation, microseconds
// pacing_rate   bytes a second; 0: not paced
// delivery_rate bytes a second, as last measured
// retransmits   segments since the stream was opened
// rwnd          receive window that the peer offers, bytes (RFC 5681)
// rcv_wnd       receive window that this side offers, bytes
// state         of the connection, as RFC 9293 names it
// recovery      what loss recovery does: open, disorder, cwr, recovery or loss, as Linux names it
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "proto/base/time.hpp"
#include "proto/tcp/snapshot.hpp"

namespace sluice::perf {

struct TraceSample {
  int id = 0;  // of the stream
  Instant at;
  std::uint32_t in_flight = 0;  // bytes
  tcp::Snapshot tcp;
};

// As in the file, without the line's end. `begin`: of which t is counted.
std::string trace_line(const TraceSample& sample, Instant begin);

class Trace {
 public:
  // Opens `file`, emptied. Throws std::runtime_error, one line that names it.
  explicit Trace(const std::string& file);
  ~Trace();  // finishes
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  // Of which times in the file are counted. Before the first add().
  void begin(Instant now);
  // From any thread; never waits, and never fails. What the writer cannot keep up with, or what
  // does not get into the file, is dropped and counted.
  void add(const TraceSample& sample);
  // Writes what is left, and closes. Says in one line what the file lacks; empty: nothing. After
  // the last add().
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::perf

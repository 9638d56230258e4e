// Counts a test's streams while it runs: interval by interval, and as a whole.
#pragma once

#include <vector>

#include "tools/sluice/perf/cpu_clock.hpp"
#include "tools/sluice/perf/flow_group.hpp"
#include "tools/sluice/perf/report.hpp"

namespace sluice::perf {

class Meter {
 public:
  // All outlive it. `flows` have been started.
  Meter(FlowGroup& flows, Report& report, const Parameters& parameters, const StartFacts& start);

  // Reports an interval whenever one is over. Goes on until the test's time is up, or end() was
  // called; for ever when neither comes. `omitted`: so long before counting begins, if the
  // parameters have it.
  co::Task<> run(Duration omitted);
  void end() { ended_.cancel(); }
  // Stops the streams and reports the last interval, once. run() has ended, or was destroyed.
  co::Task<> finish();

  // After finish().
  EndFacts facts() const;
  Results results() const;  // for the peer

 private:
  co::Task<bool> run_phase(Duration length);
  co::Task<> take_interval();
  void report_interval(std::vector<FlowCount> counts);
  void begin_phase(bool omitted, std::vector<FlowCount> base);
  double since_start(Instant instant) const;

  FlowGroup& flows_;
  Report& report_;
  const Parameters& parameters_;
  const StartFacts& test_;
  Duration interval_;
  CpuClock cpu_;
  co::Canceller ended_;
  bool omitted_ = false;
  bool is_finished_ = false;
  Instant start_;  // of the phase: the omitted seconds, or those that count
  Instant last_;   // count
  Duration measured_;
  CpuUse used_;
  std::vector<FlowCount> base_;
  std::vector<FlowCount> counts_;  // the last ones
  std::vector<EndFacts::Extremes> extremes_;
};

}  // namespace sluice::perf

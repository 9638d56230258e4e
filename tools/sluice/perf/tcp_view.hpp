// How TCP itself sees a stream: sampled while it runs, and kept when its connection is gone.
#pragma once

#include <cstdint>

#include "dataplane/stream.hpp"
#include "tools/sluice/perf/facts.hpp"
#include "tools/sluice/perf/rtt_histogram.hpp"

namespace sluice::perf {

class TcpView {
 public:
  // Now and then. Cheap.
  void sample(const Stream& stream);
  // Once for each count.
  void look(const Stream& stream);

  const TcpFacts& facts() const { return facts_; }
  // The smoothed RTTs that were sampled since this was asked last.
  RttHistogram take_rtts();
  EndFacts::Extremes extremes() const;

 private:
  TcpFacts facts_;  // of the last look
  RttHistogram rtts_;
  EndFacts::Extremes extremes_;  // without the mean
  std::uint64_t rtt_samples_ = 0;
  std::uint64_t rtt_sum_ = 0;  // microseconds
};

}  // namespace sluice::perf

// What the counts of a test amount to: differences, rates, percentages, and sums by direction. All
// forms of a report print these.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/sluice/perf/facts.hpp"

namespace sluice::perf {

struct Traffic {
  double seconds = 0;
  std::uint64_t bytes = 0;

  double bytes_per_second() const;
};

// One stream in one interval; or all of a direction.
struct IntervalLine {
  const FlowFacts* flow = nullptr;  // null: the sum
  Traffic traffic;
  std::int64_t packets = 0;
  std::int64_t lost = 0;
  double jitter_seconds = 0;    // of a sum: the mean
  std::optional<TcpFacts> tcp;  // retransmits: of this interval, and all that a sum has
  RttHistogram rtt;

  double lost_percent() const;
};

struct IntervalDirection {
  bool sends = false;  // this side
  std::vector<IntervalLine> flows;
  IntervalLine sum;
};

struct IntervalTally {
  double start = 0;  // as in IntervalFacts
  double end = 0;
  bool omitted = false;
  std::vector<IntervalDirection> directions;  // in the order in which they are printed
};

// One stream in the whole test; or all of a direction. What a peer would have to tell is zero until
// it has.
struct EndLine {
  const FlowFacts* flow = nullptr;  // null: the sum
  Traffic sent;
  Traffic received;
  std::optional<std::uint64_t> retransmits;  // where the sender knows them
  EndFacts::Extremes extremes;
  std::int64_t packets_sent = 0;
  std::int64_t packets_received = 0;
  std::int64_t packets = 0;  // sent, or else received
  std::int64_t lost = 0;
  std::int64_t out_of_order = 0;
  double jitter_seconds = 0;  // of a sum: the mean
};

// What the streams of one congestion control have sent.
struct AlgorithmLine {
  std::string congestion;
  std::uint32_t streams = 0;
  Traffic sent;
  std::uint64_t retransmits = 0;
  double share_percent = 0;  // of the bytes of its direction
};

struct EndDirection {
  bool sends = false;  // this side
  std::vector<EndLine> flows;
  EndLine sum;
  std::string sender_congestion;  // empty: not known, or UDP
  std::string receiver_congestion;
  std::vector<AlgorithmLine> algorithms;  // empty unless there are several
};

struct EndTally {
  bool knows_retransmits = false;
  CpuUse host;
  CpuUse remote;
  std::vector<EndDirection> directions;  // in the order in which they are printed
};

// `flows` outlives what comes of it.
IntervalTally tally(Role role, const std::vector<FlowFacts>& flows, const IntervalFacts& interval);
EndTally tally(Role role, const std::vector<FlowFacts>& flows, const EndFacts& end);

// Very short ones without a byte are not worth a line; which happens at the end of a test.
bool is_worth_telling(const IntervalTally& interval, double interval_seconds);

}  // namespace sluice::perf

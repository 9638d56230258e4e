// The rows of a text report, and the headers above them, without line ends.
#pragma once

#include <string>
#include <string_view>

#include "tools/sluice/perf/facts.hpp"
#include "tools/sluice/perf/tally.hpp"

namespace sluice::perf {

class TextRows {
 public:
  // `unit` is that of rates: see rate_text().
  TextRows(Role role, const Parameters& parameters, char unit);

  // One for both directions: the sender's, where this side sends.
  std::string interval_header() const;
  std::string interval_row(const IntervalTally& interval, bool sends,
                           const IntervalLine& line) const;

  std::string end_header(bool knows_retransmits) const;
  std::string sender_row(bool sends, const EndLine& line) const;
  std::string receiver_row(bool sends, const EndLine& line) const;
  std::string out_of_order_row(bool sends, const EndLine& line) const;

  static std::string algorithm_header();
  std::string algorithm_row(const AlgorithmLine& line) const;

 private:
  std::string header(std::string_view columns) const;
  std::string role_text(bool sends) const;
  std::string traffic_text(const Traffic& traffic) const;
  std::string row(const FlowFacts* flow, bool sends, double start, double end,
                  const Traffic& traffic) const;
  std::string interval_columns(bool sends, const IntervalLine& line) const;

  char role_;  // C or S
  bool tcp_;
  bool both_ways_;
  bool sends_;  // this side, on any stream
  char unit_;
};

}  // namespace sluice::perf

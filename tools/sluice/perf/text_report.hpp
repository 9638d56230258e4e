// A test in lines and columns, as iperf3 3.12 prints them; with the round trips of each interval
// beside Cwnd, and congestion controls side by side where there are several.
#pragma once

#include <memory>

#include "tools/sluice/perf/report.hpp"

namespace sluice::perf {

std::unique_ptr<Report> make_text_report(const ReportOptions& options, Sink sink, Sink errors);

}  // namespace sluice::perf

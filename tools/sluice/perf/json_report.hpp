// A test as iperf3 3.12's JSON document, with the same keys in the same order. What iperf3 has not
// is in objects called "sluice".
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "tools/sluice/perf/report.hpp"

namespace sluice::perf {

// One document, when all is said.
std::unique_ptr<Report> make_json_report(Sink sink);
// A line for each part as soon as it is known: {"event":"interval","data":{...}}. As from 3.17 on.
std::unique_ptr<Report> make_json_stream_report(Sink sink);

// Indented, as -J prints it.
std::string document_text(const nlohmann::ordered_json& document);

}  // namespace sluice::perf

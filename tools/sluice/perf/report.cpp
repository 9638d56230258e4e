#include "tools/sluice/perf/report.hpp"

#include <utility>

#include "tools/sluice/perf/json_report.hpp"
#include "tools/sluice/perf/text_report.hpp"

namespace sluice::perf {

std::unique_ptr<Report> make_report(const ReportOptions& options, Sink sink, Sink errors) {
  switch (options.form) {
    case ReportOptions::Form::json: return make_json_report(std::move(sink));
    case ReportOptions::Form::json_stream: return make_json_stream_report(std::move(sink));
    case ReportOptions::Form::text: break;
  }
  return make_text_report(options, std::move(sink), std::move(errors));
}

}  // namespace sluice::perf

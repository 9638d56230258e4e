// Who tells people, or programs, about a test. One object for one test; called on one core at a
// time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "tools/sluice/perf/facts.hpp"

namespace sluice::perf {

// Takes what is to be printed, line ends included.
using Sink = std::function<void(std::string_view)>;

struct ReportOptions {
  enum class Form : std::uint8_t { text, json, json_stream };
  Form form = Form::text;
  char unit = 'a';  // of -f: k m g t K M G T, or a: adaptive
  bool verbose = false;
  bool timestamps = false;
  std::string timestamp_format = "%c ";  // of strftime
  bool forces_flush = false;
};

class Report {
 public:
  virtual ~Report() = default;

  // Before anything is known; on a server, before it listens.
  virtual void on_begin(Role role) = 0;
  // Parameters are exchanged.
  virtual void on_connected(const ConnectFacts& connection) = 0;
  // All streams are up, TEST_RUNNING.
  virtual void on_start(const StartFacts& start) = 0;
  virtual void on_interval(const IntervalFacts& interval) = 0;
  // The last thing of a test that ended well, or was interrupted after on_start(). A server calls
  // it before results are exchanged, which go without the peer's.
  virtual void on_end(const EndFacts& end) = 0;
  // "error - unable to connect to server: Connection refused", "interrupt - the client has
  // terminated"; after on_end(), if there is one.
  virtual void on_error(std::string_view what) = 0;
  // Everything is said: a document is complete and goes out.
  virtual void finish() = 0;

  // What there is so far, for a peer that asked for it; null where the report is text.
  virtual nlohmann::ordered_json document() const { return nullptr; }
};

// A text's errors go to `errors` as lines of their own ("sluice: error - ..."); a document has them
// in itself.
std::unique_ptr<Report> make_report(const ReportOptions& options, Sink sink, Sink errors);

}  // namespace sluice::perf

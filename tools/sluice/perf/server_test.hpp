// One test of the server, from its client's cookie to the last word.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/coroutine.hpp"
#include "tools/sluice/perf/arrivals.hpp"
#include "tools/sluice/perf/control_channel.hpp"
#include "tools/sluice/perf/failure_watch.hpp"
#include "tools/sluice/perf/flow_group.hpp"
#include "tools/sluice/perf/meter.hpp"
#include "tools/sluice/perf/server.hpp"

namespace sluice::perf {

class ServerTest : public std::enable_shared_from_this<ServerTest> {
 public:
  // `home`: the core of the control connection.
  ServerTest(Server& server, std::string_view cookie, std::uint32_t home);

  // --- on any core ----------------------------------------------------------------------------
  bool takes_streams() const { return phase_ == Phase::streams; }
  bool is_ending() const { return phase_ == Phase::ending; }
  // Keeps a connection that has said `cookie`, until it has become a flow or the test has failed.
  // False when it is none of this test's: the stream is as it was.
  co::Task<bool> admit(co::Stream& stream, std::string_view cookie);
  // The same for what a datagram opens; true again for one that is repeated.
  bool admit(const FlowKey& flow);
  void interrupt();

  // --- at home --------------------------------------------------------------------------------
  // All of it.
  co::Task<> run(ControlChannel& channel);

 private:
  enum class Phase : std::uint8_t { opening, streams, running, ending };

  co::Task<> negotiate(ControlChannel& channel);
  co::Task<> tune_listener();
  co::Task<> converse(ControlChannel& channel);
  co::Task<> begin(ControlChannel& channel);
  co::Task<> place_flows(std::vector<Arrival> arrivals);
  co::Task<> finish(ControlChannel& channel);
  co::Task<> receive_rest(ControlChannel& channel);
  co::Task<> exchange(ControlChannel& channel);
  void tell_failure(const TestFailure& failure);
  co::Task<> send_off(ControlChannel& channel, const TestFailure& failure);
  co::Task<> close_flows();
  co::Task<> clean_up();
  co::Task<> watch_flows();
  void arrived(Arrivals::Taken taken);
  void fail(TestFailure failure);
  void miss_stream(co::Outcome why);
  void report_end(Results theirs);
  void tell_connected(ControlChannel& channel);
  void tell_start(const std::vector<Arrival>& arrivals);
  FlowPlan plan_at(std::size_t place);
  void print(std::string_view text);

  Server& server_;
  Engine& engine_;
  const std::string cookie_;
  const std::uint32_t home_;
  std::atomic<Phase> phase_ = Phase::opening;
  Parameters parameters_;  // for others once streams are taken, as is what follows
  IpAddress client_;
  Arrivals arrivals_;
  std::shared_ptr<FlowGroup> flows_;
  std::optional<Budget> out_;  // as stock servers; the client says when it is enough

  // At home.
  std::unique_ptr<Report> report_;
  std::string printed_;  // for a client that wants it
  std::optional<Meter> meter_;
  StartFacts start_;
  FailureWatch watch_;
  std::optional<co::Task<>> running_;   // from the arrival of the last stream on
  std::optional<co::Task<>> progress_;  // for data that do not come, or too much of it
};

}  // namespace sluice::perf

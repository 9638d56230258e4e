// The client: connects, opens the streams of one test one after the other, on all cores by turns,
// says when it is enough, and reports what both sides have seen.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/coroutine.hpp"
#include "tools/sluice/perf/budget.hpp"
#include "tools/sluice/perf/client_port.hpp"
#include "tools/sluice/perf/control_channel.hpp"
#include "tools/sluice/perf/failure_watch.hpp"
#include "tools/sluice/perf/flow_group.hpp"
#include "tools/sluice/perf/meter.hpp"
#include "tools/sluice/perf/options.hpp"
#include "tools/sluice/perf/report.hpp"

namespace sluice::perf {

// The engine is stopped before the client goes.
class Client {
 public:
  // `remote` is what options.host names. Report and trace (or null) outlive it. `on_done` comes
  // last, on a core.
  Client(Engine& engine, const Options& options, const IpAddress& remote, Report& report,
         Trace* trace, std::function<void(bool good)> on_done);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // All of it. On core 0, which is home to the control connection.
  co::Task<> run();
  // Says what there is so far, tells the server, and ends. From any thread.
  void interrupt();

 private:
  co::Task<> connect();
  co::Task<> converse();
  co::Task<> follow(State state);
  co::Task<> refuse(State state);
  co::Task<> send_parameters();
  co::Task<> open_streams();
  co::Task<co::Result<>> open_tcp(std::size_t place);
  co::Task<co::Outcome> join(std::size_t place, ConnectOptions options);
  co::Task<co::Result<>> open_udp(std::size_t place);
  co::Task<co::Outcome> greet(std::size_t place, ClientPort& port);
  co::Task<ClientPort*> bind(std::size_t place);
  co::Task<> measure();
  co::Task<> watch_server();
  co::Task<> exchange_results();
  co::Task<> say_goodbye();
  co::Task<> part(const TestFailure& failure);
  co::Task<> close_flows();
  void await_server();
  void miss_stream(co::Outcome why);
  void reach_end();
  bool may_have_all() const;
  Duration omitted_time() const;
  ConnectOptions stream_to_server(std::size_t place) const;
  FlowPlan plan_at(std::size_t place);
  [[noreturn]] static void throw_connect(ErrorCode code, co::Outcome outcome);

  Engine& engine_;
  const Options options_;
  const IpAddress remote_;
  Report& report_;
  Trace* const trace_;
  const std::function<void(bool)> on_done_;
  const std::string cookie_;
  Parameters parameters_;
  IpAddress local_;            // of the control connection, and so of all
  std::optional<Budget> out_;  // once the size of a block is known
  std::optional<Budget> in_;
  std::shared_ptr<FlowGroup> flows_;
  std::vector<std::unique_ptr<ClientPort>> ports_;

  // At home.
  std::optional<ControlChannel> channel_;
  std::optional<Meter> meter_;
  StartFacts start_;
  EndFacts end_;
  FailureWatch watch_;
  std::optional<co::Task<>> running_;
  std::optional<co::Task<>> progress_;  // for data that do not come
};

}  // namespace sluice::perf

// One stream of a test, on the core that owns it. All calls are made there; it may go after the
// engine has stopped, too, on any thread.
//
// Out of a flow come on_lost() and what a Budget calls: there the flow may be neither stopped nor
// destroyed (post that). Neither comes while start() runs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "dataplane/coroutine.hpp"
#include "dataplane/datagram.hpp"
#include "tools/sluice/perf/budget.hpp"
#include "tools/sluice/perf/facts.hpp"
#include "tools/sluice/perf/parameters.hpp"
#include "tools/sluice/perf/trace.hpp"

namespace sluice::perf {

struct FlowPlan {
  Parameters parameters;
  int id = 0;
  bool sends = false;
  std::string congestion;    // of this stream; empty: the engine's
  Budget* budget = nullptr;  // of all streams in this direction; never null, outlives the flow
  Trace* trace = nullptr;    // null: none; outlives the flow
  Duration sample_interval = Duration::milliseconds(2);  // of TCP's own view: RTT and trace
  std::uint32_t most_send_buffer = 32 << 20;             // bytes: Settings::send_buffer_bytes
  std::uint32_t mtu = 0;  // Engine::facts().mtu; UDP sends several datagrams at once that fit it
  // The connection is gone, though nobody has closed it; or there is no sending on it
  // (Outcome::unavailable). Called at most once, and not after close().
  std::function<void(co::Outcome)> on_lost;

  // While seconds are omitted nothing is counted.
  Budget& first_budget() const { return parameters.omit_seconds > 0 ? Budget::none() : *budget; }
};

class Flow {
 public:
  virtual ~Flow() = default;
  // TEST_RUNNING: a sender sends. What has come before counts.
  virtual void start() = 0;
  // The omitted seconds are over: the budget is for what moves from here on. What has moved so far.
  virtual FlowCount begin_counting() = 0;
  // Neither counts nor sends any more. What still arrives is read and forgotten.
  virtual void stop() = 0;
  // Stops, and lets go of the connection: FIN behind what was sent.
  virtual void close() = 0;
  // The RTTs sampled since the count before this one go with it.
  virtual FlowCount count() = 0;
  virtual EndFacts::Extremes extremes() const { return {}; }
  // Bytes so far; one of the two is 0.
  virtual std::uint64_t received() const { return 0; }
  virtual std::uint64_t sent() const { return 0; }
  // UDP: what came for it.
  virtual void on_datagrams(const Datagram&) {}
  // UDP: there is room in the queue to the device again.
  virtual void on_writable() {}
};

// `stream` is past the cookie.
std::unique_ptr<Flow> make_tcp_flow(co::Stream stream, const FlowPlan& plan);
// Sends by `socket`, which outlives it, along `key`. Lost (co::Outcome::unavailable) when datagrams
// of that size do not exist in its family, or only in fragments, which are not wanted.
std::unique_ptr<Flow> make_udp_flow(DatagramSocket& socket, const FlowKey& key,
                                    const FlowPlan& plan);

}  // namespace sluice::perf

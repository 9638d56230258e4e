#include "tools/sluice/perf/client.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "tools/sluice/perf/cookie.hpp"
#include "tools/sluice/perf/describe.hpp"
#include "tools/sluice/perf/everywhere.hpp"
#include "tools/sluice/perf/layout.hpp"
#include "tools/sluice/perf/parameters_json.hpp"
#include "tools/sluice/perf/results_json.hpp"
#include "tools/sluice/perf/standstill.hpp"

namespace sluice::perf {
namespace {

constexpr Duration kConnectPatience = Duration::seconds(8);
constexpr Duration kStreamPatience = Duration::seconds(30);   // several SYNs may be lost
constexpr Duration kAfterword = Duration::milliseconds(500);  // when a stream has gone
constexpr Duration kPatience = Duration::seconds(60);         // for what a server says next
constexpr Duration kSilence = Duration::seconds(2);           // of a server that has sent all
constexpr Duration kHeadStart = Duration::milliseconds(20);
constexpr Duration kProgressPause = Duration::milliseconds(500);
constexpr Duration kPartingPatience = Duration::seconds(1);
constexpr Duration kLook = Duration::microseconds(100);  // whether something has arrived
constexpr int kPortAttempts = 16;

// What a server says, in this order, and what there is to do then.
constexpr std::array kCourse = {State::param_exchange,   State::create_streams,
                                State::test_start,       State::test_running,
                                State::exchange_results, State::display_results};

int errno_of(co::Outcome outcome) {
  switch (outcome) {
    case co::Outcome::refused: return ECONNREFUSED;
    case co::Outcome::unreachable: return EHOSTUNREACH;
    case co::Outcome::unavailable: return EADDRNOTAVAIL;
    case co::Outcome::timed_out:
    case co::Outcome::timeout: return ETIMEDOUT;
    case co::Outcome::stopped:
    case co::Outcome::cancelled: return EINTR;
    case co::Outcome::ok:
    case co::Outcome::end:
    case co::Outcome::closed:
    case co::Outcome::reset:
    case co::Outcome::aborted:
    case co::Outcome::busy: return ECONNRESET;
  }
  return ECONNRESET;
}

// All that was written.
bool has_arrived(const Stream& stream) {
  const tcp::Snapshot now = stream.snapshot();
  return now.unacked == 0 && now.notsent_bytes == 0;
}

}  // namespace

Client::Client(Engine& engine, const Options& options, const IpAddress& remote, Report& report,
               Trace* trace, std::function<void(bool)> on_done)
    : engine_(engine),
      options_(options),
      remote_(remote),
      report_(report),
      trace_(trace),
      on_done_(std::move(on_done)),
      cookie_(make_cookie()),
      parameters_(options.parameters) {}

co::Task<> Client::run() {
  report_.on_begin(Role::client);
  try {
    co_await connect();
    co_await converse();
  } catch (const TestFailure& failure) {
    watch_.fail(failure);
  } catch (const BadDocument& bad) {
    watch_.fail({ErrorCode::receive_results,
                 "error - unusable document from the server: " + std::string(bad.what())});
  }
  watch_.call_off();
  running_.reset();
  progress_.reset();
  if (watch_.failure()) co_await part(*watch_.failure());
  co_await close_flows();
  channel_.reset();
  report_.finish();
  on_done_(!watch_.failure());
}

void Client::interrupt() {
  engine_.post(0, [this] {
    watch_.fail({ErrorCode::client_terminated, "interrupt - the client has terminated"});
  });
}

void Client::throw_connect(ErrorCode code, co::Outcome outcome) {
  throw TestFailure(code, errno_of(outcome));
}

// --- the control connection ---------------------------------------------------------------------

co::Task<> Client::connect() {
  ConnectOptions to{.remote = remote_, .port = options_.port, .local = options_.bind};
  const bool is_limited = options_.connect_timeout > Duration();
  const Duration limit = is_limited ? options_.connect_timeout : kConnectPatience;
  auto connected = co_await co::connect(engine_, to).within(limit).unless(watch_.failed());
  watch_.check();
  if (!connected) throw_connect(ErrorCode::connect, connected.outcome());
  channel_.emplace(*std::move(connected));
  const Stream* const control = channel_->stream().raw();
  if (control == nullptr) throw TestFailure(ErrorCode::control_closed);
  local_ = control->flow().local;
  if (parameters_.block_bytes == 0) parameters_.block_bytes = control->snapshot().snd_mss;
  out_.emplace(parameters_, [this] { reach_end(); });
  in_.emplace(parameters_, [this] { reach_end(); });
  std::string message = cookie_message(cookie_);
  co_await channel_->write(std::move(message));
}

co::Task<> Client::converse() {
  for (const State next : kCourse) {
    if (next != State::exchange_results) await_server();  // that comes when time is up
    auto state = flat(co_await channel_->read_state().unless(watch_.failed()));
    watch_.check();
    if (!state) throw TestFailure(ErrorCode::control_closed);
    if (*state != next) co_await refuse(*state);
    co_await follow(next);
  }
}

void Client::await_server() {
  watch_.limit(kPatience, ErrorCode::control_read, ETIMEDOUT);
}

co::Task<> Client::follow(State state) {
  if (state == State::param_exchange) {
    co_await send_parameters();
  } else if (state == State::create_streams) {
    co_await open_streams();
  } else if (state == State::test_start) {
    report_.on_start(start_);
  } else if (state == State::test_running) {
    running_.emplace(measure());
    running_->start();
  } else if (state == State::exchange_results) {
    co_await exchange_results();
  } else {
    co_await say_goodbye();
  }
}

// What is not the next step ends the test: any number, from a peer.
co::Task<> Client::refuse(State state) {
  if (state == State::access_denied) throw TestFailure(ErrorCode::busy);
  if (state == State::server_terminate) throw TestFailure(ErrorCode::server_terminated);
  if (state != State::server_error) throw TestFailure(ErrorCode::unknown_message);
  auto why = flat(co_await channel_->read_error().within(kPartingPatience));
  if (!why) throw TestFailure(ErrorCode::control_closed);
  throw TestFailure(why->code, why->system_errno);
}

co::Task<> Client::send_parameters() {
  const Stream* const control = channel_->stream().raw();
  if (control == nullptr) throw TestFailure(ErrorCode::control_closed);
  ConnectFacts facts = describe_test(Role::client, parameters_, cookie_, *control);
  facts.peer = {options_.host, options_.port};
  facts.block_follows_mss = options_.parameters.block_bytes == 0;
  report_.on_connected(facts);
  co_await channel_->write_document(print_document(to_json(parameters_)));
}

// --- streams ------------------------------------------------------------------------------------

ConnectOptions Client::stream_to_server(std::size_t place) const {
  ConnectOptions to{.remote = remote_, .port = options_.port, .local = local_};
  if (options_.client_port != 0) {
    to.local_port = static_cast<std::uint16_t>(options_.client_port + place);
  }
  to.stream = stream_options(parameters_);
  return to;
}

co::Task<> Client::open_streams() {
  const std::size_t count = parameters_.all_streams();
  flows_ = std::make_shared<FlowGroup>(engine_, count);
  start_.flows.resize(count);
  start_.interval_seconds = options_.interval_seconds;
  watch_.call_off();
  const bool is_udp = parameters_.protocol == Protocol::udp;
  for (std::size_t place = 0; place < count; ++place) {
    auto opening = is_udp ? open_udp(place) : open_tcp(place);
    const auto opened = flat(co_await std::move(opening).unless(watch_.failed()));
    watch_.check();
    if (!opened) throw_connect(ErrorCode::stream_connect, opened.outcome());
  }
}

co::Task<co::Result<>> Client::open_tcp(std::size_t place) {
  const ConnectOptions to = stream_to_server(place);
  const auto turn = static_cast<std::uint32_t>(place % engine_.workers());
  const std::uint32_t worker = to.local_port == 0 ? turn : engine_.worker_for(to);
  std::function<co::Task<co::Outcome>()> open = [this, place, to] { return join(place, to); };
  co_return co_await run_on(engine_, worker, std::move(open));
}

// On the core that gets it.
co::Task<co::Outcome> Client::join(std::size_t place, ConnectOptions options) {
  const Instant end = Core::here().now() + kStreamPatience;
  auto connected = co_await co::connect(engine_, options).within(kStreamPatience);
  if (!connected) co_return connected.outcome();
  co::Stream stream = *std::move(connected);
  const std::string message = cookie_message(cookie_);
  co_await stream.write(std::string_view(message));
  // Only then is it the server's turn to accept it, and no later one comes before it.
  while (stream.raw() != nullptr && !has_arrived(*stream.raw())) {
    if (Core::here().now() > end) co_return co::Outcome::timed_out;
    co_await co::sleep(kLook);
  }
  if (stream.raw() == nullptr) co_return co::Outcome::reset;
  const StreamStats stats = stream.raw()->stats();
  start_.flows[place] =
      describe_flow(place, Role::client, parameters_, stream.raw()->flow(), stats.congestion);
  if (place == 0) {
    start_.send_buffer = stats.send_buffer;
    start_.receive_buffer = stats.receive_buffer;
  }
  flows_->add(place, make_tcp_flow(std::move(stream), plan_at(place)));
  co_return co::Outcome::ok;
}

co::Task<co::Result<>> Client::open_udp(std::size_t place) {
  ClientPort* const port = co_await bind(place);
  if (port == nullptr) co_return co::Outcome::unavailable;
  std::function<co::Task<co::Outcome>()> open = [this, place, port] { return greet(place, *port); };
  co_return co_await run_on(engine_, port->owner(), std::move(open));
}

// A port whose flow belongs to the core whose turn it is, if one is found soon.
co::Task<ClientPort*> Client::bind(std::size_t place) {
  const bool is_fixed = options_.client_port != 0;
  FlowKey key{local_, remote_, 0, options_.port};
  if (is_fixed) key.local_port = static_cast<std::uint16_t>(options_.client_port + place);
  for (int attempt = 1; attempt <= kPortAttempts; ++attempt) {
    try {
      ports_.push_back(std::make_unique<ClientPort>(engine_, key));
    } catch (const EngineError&) {
      co_return nullptr;
    }
    const bool is_good = is_fixed || ports_.back()->owner() == place % engine_.workers();
    if (is_good || attempt == kPortAttempts) break;
    ports_.back()->unbind();
  }
  co_await all_told(engine_);
  co_return ports_.back().get();
}

// On the core that owns the flow.
co::Task<co::Outcome> Client::greet(std::size_t place, ClientPort& port) {
  auto answered = co_await port.greet();
  if (!answered) co_return answered.outcome();
  start_.flows[place] = describe_flow(place, Role::client, parameters_, port.key(), {});
  auto flow = make_udp_flow(*port.socket(), port.key(), plan_at(place));
  port.give_to(flow.get());
  flows_->add(place, std::move(flow));
  co_return co::Outcome::ok;
}

FlowPlan Client::plan_at(std::size_t place) {
  FlowPlan plan;
  plan.parameters = parameters_;
  plan.id = id_at(place);
  plan.sends = sends_at(place, Role::client, parameters_);
  plan.congestion = congestion_at(place, parameters_);
  plan.budget = plan.sends ? &*out_ : &*in_;
  plan.trace = trace_;
  plan.most_send_buffer = options_.config.tcp.send_buffer_bytes;
  plan.mtu = engine_.facts().mtu;
  plan.on_lost = [this](co::Outcome why) { tell(engine_, 0, [this, why] { miss_stream(why); }); };
  return plan;
}

// The server may be about to say why.
void Client::miss_stream(co::Outcome why) {
  if (!running_ || running_->is_done()) return;
  if (why == co::Outcome::unavailable) watch_.fail(TestFailure(ErrorCode::stream_write, EMSGSIZE));
  watch_.limit(kAfterword, ErrorCode::stream_closed);
}

// --- the test -----------------------------------------------------------------------------------

co::Task<> Client::measure() {
  watch_.call_off();
  if (trace_ != nullptr) trace_->begin(Core::here().now());
  meter_.emplace(*flows_, report_, parameters_, start_);
  progress_.emplace(watch_server());
  progress_->start();
  co_await flows_->start();
  co_await meter_->run(omitted_time());
  progress_.reset();
  co_await meter_->finish();
  await_server();
  co_await channel_->write_state(State::test_end);
}

// A stock server that has sent all it was asked for is silent. With omitted seconds it sends all of
// it twice, the second time when it begins to count; what comes before this side does is missing.
bool Client::may_have_all() const {
  const bool has_budget = parameters_.bytes > 0 || parameters_.blocks > 0;
  return has_budget && parameters_.omit_seconds > 0 && !parameters_.sends_from_client();
}

// To be there before what such a server sends then.
Duration Client::omitted_time() const {
  const Duration whole = Duration::seconds(parameters_.omit_seconds);
  return may_have_all() ? whole - kHeadStart : whole;
}

// A server that is to send, and does not. One that has sent all may rest in the omitted seconds.
co::Task<> Client::watch_server() {
  const Duration patience = options_.receive_timeout;
  if (!parameters_.sends_from_server()) co_return;
  if (!co_await co::sleep(omitted_time())) co_return;
  Standstill arrivals(Core::here().now());
  while (true) {
    const auto slept = co_await co::sleep(std::min(kProgressPause, patience));
    if (!slept) co_return;
    const FlowGroup::Moved moved = co_await flows_->moved();
    const Duration silence = arrivals.observe(Core::here().now(), moved.received);
    if (may_have_all() && moved.received > 0 && silence >= kSilence) meter_->end();
    if (silence >= patience) watch_.fail(TestFailure(ErrorCode::no_traffic));
  }
}

void Client::reach_end() {
  tell(engine_, 0, [this] {
    if (meter_) meter_->end();
  });
}

co::Task<> Client::exchange_results() {
  if (!running_->is_done()) throw TestFailure(ErrorCode::unknown_message);
  end_ = meter_->facts();
  co_await channel_->write_document(print_document(to_json(meter_->results())));
  auto text =
      flat(co_await channel_->read_document(kMaxServerResultsBytes).unless(watch_.failed()));
  watch_.check();
  if (!text) throw TestFailure(ErrorCode::receive_results);
  end_.peer = parse_results(*text);
  check_ids(*end_.peer, start_.flows);
}

co::Task<> Client::say_goodbye() {
  co_await close_flows();
  report_.on_end(end_);
  co_await channel_->write_state(State::iperf_done);
}

// What there is to say when it ended badly, to people and to the server.
co::Task<> Client::part(const TestFailure& failure) {
  const ErrorCode code = failure.code();
  const bool is_terminated =
      code == ErrorCode::client_terminated || code == ErrorCode::server_terminated;
  if (meter_ && is_terminated) {
    co_await meter_->finish();
    report_.on_end(meter_->facts());
  }
  report_.on_error(failure.what());
  if (!channel_ || !is_terminated) co_return;
  const bool is_ours = code == ErrorCode::client_terminated;
  auto word = channel_->write_state(is_ours ? State::client_terminate : State::iperf_done);
  co_await std::move(word).within(kPartingPatience);
}

co::Task<> Client::close_flows() {
  if (!flows_) co_return;
  std::function<void(std::uint32_t)> let_go = [this](std::uint32_t) {
    for (const auto& port : ports_) port->let_go();
  };
  co_await everywhere(engine_, std::move(let_go));
  co_await flows_->close();
  for (const auto& port : ports_) port->unbind();
}

}  // namespace sluice::perf

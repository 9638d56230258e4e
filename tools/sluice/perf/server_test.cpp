#include "tools/sluice/perf/server_test.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "tools/sluice/perf/describe.hpp"
#include "tools/sluice/perf/everywhere.hpp"
#include "tools/sluice/perf/layout.hpp"
#include "tools/sluice/perf/parameters_json.hpp"
#include "tools/sluice/perf/rate_limit.hpp"
#include "tools/sluice/perf/results_json.hpp"
#include "tools/sluice/perf/standstill.hpp"

namespace sluice::perf {
namespace {

// After the end of a test, for what is still under way: until nothing has come for the one, but no
// longer than the other.
constexpr Duration kLeastQuiet = Duration::microseconds(300);
constexpr Duration kMostRest = Duration::seconds(1);

constexpr Duration kPatience = Duration::seconds(30);             // for the next stream
constexpr Duration kAnswer = Duration::seconds(10);               // of a client that is there
constexpr Duration kGoodbye = Duration::seconds(2);               // others wait for their turn
constexpr Duration kOvertime = Duration::seconds(40);             // for the end of a test
constexpr Duration kAfterword = Duration::milliseconds(500);      // when a stream has gone
constexpr std::size_t kMostPrinted = kMaxServerResultsBytes / 2;  // that a client may want

std::uint64_t rate_of_all(const Parameters& parameters) {
  return parameters.bits_per_second * parameters.all_streams();
}

}  // namespace

ServerTest::ServerTest(Server& server, std::string_view cookie, std::uint32_t home)
    : server_(server), engine_(server.engine_), cookie_(cookie), home_(home) {}

// --- on any core --------------------------------------------------------------------------------

co::Task<bool> ServerTest::admit(co::Stream& stream, std::string_view cookie) {
  const auto self = shared_from_this();
  if (!takes_streams() || parameters_.protocol != Protocol::tcp || cookie != cookie_) {
    co_return false;
  }
  if (stream.raw() == nullptr) co_return true;  // gone already
  const auto admission = std::make_shared<Admission>();
  const auto taken = arrivals_.add(arrival_of(*stream.raw(), admission));
  if (taken == Arrivals::Taken::refused) co_return false;
  arrived(taken);
  const bool is_decided = static_cast<bool>(co_await admission->decided.raised());
  if (!is_decided || admission->place < 0) co_return true;
  const auto place = static_cast<std::size_t>(admission->place);
  flows_->add(place, make_tcp_flow(std::move(stream), plan_at(place)));
  co_return true;
}

bool ServerTest::admit(const FlowKey& flow) {
  if (!takes_streams() || parameters_.protocol != Protocol::udp || flow.remote != client_) {
    return false;
  }
  if (arrivals_.has(flow)) return true;
  const auto taken = arrivals_.add(arrival_of(flow));
  arrived(taken);
  return taken != Arrivals::Taken::refused;
}

void ServerTest::arrived(Arrivals::Taken taken) {
  if (taken == Arrivals::Taken::refused) return;
  tell(engine_, home_, [self = shared_from_this(), taken] {
    if (!self->running_ || self->phase_ != Phase::streams) return;
    self->watch_.limit(kPatience, ErrorCode::stream_accept);
    if (taken == Arrivals::Taken::was_last) self->running_->start();
  });
}

void ServerTest::interrupt() {
  engine_.post(home_, [self = shared_from_this()] {
    self->fail({ErrorCode::server_terminated, "interrupt - the server has terminated"});
  });
}

FlowPlan ServerTest::plan_at(std::size_t place) {
  FlowPlan plan;
  plan.parameters = parameters_;
  plan.id = id_at(place);
  plan.sends = sends_at(place, Role::server, parameters_);
  plan.congestion = congestion_at(place, parameters_);
  plan.budget = plan.sends ? &*out_ : &Budget::none();
  plan.trace = server_.options_.trace;
  plan.most_send_buffer = server_.options_.most_send_buffer;
  plan.mtu = engine_.facts().mtu;
  plan.on_lost = [self = weak_from_this()](co::Outcome why) {
    const auto test = self.lock();
    if (!test) return;
    tell(test->engine_, test->home_, [test, why] { test->miss_stream(why); });
  };
  return plan;
}

// --- at home ------------------------------------------------------------------------------------

co::Task<> ServerTest::run(ControlChannel& channel) {
  const auto self = shared_from_this();
  report_ = make_report(
      server_.options_.report, [this](std::string_view text) { print(text); },
      server_.options_.errors);
  report_->on_begin(Role::server);
  try {
    co_await negotiate(channel);
    co_await converse(channel);
  } catch (const TestFailure& failure) {
    watch_.fail(failure);
  } catch (const BadDocument& bad) {
    const bool is_first = phase_ == Phase::opening;
    watch_.fail({is_first ? ErrorCode::receive_parameters : ErrorCode::receive_results,
                 "error - unusable document from the client: " + std::string(bad.what())});
  }
  // The client hears why before its streams go.
  running_.reset();
  const std::optional<TestFailure>& failure = watch_.failure();
  if (failure) {
    auto word = send_off(channel, *failure);
    co_await std::move(word).within(Duration::seconds(1));
  }
  co_await clean_up();
  if (failure) tell_failure(*failure);
  report_->finish();
}

void ServerTest::print(std::string_view text) {
  server_.options_.out(text);
  if (parameters_.wants_server_output && printed_.size() < kMostPrinted) printed_ += text;
}

void ServerTest::fail(TestFailure failure) {
  if (phase_ != Phase::ending) watch_.fail(std::move(failure));
}

// Its client may be about to say why.
void ServerTest::miss_stream(co::Outcome why) {
  if (phase_ != Phase::running || !running_) return;
  if (why == co::Outcome::unavailable) fail(TestFailure(ErrorCode::stream_write, EMSGSIZE));
  watch_.limit(kAfterword, ErrorCode::stream_closed);
}

co::Task<> ServerTest::negotiate(ControlChannel& channel) {
  if (channel.stream().raw() == nullptr) throw TestFailure(ErrorCode::receive_cookie);
  client_ = channel.stream().raw()->flow().remote;
  co_await channel.write_state(State::param_exchange);
  auto text = flat(
      co_await channel.read_document(kMaxParametersBytes).within(kAnswer).unless(watch_.failed()));
  watch_.check();
  if (!text) throw TestFailure(ErrorCode::receive_parameters);
  parameters_ = parse_parameters(*text);
  const std::uint64_t most = server_.options_.bitrate_limit;
  if (most > 0 && rate_of_all(parameters_) > most) throw TestFailure(ErrorCode::rate_above_limit);
  tell_connected(channel);
  co_await tune_listener();
  arrivals_.expect(parameters_.all_streams());
  flows_ = std::make_shared<FlowGroup>(engine_, parameters_.all_streams());
  out_.emplace(parameters_);
  running_.emplace(begin(channel));
  watch_.limit(kPatience, ErrorCode::stream_accept);
  phase_ = Phase::streams;
  co_await channel.write_state(State::create_streams);
}

co::Task<> ServerTest::tune_listener() {
  engine_.tune(server_.listener(stream_options(parameters_)));
  co_await all_told(engine_);
}

// What the client says, until it has nothing more to say.
co::Task<> ServerTest::converse(ControlChannel& channel) {
  while (true) {
    auto state = flat(co_await channel.read_state().unless(watch_.failed()));
    watch_.check();
    if (!state) {
      throw TestFailure(ErrorCode::control_closed,
                        "error - the client has unexpectedly closed the connection");
    }
    if (*state == State::iperf_done) co_return;
    if (*state == State::client_terminate) {
      throw TestFailure(ErrorCode::client_terminated, "error - the client has terminated");
    }
    if (*state != State::test_end) throw TestFailure(ErrorCode::unknown_message);
    co_await finish(channel);
    auto goodbye = channel.read_state();
    co_await std::move(goodbye).within(kGoodbye);
    co_return;
  }
}

void ServerTest::tell_connected(ControlChannel& channel) {
  const Stream* const control = channel.stream().raw();
  if (control == nullptr) throw TestFailure(ErrorCode::control_closed);
  report_->on_connected(describe_test(Role::server, parameters_, cookie_, *control));
}

// --- while it runs ------------------------------------------------------------------------------

co::Task<> ServerTest::begin(ControlChannel& channel) {
  const std::vector<Arrival> arrivals = arrivals_.take();
  phase_ = Phase::running;
  const std::uint32_t seconds = parameters_.seconds + parameters_.omit_seconds;
  watch_.call_off();
  if (parameters_.seconds > 0) {
    watch_.limit(Duration::seconds(seconds) + kOvertime, ErrorCode::control_read);
  }
  co_await place_flows(arrivals);
  tell_start(arrivals);
  co_await flows_->start();
  meter_.emplace(*flows_, *report_, parameters_, start_);
  co_await channel.write_state(State::test_start);
  co_await channel.write_state(State::test_running);
  progress_.emplace(watch_flows());
  progress_->start();
  // The client says when time is up.
  co_await meter_->run(Duration::seconds(parameters_.omit_seconds));
}

// Each on its own core.
co::Task<> ServerTest::place_flows(std::vector<Arrival> arrivals) {
  for (std::size_t place = 0; place < arrivals.size(); ++place) {
    const Arrival& arrival = arrivals[place];
    std::function<void()> work;
    if (arrival.admission) {
      work = [admission = arrival.admission, place] {
        admission->place = static_cast<int>(place);
        admission->decided.raise();
      };
    } else {
      work = [self = shared_from_this(), key = arrival.flow, place] {
        self->flows_->add(place, self->server_.open_datagrams(key, self->plan_at(place)));
      };
    }
    co_await post_surely(engine_, arrival.worker, std::move(work));
  }
  co_await all_told(engine_);
}

void ServerTest::tell_start(const std::vector<Arrival>& arrivals) {
  start_ = {};
  start_.interval_seconds = server_.options_.interval_seconds;
  for (std::size_t place = 0; place < arrivals.size(); ++place) {
    const Arrival& arrival = arrivals[place];
    start_.send_buffer = arrival.send_buffer;
    start_.receive_buffer = arrival.receive_buffer;
    start_.flows.push_back(
        describe_flow(place, Role::server, parameters_, arrival.flow, arrival.congestion));
  }
  report_->on_start(start_);
}

// A client that neither sends nor takes for so long is no client any more, and one that asks too
// much goes, too.
co::Task<> ServerTest::watch_flows() {
  const ServerOptions& options = server_.options_;
  const Duration patience = options.receive_timeout;
  const bool is_limited = options.bitrate_limit > 0;
  if (patience == Duration() && !is_limited) co_return;
  RateLimit limit(options.bitrate_limit, options.bitrate_limit_interval);
  Duration pause = Duration::seconds(1);
  if (patience > Duration()) pause = std::min(pause, patience);
  if (is_limited) pause = std::min(pause, options.bitrate_limit_interval);
  Standstill progress(Core::here().now());
  while (true) {
    const auto slept = co_await co::sleep(pause);
    if (!slept) co_return;
    const FlowGroup::Moved moved = co_await flows_->moved();
    const Instant now = Core::here().now();
    const std::uint64_t bytes = parameters_.sends_from_client() ? moved.received : moved.sent;
    const Duration idle = progress.observe(now, bytes);
    if (patience > Duration() && idle >= patience) fail(TestFailure(ErrorCode::no_traffic));
    if (!limit.allows(now, moved.received + moved.sent)) {
      fail(TestFailure(ErrorCode::rate_above_limit));
    }
  }
}

// --- the end ------------------------------------------------------------------------------------

co::Task<> ServerTest::finish(ControlChannel& channel) {
  if (phase_ != Phase::running || !meter_) throw TestFailure(ErrorCode::unknown_message);
  progress_.reset();
  running_.reset();
  watch_.limit(kAnswer, ErrorCode::receive_results);
  co_await receive_rest(channel);
  co_await meter_->finish();
  co_await close_flows();
  co_await exchange(channel);
  phase_ = Phase::ending;
  watch_.call_off();
  co_await channel.write_state(State::display_results);
}

// What the client sent before it said that this is the end comes on other connections, and perhaps
// later.
co::Task<> ServerTest::receive_rest(ControlChannel& channel) {
  const Stream* const raw = channel.stream().raw();
  if (parameters_.protocol != Protocol::tcp || !parameters_.sends_from_client() || raw == nullptr) {
    co_return;
  }
  const Duration round_trip = Duration::microseconds(raw->stats().smoothed_rtt_us);
  const Instant end = Core::here().now() + kMostRest;
  std::uint64_t before = 0;
  FlowGroup::Moved moved = co_await flows_->moved();
  do {
    before = moved.received;
    if (!co_await co::sleep(std::max(round_trip * 2, kLeastQuiet))) co_return;
    moved = co_await flows_->moved();
  } while (moved.received != before && Core::here().now() < end);
}

co::Task<> ServerTest::exchange(ControlChannel& channel) {
  co_await channel.write_state(State::exchange_results);
  auto text = flat(co_await channel.read_document(kMaxClientResultsBytes).unless(watch_.failed()));
  watch_.check();
  if (!text) throw TestFailure(ErrorCode::receive_results);
  Results theirs = parse_results(*text);
  check_ids(theirs, start_.flows);
  report_end(std::move(theirs));
  Results ours = meter_->results();
  if (parameters_.wants_server_output) {
    const Json document = report_->document();
    if (document.is_null()) {
      ours.server_output_text = printed_;
    } else {
      ours.server_output_json = document;
    }
  }
  // To a client that does not read it, it may be long.
  const std::string told = print_document(to_json(ours));
  auto telling = channel.write_document(told);
  co_await std::move(telling).unless(watch_.failed());
  watch_.check();
}

// The client's counts, too, though stock servers know nothing of them; but only where those have a
// place for it.
void ServerTest::report_end(Results theirs) {
  theirs.sender_has_retransmits = -1;
  theirs.congestion_used.reset();
  theirs.server_output_text.reset();
  theirs.server_output_json.reset();
  EndFacts facts = meter_->facts();
  facts.peer = std::move(theirs);
  report_->on_end(facts);
}

void ServerTest::tell_failure(const TestFailure& failure) {
  const ErrorCode code = failure.code();
  const bool is_terminated =
      code == ErrorCode::client_terminated || code == ErrorCode::server_terminated;
  if (meter_ && is_terminated) report_->on_end(meter_->facts());
  report_->on_error(failure.what());
}

// To a client that is still there.
co::Task<> ServerTest::send_off(ControlChannel& channel, const TestFailure& failure) {
  const ErrorCode code = failure.code();
  if (code == ErrorCode::client_terminated || code == ErrorCode::control_closed) co_return;
  if (code == ErrorCode::server_terminated) {
    co_await channel.write_state(State::server_terminate);
  } else {
    co_await channel.write_error(code, failure.system_errno());
  }
}

co::Task<> ServerTest::clean_up() {
  watch_.call_off();
  progress_.reset();
  running_.reset();
  phase_ = Phase::ending;
  for (const Arrival& arrival : arrivals_.take()) {
    if (!arrival.admission) continue;
    tell(engine_, arrival.worker, [admission = arrival.admission] { admission->decided.raise(); });
  }
  engine_.tune(server_.listener({}));
  if (meter_) co_await meter_->finish();
  co_await close_flows();
}

co::Task<> ServerTest::close_flows() {
  if (!flows_) co_return;
  if (parameters_.protocol == Protocol::udp) co_await server_.forget_datagrams();
  co_await flows_->close();
}

}  // namespace sluice::perf

#include "tools/sluice/perf/server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tools/sluice/perf/control_channel.hpp"
#include "tools/sluice/perf/cookie.hpp"
#include "tools/sluice/perf/datagram_greeting.hpp"
#include "tools/sluice/perf/everywhere.hpp"
#include "tools/sluice/perf/server_test.hpp"

namespace sluice::perf {
namespace {

constexpr Duration kCookiePatience = Duration::seconds(10);
constexpr Duration kPartingPatience = Duration::seconds(1);
// What the last client did may still be on its way to another core when the next one comes.
constexpr Duration kTurnPatience = Duration::milliseconds(100);
constexpr Duration kEndPatience = Duration::seconds(5);
constexpr Duration kLook = Duration::milliseconds(1);

// Ends it when the peer does: a RST, because of what was not read, would overtake the last word.
co::Task<> hang_up(co::Stream& stream) {
  stream.shutdown_send();
  auto read = co_await stream.read();
  while (read) read = co_await stream.read();
}

co::Task<> refuse(co::Stream& stream) {
  const std::string_view no("\xff");
  co_await stream.write(no);
  co_await hang_up(stream);
}

co::Task<> refuse_soon(co::Stream& stream) {
  auto refusal = refuse(stream);
  co_await std::move(refusal).within(kPartingPatience);
}

}  // namespace

std::size_t Server::Place::KeyHash::operator()(const FlowKey& key) const {
  // Nobody chooses many of them: a test has 256 at most.
  return key.remote_port;
}

Server::Server(Engine& engine, ServerOptions options)
    : engine_(engine), options_(std::move(options)), places_(engine.workers()) {}

Server::~Server() = default;

ListenOptions Server::listener(const StreamOptions& streams) const {
  return {.address = options_.address,
          .port = options_.port,
          .family = options_.family,
          .stream = streams};
}

void Server::open() {
  co::serve(engine_, listener({}), [this](co::Stream stream) { return greet(std::move(stream)); });
  engine_.bind({.address = options_.address, .port = options_.port, .family = options_.family},
               *this);
}

void Server::begin() {
  {
    const std::lock_guard guard(guard_);
    say_listening();
  }
  const bool is_patient = options_.idle_timeout == Duration() || !options_.one_off;
  if (!is_patient) engine_.post(0, [this] { co::go(watch_idle()); });
}

// Stock servers begin anew when nobody comes for so long, which ours has no need to.
co::Task<> Server::watch_idle() {
  co_await co::sleep(options_.idle_timeout);
  const std::lock_guard guard(guard_);
  if (tests_ == 0) options_.on_done(true);
}

void Server::interrupt() {
  std::shared_ptr<ServerTest> test;
  {
    const std::lock_guard guard(guard_);
    is_interrupted_ = true;
    test = test_;
  }
  if (test) return test->interrupt();
  options_.errors("sluice: interrupt - the server has terminated\n");
  options_.on_done(false);
}

void Server::say_listening() {
  if (options_.report.form != ReportOptions::Form::text) return;
  const std::string line(59, '-');
  options_.out(fmt::format("{0}\nServer listening on {1} (test #{2})\n{0}\n", line, options_.port,
                           tests_ + 1));
}

// --- connections --------------------------------------------------------------------------------

co::Task<> Server::greet(co::Stream stream) {
  const bool has_turn = co_await wait_for_turn();
  if (!has_turn) {
    co_await refuse_soon(stream);
    co_return;
  }
  auto message = flat(co_await read_exactly(stream, kCookieBytes).within(kCookiePatience));
  if (!message) {
    miss_cookie();
    co_return;
  }
  const std::string_view cookie = cookie_in(*message);
  auto [test, is_new] = claim(cookie);
  if (is_new) {
    co_await run_test(std::move(stream), std::move(test));
  } else {
    const bool is_admitted = co_await test->admit(stream, cookie);
    if (!is_admitted) co_await refuse_soon(stream);
  }
}

// True once there is no test, or one that takes streams.
co::Task<bool> Server::wait_for_turn() {
  const Instant came = Core::here().now();
  while (true) {
    const auto test = current();
    if (!test || test->takes_streams()) co_return true;
    const Duration patience = test->is_ending() ? kEndPatience : kTurnPatience;
    if (Core::here().now() - came > patience) co_return false;
    const auto slept = co_await co::sleep(kLook);
    if (!slept) co_return false;
  }
}

std::shared_ptr<ServerTest> Server::current() const {
  const std::lock_guard guard(guard_);
  return test_;
}

std::pair<std::shared_ptr<ServerTest>, bool> Server::claim(std::string_view cookie) {
  const std::lock_guard guard(guard_);
  if (test_) return {test_, false};
  test_ = std::make_shared<ServerTest>(*this, cookie, Core::here().worker());
  ++tests_;
  return {test_, true};
}

co::Task<> Server::run_test(co::Stream control, std::shared_ptr<ServerTest> test) {
  ControlChannel channel(std::move(control));
  co_await test->run(channel);
  end_test();
  auto parting = hang_up(channel.stream());
  co_await std::move(parting).within(kPartingPatience);
}

void Server::end_test() {
  const std::lock_guard guard(guard_);
  test_.reset();
  if (options_.one_off || is_interrupted_) {
    options_.on_done(!is_interrupted_);
  } else {
    say_listening();
  }
}

// A test all the same to who wants one only, as stock servers see it.
void Server::miss_cookie() {
  const std::lock_guard guard(guard_);
  if (test_ || !options_.one_off) return;
  options_.errors("sluice: error - " + error_text(ErrorCode::receive_cookie) + "\n");
  options_.on_done(true);
}

// --- datagrams ----------------------------------------------------------------------------------

void Server::on_bound(DatagramSocket& socket) {
  places_[socket.worker()].socket = &socket;
}

void Server::on_datagram(DatagramSocket& socket, const Datagram& datagram) {
  on_datagrams(socket, datagram);
}

void Server::on_datagrams(DatagramSocket& socket, const Datagram& several) {
  auto& flows = places_[socket.worker()].flows;
  const auto found = flows.find(several.flow);
  const bool is_short = several.payload.size() < kMinDatagramBytes;
  if (found != flows.end() && !is_short) return found->second->on_datagrams(several);
  // What is as long as data is a straggler of a test before.
  const auto test = is_short ? current() : nullptr;
  if (!test || (found == flows.end() && !test->admit(several.flow))) return;
  const Bytes asked = several.payload.bytes();
  const bool is_old = std::ranges::equal(asked, bytes_of(kOldGreeting));
  socket.send(several.flow, bytes_of(is_old ? kOldGreetingAnswer : kGreetingAnswer));
}

void Server::on_writable(DatagramSocket& socket) {
  for (const auto& [key, flow] : places_[socket.worker()].flows) flow->on_writable();
}

std::unique_ptr<Flow> Server::open_datagrams(const FlowKey& key, const FlowPlan& plan) {
  Place& place = places_[Core::here().worker()];
  std::unique_ptr<Flow> flow = make_udp_flow(*place.socket, key, plan);
  place.flows[key] = flow.get();
  return flow;
}

co::Task<> Server::forget_datagrams() {
  std::function<void(std::uint32_t)> forget = [this](std::uint32_t worker) {
    places_[worker].flows.clear();
  };
  co_await everywhere(engine_, std::move(forget));
}

}  // namespace sluice::perf

#include <memory>
#include <optional>
#include <utility>

#include "tools/sluice/perf/flow.hpp"
#include "tools/sluice/perf/tcp_sender.hpp"
#include "tools/sluice/perf/tcp_view.hpp"

namespace sluice::perf {
namespace {

class TcpFlow final : public Flow, private Timer {
 public:
  TcpFlow(co::Stream stream, const FlowPlan& plan);

  void start() override;
  void stop() override;
  void close() override;
  FlowCount begin_counting() override;
  FlowCount count() override;
  EndFacts::Extremes extremes() const override { return view_.extremes(); }
  std::uint64_t received() const override { return bytes_read_; }
  std::uint64_t sent() const override { return sender_ ? sender_->bytes() : 0; }

 private:
  co::Task<> read_all();
  void on_read(std::uint32_t bytes);
  void on_timer() override;
  void trace(const Stream& stream);

  const FlowPlan plan_;
  Budget* budget_;
  co::Stream stream_;
  TcpView view_;
  bool is_running_ = false;
  bool is_closed_ = false;
  std::uint64_t bytes_read_ = 0;
  std::optional<TcpSender> sender_;
  // They end before what they use does.
  std::optional<co::Task<>> sending_;
  std::optional<co::Task<>> reading_;
};

TcpFlow::TcpFlow(co::Stream stream, const FlowPlan& plan)
    : plan_(plan), budget_(&plan_.first_budget()), stream_(std::move(stream)) {
  Stream* const raw = stream_.raw();
  if (raw == nullptr) return;
  raw->set_nodelay(plan_.parameters.nodelay);
  tcp::Algorithm algorithm = {};
  if (tcp::parse_algorithm(plan_.congestion, algorithm)) raw->set_congestion(algorithm);
  if (plan_.sends) sender_.emplace(stream_, plan_);
}

void TcpFlow::start() {
  is_running_ = true;
  if (plan_.sends || plan_.trace != nullptr) Core::here().arm(*this, plan_.sample_interval);
  if (sender_) sending_.emplace(sender_->run()).start();
  reading_.emplace(read_all()).start();
}

void TcpFlow::stop() {
  is_running_ = false;
  disarm();
  if (sender_) sender_->stop();
  sending_.reset();  // with the byte that waits for room
}

void TcpFlow::close() {
  stop();
  is_closed_ = true;
  stream_.close();
}

FlowCount TcpFlow::begin_counting() {
  budget_ = plan_.budget;
  if (sender_) sender_->begin_counting();
  return count();
}

FlowCount TcpFlow::count() {
  FlowCount count;
  count.bytes = sender_ ? sender_->bytes() : bytes_read_;
  if (!plan_.sends) return count;
  if (const Stream* const stream = stream_.raw()) view_.look(*stream);
  count.tcp = view_.facts();
  count.rtt = view_.take_rtts();
  return count;
}

// A sender's peer has nothing to say but that it goes.
co::Task<> TcpFlow::read_all() {
  co_await co::sleep(Duration());  // not out of start()
  co::Outcome end = co::Outcome::ok;
  while (end == co::Outcome::ok) {
    auto bytes = co_await stream_.read();
    end = bytes.outcome();
    if (bytes) on_read(bytes->size());
  }
  if (!is_closed_ && plan_.on_lost) plan_.on_lost(end);
}

void TcpFlow::on_read(std::uint32_t bytes) {
  if (!is_running_ || plan_.sends) return;
  bytes_read_ += bytes;
  budget_->moved(bytes);
}

void TcpFlow::on_timer() {
  const Stream* const stream = stream_.raw();
  if (stream == nullptr) return;
  Core::here().arm(*this, plan_.sample_interval);
  if (plan_.sends) view_.sample(*stream);
  if (sender_) sender_->follow_path();
  if (plan_.trace != nullptr) trace(*stream);
}

void TcpFlow::trace(const Stream& stream) {
  const StreamStats stats = stream.stats();
  plan_.trace->add({.id = plan_.id,
                    .at = Core::here().now(),
                    .in_flight = stats.in_flight,
                    .tcp = stream.snapshot()});
}

}  // namespace

std::unique_ptr<Flow> make_tcp_flow(co::Stream stream, const FlowPlan& plan) {
  return std::make_unique<TcpFlow>(std::move(stream), plan);
}

}  // namespace sluice::perf

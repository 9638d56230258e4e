#include "tools/sluice/perf/tcp_sender.hpp"

#include <algorithm>
#include <utility>

namespace sluice::perf {
namespace {

// Bytes beyond those in flight: several turns of a core at 40 Gbit/s; and what is on its way to the
// peer, but was not counted there, when a test ends.
constexpr std::uint32_t kMostUnsent = 262'144;

// What may be under way at first: a peer that reads slowly has room for far more, and would be told
// of bytes that it has not read by the end. Long paths get more.
constexpr std::uint32_t kFirstSendBuffer = 1 << 20;

constexpr Duration kPeriod = Duration::microseconds(250);

// What leaves together: whole bursts, or else the segments of a period, and no more than a block.
std::uint64_t unit_of(const Parameters& parameters, std::uint64_t mss) {
  const std::uint64_t block = parameters.block_bytes;
  if (parameters.burst > 0) return block * parameters.burst;
  const std::uint64_t segments = Pacer::bytes_in(kPeriod, parameters.paced_bits_per_second()) / mss;
  return std::min(block, std::max<std::uint64_t>(segments, 1) * mss);
}

}  // namespace

TcpSender::TcpSender(co::Stream& stream, const FlowPlan& plan)
    : stream_(stream),
      budget_(&plan.first_budget()),
      whole_budget_(*plan.budget),
      block_bytes_(plan.parameters.block_bytes),
      most_send_buffer_(plan.most_send_buffer),
      payload_(plan.parameters.repeating_payload),
      pacer_(plan.parameters.paced_bits_per_second(),
             unit_of(plan.parameters, std::max(stream.raw()->snapshot().snd_mss, 1U))) {
  stream.raw()->set_unsent_low_water(kMostUnsent);
  if (plan.parameters.window_bytes != 0) return;
  send_buffer_ = std::min(kFirstSendBuffer, most_send_buffer_);
  stream.raw()->set_send_buffer(send_buffer_);
}

void TcpSender::begin_counting() {
  budget_ = &whole_budget_;
  claimed_ = withheld_ = 0;
  claim();  // also for a byte that waits for room
}

void TcpSender::follow_path() {
  Stream* const stream = stream_.raw();
  if (stream == nullptr || send_buffer_ == 0) return;
  const tcp::Snapshot now = stream->snapshot();
  const double on_path =
      static_cast<double>(now.delivery_rate) * 1e-9 * static_cast<double>(now.min_rtt.ns());
  const double wanted = std::min(2 * on_path, static_cast<double>(most_send_buffer_));
  if (wanted <= send_buffer_) return;
  send_buffer_ = static_cast<std::uint32_t>(wanted);
  stream->set_send_buffer(send_buffer_);
}

co::Task<> TcpSender::run() {
  co_await co::sleep(Duration());  // others begin, too
  pacer_.start(Core::here().now());
  while (is_running_) {
    const std::optional<Duration> rest = send_due();
    if (rest) {
      if (!co_await co::sleep(*rest)) co_return;
    } else {
      // The next byte brings the wait for room with it.
      if (!co_await stream_.write(payload_.at(bytes_, 1))) co_return;
      on_accepted(1);
    }
  }
}

// Sends what may be sent. How long to rest then; nothing: until there is room.
std::optional<Duration> TcpSender::send_due() {
  while (is_running_ && claim()) {
    const Duration rest = pacer_.until_due(Core::here().now());
    if (rest > Duration()) return std::max(rest, kPacingRest);
    if (!send_some()) return std::nullopt;
  }
  return is_running_ ? settle() : Duration();
}

// All that the budget had was accepted. How long to rest.
Duration TcpSender::settle() {
  const Stream* const stream = stream_.raw();
  if (stream == nullptr) return kBudgetPatience;
  if (stream->snapshot().notsent_bytes > 0) return Duration();
  budget_->moved(std::exchange(withheld_, 0));
  if (std::exchange(saw_end_, budget_->is_reached())) budget_->lift();
  return kBudgetPatience;
}

// There is something to send.
bool TcpSender::claim() {
  if (claimed_ > 0) return true;
  const std::uint32_t blocks = std::max(kMaxPayloadPiece / block_bytes_, 1U);
  claimed_ = std::uint64_t{block_bytes_} * budget_->claim(block_bytes_, blocks);
  if (claimed_ > 0) budget_->moved(std::exchange(withheld_, 0));
  return claimed_ > 0 && is_running_;  // which the budget may have ended
}

// False when not all that is due was accepted.
bool TcpSender::send_some() {
  Stream* const stream = stream_.raw();
  if (stream == nullptr) return false;
  const std::uint64_t due = std::min(claimed_, pacer_.due(Core::here().now()));
  const auto piece = static_cast<std::uint32_t>(std::min<std::uint64_t>(due, kMaxPayloadPiece));
  const std::uint32_t taken = stream->send(payload_.at(bytes_, piece));
  on_accepted(taken);
  return taken == piece;
}

void TcpSender::on_accepted(std::uint32_t bytes) {
  if (!is_running_) return;
  bytes_ += bytes;
  claimed_ -= std::min<std::uint64_t>(bytes, claimed_);
  pacer_.sent(bytes);
  withheld_ += bytes;
}

}  // namespace sluice::perf

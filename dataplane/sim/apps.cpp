#include "dataplane/sim/apps.hpp"

#include <algorithm>
#include <memory>

#include "dataplane/sim/pattern.hpp"

namespace sluice::sim {

Slice LentFrames::lend(std::uint64_t seed, std::uint64_t position, std::uint32_t length) {
  if (free_.empty()) {
    frames_.push_back(std::make_unique<Frame>());
    frames_.back()->home = this;
    free_.push_back(frames_.back().get());
  }
  Frame& frame = *free_.back();
  free_.pop_back();
  const Bytes pattern = pattern_at(seed, position);
  frame.data = const_cast<std::uint8_t*>(pattern.data());  // which nobody writes to
  frame.capacity = static_cast<std::uint32_t>(std::min<std::size_t>(pattern.size(), length));
  return {frame, 0, frame.capacity};
}

// --- opening --------------------------------------------------------------------------------

void Endpoint::open(const ConnectOptions& options, std::uint32_t core) {
  connect_ = options;
  core_number_ = core;
  core_ = &parts_.host.core(core);
  core_->shard().on_command(ConnectCommand{options, this}, core_->now());
}

// There may be keys of the steering hash with which no local port leads a flow to this core.
void Endpoint::on_connect_failed(std::string_view) {
  const std::uint32_t next = (core_number_ + 1) % parts_.host.cores();
  const Instant later = core_->now() + Duration::milliseconds(500);
  parts_.host.core(next).schedule(later, [this, next] { open(connect_, next); });
}

StreamEvents* Endpoint::accept(Stream& stream) {
  if (was_accepted_) return nullptr;
  core_ = &parts_.host.core(stream.id().worker);
  was_accepted_ = true;
  return this;
}

void Endpoint::on_open(Stream& stream) {
  if (stream_ != nullptr) parts_.verdict.fail(parts_.name + ": opened twice");
  stream_ = &stream;
  stream.set_nodelay(plan().nodelay);
  // Without it, an end that only waits never learns that the other has gone.
  if (parts_.may_fail) stream.set_keepalive(Duration::seconds(20));
  if (plan().send_for > Duration()) {
    core_->schedule(core_->now() + plan().send_for, [this] { end_sending(); });
  }
  pump();
}

// --- sending --------------------------------------------------------------------------------

void Endpoint::end_sending() {
  is_time_over_ = true;
  pump();
}

std::uint64_t Endpoint::allowance() const {
  if (is_time_over_) return sent_;
  const std::uint64_t earned = received_.received() / plan().unit_in * plan().unit_out;
  if (plan().head_start >= plan().send_bytes) return plan().send_bytes;
  return std::min(plan().send_bytes, plan().head_start + earned);
}

// One byte more than there is room for is enough to learn that it is full.
std::uint32_t Endpoint::offer(std::uint32_t length) {
  length = std::min(length, stream_->send_space() + 1);
  if (plan().by_reference) return stream_->send(parts_.lent.lend(parts_.send_seed, sent_, length));
  scratch_.resize(length);
  fill_pattern(parts_.send_seed, sent_, scratch_);
  return stream_->send(Bytes(scratch_));
}

void Endpoint::pump() {
  if (stream_ == nullptr || closed_) return;
  if (plan().echo) {
    pump_echo();
    read_now();
    return step_end();
  }
  while (sent_ < allowance()) {
    const auto length =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(plan().chunk, allowance() - sent_));
    const std::uint32_t space = stream_->send_space();
    const std::uint32_t taken = offer(length);
    if (taken > length) parts_.verdict.fail(parts_.name + ": took more than was offered");
    sent_ += taken;
    if (taken >= space || taken == 0) break;
  }
  step_end();
}

void Endpoint::pump_echo() {
  while (!to_echo_.empty()) {
    Slice& slice = to_echo_.front();
    const std::uint32_t taken = stream_->send(slice);
    sent_ += taken;
    slice.drop_front(taken);
    if (!slice.empty()) return;
    to_echo_.erase(to_echo_.begin());
  }
}

void Endpoint::on_writable(Stream&) {
  pump();
}

// --- receiving ------------------------------------------------------------------------------

void Endpoint::count(Bytes bytes) {
  const Instant now = core_->now();
  parts_.progress.on_bytes(now);
  last_bytes_at_ = now;
  if (now >= parts_.measured.from && now < parts_.measured.to) measured_bytes_ += bytes.size();
  // What a planted fault does once, in the midst of the stream.
  const bool strikes = !has_erred_ && received_.received() > 10'000;
  has_erred_ = has_erred_ || strikes;
  if (strikes && parts_.fault == Fault::skipped_delivery) return;
  if (strikes && parts_.fault == Fault::duplicated_delivery) received_.on_received(bytes);
  received_.on_received(bytes);
}

void Endpoint::take(Slice slice) {
  count(slice.bytes());
  if (!plan().echo) return;
  to_echo_.push_back(std::move(slice));
  pump_echo();
}

void Endpoint::read_now() {
  // An echo takes no more while it holds what it could not send: it would pin memory for nothing.
  while (stream_ != nullptr && !closed_ && stream_->readable() > 0 && to_echo_.empty()) {
    const std::uint32_t before = stream_->readable();
    Slice slice = stream_->read();
    if (slice.empty() || stream_->readable() + slice.size() != before) {
      return parts_.verdict.fail(parts_.name + ": readable() and read() disagree");
    }
    take(std::move(slice));
  }
}

void Endpoint::on_readable(Stream&) {
  if (plan().read_bytes == 0) {
    read_now();
    return pump();
  }
  if (ticking_) return;
  ticking_ = true;
  core_->schedule(core_->now() + plan().read_tick, [this] { tick(); });
}

void Endpoint::tick() {
  ticking_ = false;
  if (stream_ == nullptr || closed_) return;
  std::uint32_t left = plan().read_bytes;
  while (left > 0) {
    Slice slice = stream_->read(left);
    if (slice.empty()) break;
    left -= slice.size();
    take(std::move(slice));
  }
  if (stream_->readable() > 0) on_readable(*stream_);
  pump();
}

// --- the end --------------------------------------------------------------------------------

void Endpoint::step_end() {
  if (stream_ == nullptr || closed_ || parts_.fault == Fault::lost_connection) return;
  const bool all_sent = sent_ == total();
  const bool all_received = received_.received() == expected();
  if (sent_ + received_.received() >= plan().abort_after) {
    closed_ = true;
    to_echo_.clear();
    return stream_->abort();
  }
  const bool lets_go = (plan().closes_first && all_received) || peer_closed_;
  if (all_sent && lets_go) {
    closed_ = true;
    return stream_->close();
  }
  if (all_sent && plan().half_close && !finished_sending_) {
    finished_sending_ = true;
    stream_->shutdown_send();
  }
}

void Endpoint::on_peer_closed(Stream&) {
  if (!parts_.may_fail) received_.on_end(expected());
  peer_closed_ = true;
  pump();
}

void Endpoint::on_closed(Stream&, CloseReason reason) {
  if (ended_) parts_.verdict.fail(parts_.name + ": closed twice");
  ended_ = true;
  ended_at_ = core_->now();
  stream_ = nullptr;
  to_echo_.clear();
  if (parts_.may_fail) return;
  const bool said_all = closed_ || finished_sending_;
  const bool forgotten = parts_.may_be_forgotten && reason == CloseReason::reset && said_all;
  if (reason != CloseReason::normal && !forgotten) {
    parts_.verdict.fail(describe() + ": " + std::string(tcp::close_reason_name(reason)));
  }
  if (!forgotten) received_.on_end(expected());
}

std::string Endpoint::describe() const {
  std::string text = parts_.name + " sent " + std::to_string(sent_) + "/" +
                     std::to_string(total()) + " received " + std::to_string(received_.received()) +
                     "/" + std::to_string(expected());
  if (stream_ == nullptr) return text + (ended_ ? " (ended)" : " (not open)");
  const StreamStats stats = stream_->stats();
  text += " " + std::string(tcp::state_name(stats.state)) + " cwnd " +
          std::to_string(stats.congestion_window) + " readable " +
          std::to_string(stream_->readable()) + " space " + std::to_string(stream_->send_space()) +
          " timeouts " + std::to_string(stats.counters.timeouts);
  return text;
}

}  // namespace sluice::sim

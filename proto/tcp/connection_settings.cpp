// What an application chooses for one connection.
#include <algorithm>

#include "proto/tcp/connection.hpp"

namespace sluice::tcp {

void Connection::set_nodelay(bool on) {
  nagle_ = !on;
  flush_due_ = on;
}

void Connection::set_cork(bool on) {
  corked_ = on;
  if (!on) more_follows_ = false;
}

void Connection::set_quick_ack(bool on) {
  ack_debt_.set_quick(on);
}

// RFC 9293 MUST-16: the options that every segment carries are among the bytes.
void Connection::set_max_segment(std::uint32_t bytes) {
  options_.max_segment = std::max(bytes, kMinSendMss);
  if (!is_synchronized(state_)) return;
  const std::uint32_t payload = options_.max_segment - (timestamps_on_ ? kTimestampsLength : 0);
  if (payload < send_mss_) use_smaller_mss(payload);
}

void Connection::set_receive_buffer(std::uint32_t bytes) {
  options_.receive_buffer = bytes;
  receive_tuning_.fix(bytes);
}

void Connection::set_send_buffer(std::uint32_t bytes) {
  options_.send_buffer = send_buffer_bytes_ = bytes;
}

void Connection::set_congestion(Algorithm algorithm, Instant now) {
  const std::uint32_t window = congestion_->window();
  congestion_.choose(algorithm);
  if (is_synchronized(state_)) start_congestion(window, now);
}

void Connection::set_keepalive(Duration idle, Instant now) {
  options_.keepalive_idle = idle;
  probes_sent_ = 0;
  const bool on = idle > Duration() && is_synchronized(state_);
  keepalive_deadline_ = on ? now + idle : Instant::never();
}

void Connection::set_user_timeout(Duration timeout) {
  options_.has_user_timeout = timeout > Duration();
  options_.user_timeout = options_.has_user_timeout ? timeout : settings_.user_timeout;
}

}  // namespace sluice::tcp

#include "proto/tcp/profile.hpp"

#include <algorithm>

namespace sluice::tcp {
namespace {

// Retries end the wait.
constexpr Duration kWithoutEnd = Duration::seconds(24 * 3600);

}  // namespace

Duration patience_of(std::uint32_t retries, Duration first, Duration max) {
  Duration sum;
  Duration next = first;
  for (std::uint32_t i = 0; i <= retries; ++i) {
    sum = sum + next;
    next = std::min(next * 2, max);
  }
  return sum;
}

Settings linux_settings() {
  Settings settings;
  settings.as_linux = true;
  settings.gives_up_unreachable = true;
  settings.receive_buffer_bytes = 15 << 20;
  settings.initial_receive_buffer_bytes = 65'536;
  settings.send_buffer_bytes = 4 << 20;
  settings.round_initial_window = true;
  settings.adaptive_acks = true;
  settings.max_rto = Duration::seconds(120);
  settings.challenge_acks = 1;
  settings.challenge_period = Duration::milliseconds(500);
  settings.syn_retries = 6;
  settings.syn_ack_retries = 5;
  settings.connect_timeout = settings.handshake_timeout = kWithoutEnd;
  settings.user_timeout = patience_of(15, settings.min_rto, settings.max_rto);
  settings.orphan_timeout = patience_of(8, settings.min_rto, settings.max_rto);
  return settings;
}

Settings strict_settings() {
  Settings settings;
  settings.min_rto = Duration::seconds(1);      // RFC 6298 R6298-4
  settings.quick_acks = 0;                      // RFC 9293 SHLD-18, SHLD-19
  settings.nagle_by_the_book = true;            // RFC 9293 R9293-3
  settings.time_wait = Duration::seconds(240);  // RFC 9293 MUST-13
  return settings;
}

}  // namespace sluice::tcp

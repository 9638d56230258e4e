#include "proto/tcp/receive_autotuning.hpp"

#include <algorithm>

namespace sluice::tcp {
namespace {

// Echoed timestamps tick once a millisecond, and it takes about as long until a sleeper has woken
// and worked off what came meanwhile.
constexpr Duration kShortestRound = Duration::milliseconds(1);
// Beyond, an echo tells of a peer that was silent, or of one that lies.
constexpr Duration kLongestEcho = Duration::seconds(10);

}  // namespace

void ReceiveAutotuning::start(std::uint32_t start_bytes, std::uint32_t limit_bytes, Instant now) {
  buffer_bytes_ = start_bytes;
  limit_bytes_ = limit_bytes;
  round_began_ = now;
}

void ReceiveAutotuning::on_echo(Duration elapsed) {
  if (elapsed <= Duration() || elapsed > kLongestEcho) return;
  if (shortest_echo_ == Duration() || elapsed < shortest_echo_) shortest_echo_ = elapsed;
}

Duration ReceiveAutotuning::round_trip(Duration known_rtt) const {
  return std::max({kShortestRound, known_rtt, echo_rtt_});
}

void ReceiveAutotuning::on_text(Duration known_rtt, bool may_grow, Instant now) {
  const Duration round_trip = this->round_trip(known_rtt);
  const Duration lasted = now - round_began_;
  if (lasted < round_trip) return;
  // Rounds last longer when text comes rarely.
  const auto share = static_cast<double>(round_trip.ns()) / static_cast<double>(lasted.ns());
  grow(static_cast<std::uint64_t>(static_cast<double>(taken_) * share), may_grow);
  // What the peer waited makes an echo late, never early.
  const bool is_less = echo_rtt_ == Duration() || shortest_echo_ < echo_rtt_;
  if (shortest_echo_ > Duration()) {
    echo_rtt_ = is_less ? shortest_echo_ : (echo_rtt_ * 7 + shortest_echo_) / 8;
  }
  shortest_echo_ = Duration();
  taken_ = 0;
  round_began_ = now;
}

// What is announced now is used one round trip later, in which slow start doubles once more.
void ReceiveAutotuning::grow(std::uint64_t per_round_trip, bool may_grow) {
  const std::uint64_t risen = per_round_trip - std::min(per_round_trip, last_taken_);
  last_taken_ = per_round_trip;
  const std::uint64_t wanted =
      std::min<std::uint64_t>(2 * (per_round_trip + 2 * risen), limit_bytes_);
  if (may_grow && wanted > buffer_bytes_) buffer_bytes_ = static_cast<std::uint32_t>(wanted);
}

}  // namespace sluice::tcp

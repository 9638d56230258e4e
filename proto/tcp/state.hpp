// The eleven states of RFC 9293 3.3.2.
//
// LISTEN lives in the shard's listeners, TIME-WAIT in time_wait.hpp and CLOSED is the absence of
// any of them; a Connection passes through all the others.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::tcp {

enum class State : std::uint8_t {
  closed,
  listen,
  syn_sent,
  syn_received,
  established,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
  time_wait,
};

// As the RFC writes it: "FIN-WAIT-1".
std::string_view state_name(State state);

// Both ends know each other's sequence numbers (RFC 9293 3.5.2).
constexpr bool is_synchronized(State state) {
  return state >= State::established;
}

// The peer's text is still welcome (RFC 9293 3.10.7.4, seventh step).
constexpr bool can_receive(State state) {
  return state == State::established || state == State::fin_wait_1 || state == State::fin_wait_2;
}

}  // namespace sluice::tcp

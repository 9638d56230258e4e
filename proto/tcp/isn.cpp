#include "proto/tcp/isn.hpp"

namespace sluice::tcp {

Seq initial_sequence(const FlowKey& flow, const SipKey& secret, Instant now) {
  const auto clock = static_cast<std::uint32_t>(now.ns() / 4'000);
  return Seq(clock + static_cast<std::uint32_t>(siphash(secret, flow)));
}

std::uint32_t timestamp_offset(const FlowKey& flow, const SipKey& secret) {
  return static_cast<std::uint32_t>(siphash(secret, flow));
}

}  // namespace sluice::tcp

// Initial sequence numbers and timestamp offsets that outsiders cannot guess.
#pragma once

#include <cstdint>

#include "proto/base/siphash.hpp"
#include "proto/base/time.hpp"
#include "proto/flow.hpp"
#include "proto/tcp/seq.hpp"

namespace sluice::tcp {

// ISN = M + F(flow, secret); M ticks every 4 us, F is SipHash with a 128-bit key.
// RFC 9293 MUST-8, MUST-9, SHLD-1; RFC 6528 R6528-1, R6528-2.
Seq initial_sequence(const FlowKey& flow, const SipKey& secret, Instant now);

// RFC 7323 R7323-21: the same for the same flow, so that PAWS holds across incarnations.
std::uint32_t timestamp_offset(const FlowKey& flow, const SipKey& secret);

}  // namespace sluice::tcp

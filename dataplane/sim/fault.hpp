// Known faults, planted so that anyone can see the checkers catch them. None is in the stack's own
// sources: each falsifies what passes between the stack and the simulated world, as the bug that it
// stands for would.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "proto/base/bytes.hpp"

namespace sluice::sim {

enum class Fault : std::uint8_t {
  none,
  window_off_by_one,
  shrinking_window,
  early_ack,
  forgotten_rto,
  lost_frame,
  lost_connection,
  corrupted_byte,
  duplicated_delivery,
  skipped_delivery,
  bad_offload,
  restless_timer,
};

struct FaultRow {
  Fault fault;
  std::uint32_t host;       // where it is planted
  std::string_view name;    // for --break
  std::string_view effect;  // one line, for people
  std::string_view caught;  // a part of what the checker says
};

std::span<const FaultRow> all_faults();
// Fault::none for an unknown name.
Fault fault_of(std::string_view name);

// True for the host where the fault is planted: host 0 sends most of the text, host 1 most of the
// acknowledgements.
bool is_planted_in(std::uint32_t host, Fault fault);

// What a fault does to packets, [virtio_net_hdr | IP packet].

// On its way from the stack to the checkers.
void falsify_sent(Fault fault, MutableBytes whole);
// On its way to the stack, once the checkers know it.
void falsify_received(Fault fault, MutableBytes whole);
// On the wire.
void falsify_crossing(Fault fault, MutableBytes whole);

}  // namespace sluice::sim

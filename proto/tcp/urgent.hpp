// Urgent data (RFC 9293 3.8.5, RFC 6093): what a connection remembers of it, which few ever use.
//
// What is urgent is never told apart from what comes before it: the pointer says where it ends. By
// tradition its last byte, the urgent byte, may be had out of line; it lies at the mark.
#pragma once

#include <cstdint>

#include "proto/tcp/seq.hpp"

namespace sluice::tcp {

// Of the peer's stream.
enum class UrgentByte : std::uint8_t {
  none,     // announced, or it was read past
  awaited,  // what comes before it has not all arrived
  here,
  taken,  // out of line, and not yet read past
};

// What may be read at once: `length` bytes, after `skipped` that are left out.
struct ReadableRun {
  std::uint32_t skipped = 0;
  std::uint32_t length = 0;
};

struct Urgent {
  Seq snd_up;               // SND.UP: behind our last urgent byte, while is_sending
  Seq mark;                 // RCV.UP - 1: of the peer's urgent byte, while has_mark
  bool is_sending = false;  // not all that is urgent was known to be acknowledged
  bool was_told = false;    // by the first half of a window probe
  bool has_mark = false;    // not read past
  bool is_taken = false;
  bool is_inline = true;
};

}  // namespace sluice::tcp

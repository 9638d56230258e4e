// Which offloads really work here: kernels have shipped broken ones. Known patterns go through a
// device in a network namespace of its own, in each direction: to a local socket, from one, and
// back out of the device, cut and summed by the kernel. (Local delivery alone hides wrong sums.)
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/io/tun.hpp"

namespace sluice::io {

enum class Offload : std::uint8_t { checksum, tso4, tso6, uso4, uso6 };
inline constexpr std::size_t kOffloadKinds = 5;

// "checksum", "tso4", ...
std::string_view name_of(Offload offload);

struct OffloadVerdict {
  enum class State : std::uint8_t {
    works,
    refused,   // the kernel does not take it
    broken,    // a pattern came out wrong, or not at all
    untested,  // taken, but the test itself was not possible
  };
  State state = State::untested;
  std::string why;  // one line, but for `works`
};

struct OffloadReport {
  std::array<OffloadVerdict, kOffloadKinds> verdicts;
  std::string skipped;  // why nothing was tested, in one line; empty when something was

  const OffloadVerdict& of(Offload offload) const;
  // Of `wanted`, what to ask a device for: what is neither refused nor broken.
  Offloads usable(const Offloads& wanted) const;
  // A line for each offload that is broken, or the one why nothing was tested.
  std::vector<std::string> complaints() const;
};

// Takes some 20 ms, and 2 seconds when nothing works at all; nothing stays behind. Never throws for
// what the machine does not permit: then the report is `skipped`. From any thread: it works on one
// of its own. Throws std::system_error when there is no thread to be had.
OffloadReport check_offloads();

}  // namespace sluice::io

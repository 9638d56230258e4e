// What streams send: random bytes, or digits. A core has one of each, whatever the number of its
// streams, so that it stays in the cache; it lives as long as somebody holds a piece of it.
#pragma once

#include <cstdint>

#include "proto/base/frame.hpp"

namespace sluice::perf {

inline constexpr std::uint32_t kMaxPayloadPiece = 65'536;  // bytes

class Payload {
 public:
  // This core's. Digits: 0123456789 over and over.
  explicit Payload(bool is_digits);
  // What stands at a position of the stream, by reference; at most kMaxPayloadPiece bytes.
  Slice at(std::uint64_t position, std::uint32_t bytes) const;

 private:
  Slice all_;
  std::uint32_t period_;  // after which it repeats
};

}  // namespace sluice::perf

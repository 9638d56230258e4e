// One number for everything that crossed the wires, and when: two runs with the same digest were
// the same. Fast rather than strong: nobody forges packets against it.
#pragma once

#include <cstdint>
#include <cstring>

#include "proto/base/bytes.hpp"

namespace sluice::sim {

class Digest {
 public:
  void add(std::uint64_t word) { value_ = mix(value_ ^ word, kFactor); }

  void add(Bytes bytes) {
    add(bytes.size());
    std::uint64_t a = value_, b = ~value_, c = kFactor, d = ~kFactor;  // side by side
    const std::uint8_t* at = bytes.data();
    const std::uint8_t* const end = at + bytes.size();
    for (; end - at >= 32; at += 32) {
      a = step(a, at);
      b = step(b, at + 8);
      c = step(c, at + 16);
      d = step(d, at + 24);
    }
    for (; at < end; ++at) a = mix(a ^ *at, kFactor);
    add(a ^ (b << 16 | b >> 48));
    add(c ^ (d << 16 | d >> 48));
  }

  std::uint64_t value() const { return value_; }

 private:
  static constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15ULL;

  static std::uint64_t step(std::uint64_t lane, const std::uint8_t* bytes) {
    std::uint64_t word;
    std::memcpy(&word, bytes, 8);
    lane = (lane ^ word) * kFactor;
    return lane << 29 | lane >> 35;
  }
  static std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    const std::uint64_t product = (a ^ (a >> 29)) * (b | 1);
    return product ^ (product >> 32);
  }

  std::uint64_t value_ = kFactor;
};

}  // namespace sluice::sim

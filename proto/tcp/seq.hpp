// Sequence numbers: 32 bits, compared modulo 2^32 (RFC 9293 3.4).
#pragma once

#include <cstdint>

namespace sluice::tcp {

class Seq {
 public:
  constexpr Seq() = default;
  explicit constexpr Seq(std::uint32_t value) : value_(value) {}

  constexpr std::uint32_t value() const { return value_; }

  // Meaningful while the two lie less than 2^31 apart.
  constexpr bool operator==(const Seq&) const = default;
  constexpr bool operator<(Seq other) const { return (*this - other) < 0; }
  constexpr bool operator<=(Seq other) const { return (*this - other) <= 0; }
  constexpr bool operator>(Seq other) const { return (*this - other) > 0; }
  constexpr bool operator>=(Seq other) const { return (*this - other) >= 0; }

  constexpr std::int32_t operator-(Seq other) const {
    return static_cast<std::int32_t>(value_ - other.value_);
  }
  constexpr Seq operator+(std::uint32_t bytes) const { return Seq(value_ + bytes); }
  constexpr Seq operator-(std::uint32_t bytes) const { return Seq(value_ - bytes); }
  constexpr Seq& operator+=(std::uint32_t bytes) {
    value_ += bytes;
    return *this;
  }

 private:
  std::uint32_t value_ = 0;
};

constexpr Seq max(Seq a, Seq b) {
  return a < b ? b : a;
}
constexpr Seq min(Seq a, Seq b) {
  return a < b ? a : b;
}

// Bytes from `from` up to `to`, which does not lie before it.
constexpr std::uint32_t distance(Seq from, Seq to) {
  return to.value() - from.value();
}

}  // namespace sluice::tcp

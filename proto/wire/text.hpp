// Text and numbers, one after the other: what format and describe write with.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "proto/base/bytes.hpp"

namespace sluice::wire {

// A number to be written as "0x00ff", with at least `digits` digits.
struct Hex {
  std::uint64_t value = 0;
  int digits = 2;
};

class Text {
 public:
  Text& operator<<(std::string_view text) {
    text_ += text;
    return *this;
  }
  Text& operator<<(std::uint64_t number) { return put(number, 10, 1); }
  Text& operator<<(Hex hex) { return (*this << "0x").put(hex.value, 16, hex.digits); }
  // Pairs of digits with a space between them.
  Text& operator<<(Bytes bytes) {
    for (const std::uint8_t& byte : bytes) {
      if (&byte != bytes.data()) text_ += ' ';
      put(byte, 16, 2);
    }
    return *this;
  }

  void pad(std::size_t spaces) { text_.append(spaces, ' '); }
  bool empty() const { return text_.empty(); }
  std::string take() { return std::move(text_); }

 private:
  Text& put(std::uint64_t number, int base, int min_digits) {
    char digits[20];
    char* const end = std::to_chars(digits, digits + sizeof digits, number, base).ptr;
    for (auto n = end - digits; n < min_digits; ++n) text_ += '0';
    text_.append(digits, end);
    return *this;
  }

  std::string text_;
};

}  // namespace sluice::wire

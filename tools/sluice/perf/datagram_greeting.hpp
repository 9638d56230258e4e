// What opens a stream over UDP, and the answer. Before 3.12 they were other numbers, in the byte
// order of the host, which is taken for little-endian here.
#pragma once

#include <string_view>

#include "proto/base/bytes.hpp"

namespace sluice::perf {

inline constexpr std::string_view kGreeting = "9876";
inline constexpr std::string_view kGreetingAnswer = "6789";
inline constexpr std::string_view kOldGreeting = "\x15\xcd\x5b\x07";
inline constexpr std::string_view kOldGreetingAnswer = "\xb1\x68\xde\x3a";

inline Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace sluice::perf

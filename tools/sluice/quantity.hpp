// Numbers with units, as people write them. Each function throws BadQuantity, one line that says
// what would be right.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string_view>

#include "proto/base/time.hpp"

namespace sluice {

class BadQuantity : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// "20ms", "1.5s", "50us", "100ns", "2m" (minutes); "0".
Duration parse_duration(std::string_view text);
// "0.5%" or "0.005": 0 to 1.
double parse_share(std::string_view text);
// Bits a second: "100M", "2.5G", "64k", "9600"; "bit" may follow. A k is 1,000, and so on to t; the
// case does not matter.
std::uint64_t parse_rate(std::string_view text);
// Bytes: "256k", "4M", "1500"; a k is 1,024, and so on to t; the case does not matter.
std::uint64_t parse_size(std::string_view text);

}  // namespace sluice

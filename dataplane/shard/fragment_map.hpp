// Which bytes of a datagram have come, and where each fragment that brought them began.
#pragma once

#include <bitset>
#include <cstdint>

namespace sluice {

class FragmentMap {
 public:
  enum class Place : std::uint8_t { free, duplicate, overlap };

  // Both in bytes, begin < end <= 65,536; begin is a multiple of 8, and end is rounded up to one.
  Place place(std::uint32_t begin, std::uint32_t end) const;
  void add(std::uint32_t begin, std::uint32_t end);

 private:
  static constexpr std::uint32_t kUnits = 8'192;  // of 8 bytes: 64 KiB

  std::bitset<kUnits> received_;
  std::bitset<kUnits> begins_;  // units that are the first of a fragment
};

}  // namespace sluice

// The bytes of streams and datagrams that the script does not spell out.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::script {

// Neighbours differ, and so do places that are a segment or a window apart.
inline char pattern_byte(std::uint32_t position) {
  return static_cast<char>(position * 7 + (position >> 8) * 13 + (position >> 16) * 29);
}

inline std::string pattern(std::uint32_t position, std::size_t length) {
  std::string bytes(length, '\0');
  for (char& byte : bytes) byte = pattern_byte(position++);
  return bytes;
}

}  // namespace sluice::script

#include "dataplane/shard/fragment_map.hpp"

#include "proto/base/assert.hpp"

namespace sluice {

FragmentMap::Place FragmentMap::place(std::uint32_t begin, std::uint32_t end) const {
  SLUICE_ASSERT(begin % 8 == 0 && begin < end && end <= kUnits * 8);
  const std::uint32_t first = begin / 8;
  const std::uint32_t behind = (end + 7) / 8;
  std::uint32_t received = 0;
  std::uint32_t begun = 0;
  for (std::uint32_t unit = first; unit < behind; ++unit) {
    received += received_[unit];
    begun += begins_[unit];
  }
  if (received == 0) return Place::free;
  const bool ends_alike = behind == kUnits || begins_[behind] || !received_[behind];
  const bool is_one = received == behind - first && begun == 1 && begins_[first] && ends_alike;
  return is_one ? Place::duplicate : Place::overlap;
}

void FragmentMap::add(std::uint32_t begin, std::uint32_t end) {
  SLUICE_ASSERT(place(begin, end) == Place::free);
  begins_.set(begin / 8);
  for (std::uint32_t unit = begin / 8; unit < (end + 7) / 8; ++unit) received_.set(unit);
}

}  // namespace sluice

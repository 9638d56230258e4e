#include <string_view>

#include "proto/base/assert.hpp"
#include "proto/wire/address.hpp"
#include "tests/fuzz/targets.hpp"

namespace sluice::fuzz {
namespace {

void check_text(std::string_view text) {
  if (const auto address = IpAddress::parse(text)) {
    SLUICE_ASSERT(IpAddress::parse(address->to_string()) == address);
  }
  if (const auto cidr = Cidr::parse(text)) {
    SLUICE_ASSERT(Cidr::parse(cidr->to_string()) == cidr);
    SLUICE_ASSERT(cidr->contains(cidr->address));
    SLUICE_ASSERT(cidr->network() <= cidr->address && cidr->address <= cidr->last());
  }
}

}  // namespace

void fuzz_address(Bytes input) {
  check_text({reinterpret_cast<const char*>(input.data()), input.size()});
  if (input.size() < 16) return;
  const IpAddress address = IpAddress::v6(input.first<16>());
  SLUICE_ASSERT(IpAddress::parse(address.to_string()) == address);
}

}  // namespace sluice::fuzz

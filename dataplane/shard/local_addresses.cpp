#include "dataplane/shard/local_addresses.hpp"

#include <algorithm>
#include <array>

namespace sluice {
namespace {

IpAddress next_address(const IpAddress& address) {
  if (address.is_v4()) return IpAddress::v4(address.v4_bits() + 1);
  std::array<std::uint8_t, 16> bytes = address.bytes();
  for (std::size_t i = bytes.size(); i-- > 0;) {
    if (++bytes[i] != 0) break;
  }
  return IpAddress::v6(bytes);
}

}  // namespace

bool is_one_hosts(const IpAddress& address) {
  return !address.is_unspecified() && !address.is_multicast() && !address.is_broadcast() &&
         !address.is_loopback();
}

bool is_host_address(const Cidr& network, const IpAddress& address) {
  const unsigned host_bits = (address.is_v4() ? 32u : 128u) - network.prefix_length;
  if (host_bits < 2) return true;  // RFC 3021, RFC 6164: point-to-point networks use all
  if (address == network.network()) return false;
  return !address.is_v4() || address != network.last();
}

LocalAddresses::Number LocalAddresses::number_of(const IpAddress& address) {
  return {load_be64(address.bytes().data()), load_be64(address.bytes().data() + 8)};
}

LocalAddresses::LocalAddresses(const std::vector<Cidr>& kernel_side,
                               const std::vector<IpAddress>& own, bool any)
    : any_(any) {
  for (const IpAddress& address : own) {
    own_.push_back(number_of(address));
    std::optional<IpAddress>& first = address.is_v4() ? preferred_v4_ : preferred_v6_;
    if (!first) first = address;
  }
  std::sort(own_.begin(), own_.end());
  for (const Cidr& side : kernel_side) {
    const Number begin = number_of(side.network());
    const Number end = number_of(side.last());
    Network network{side, number_of(side.address), begin, end, begin, end, side.address.is_v4()};
    // No carry: what is left out is the first or the last of at least four addresses.
    if (!is_host_address(side, side.network())) ++network.first.second;
    if (!is_host_address(side, side.last())) --network.last.second;
    networks_.push_back(network);
  }
  if (!preferred_v4_) preferred_v4_ = first_free(true);
  if (!preferred_v6_) preferred_v6_ = first_free(false);
}

bool LocalAddresses::is_own(Number number) const {
  return std::binary_search(own_.begin(), own_.end(), number);
}

bool LocalAddresses::contains(const IpAddress& address) const {
  const Number number = number_of(address);
  const bool is_v4 = address.is_v4();
  bool inside = false;
  for (const Network& network : networks_) {
    if (number == network.kernel) return false;
    inside =
        inside || (is_v4 == network.is_v4 && number >= network.first && number <= network.last);
  }
  return inside || is_own(number) || (any_ && is_one_hosts(address));
}

bool LocalAddresses::may_be_peer(const IpAddress& address) const {
  const Number number = number_of(address);
  const bool is_v4 = address.is_v4();
  bool inside = false;
  for (const Network& network : networks_) {
    if (number == network.kernel) return true;
    inside = inside || (is_v4 == network.is_v4 && number >= network.begin && number <= network.end);
  }
  return !inside && !is_own(number);
}

// Of the kernel's networks.
std::optional<IpAddress> LocalAddresses::first_free(bool v4) const {
  constexpr int kTries = 256;
  for (const Network& network : networks_) {
    const Cidr& side = network.kernel_side;
    if (network.is_v4 != v4) continue;
    for (const IpAddress& start : {side.address, side.network()}) {
      IpAddress candidate = start;
      for (int i = 0; i < kTries; ++i) {
        if (contains(candidate)) return candidate;
        candidate = next_address(candidate);
        if (!side.contains(candidate)) break;
      }
    }
  }
  return std::nullopt;
}

}  // namespace sluice

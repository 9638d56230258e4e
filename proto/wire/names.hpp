// Names of numbers in packets, for people. Source: the IANA registries "Protocol Numbers", "ICMP
// Type Numbers" and "ICMPv6 Parameters". Each is empty for a number that is not named here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::wire {

inline constexpr std::uint8_t kProtocolIgmp = 2;

std::string_view protocol_name(std::uint8_t protocol);
std::string_view icmp_type_name(std::uint8_t type, bool is_v6);
std::string_view icmp_code_name(std::uint8_t type, std::uint8_t code, bool is_v6);
std::string_view igmp_type_name(std::uint8_t type);
std::string_view ipv4_option_name(std::uint8_t type);
std::string_view ipv6_option_name(std::uint8_t type);
std::string_view ecn_name(std::uint8_t traffic_class);  // its lower two bits (RFC 3168)
std::string dscp_name(std::uint8_t traffic_class);      // its upper six: "CS0", "AF11", "EF"

}  // namespace sluice::wire

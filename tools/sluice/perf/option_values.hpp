// What stands behind the options of `sluice perf`, in iperf3's notations. Each function throws
// BadQuantity, one line, when `text` is none of that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "proto/base/time.hpp"
#include "tools/sluice/perf/error_text.hpp"
#include "tools/sluice/quantity.hpp"

namespace sluice::perf {

// A whole number from `low` to `high`; above, what iperf3 says of it.
std::uint32_t parse_whole(std::string_view text, std::uint32_t low, std::uint32_t high,
                          ErrorCode above);
std::uint16_t parse_port(std::string_view text);
// Bytes, with k, m, g or t; above `high`, what iperf3 says of it.
std::uint32_t parse_bytes(std::string_view text, std::uint32_t high, ErrorCode above);
// Seconds, 0.1 to 60, or 0 for none.
double parse_interval(std::string_view text);
Duration parse_milliseconds(std::string_view text, std::uint32_t low, std::uint32_t high,
                            ErrorCode above);
// "100M/4": what stands in front of the slash, and behind it, if there is one.
std::pair<std::string_view, std::optional<std::string_view>> parse_parts(std::string_view text);
// A whole byte, also in octal (010) and in hexadecimal (0x10).
std::uint8_t parse_tos(std::string_view text);
// 0 to 63 in the same notations, or a name: af11 to af43, cs0 to cs7, ef, lowdelay, throughput,
// reliability. As the byte that it stands in.
std::uint8_t parse_dscp(std::string_view text);
// "cubic,bbr", in any case, each checked; as Linux names them.
std::string parse_congestion(std::string_view text);

}  // namespace sluice::perf

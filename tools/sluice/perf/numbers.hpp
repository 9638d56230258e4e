// Numbers as iperf3 writes them: at most four characters, and the unit that fits.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::perf {

// "1.12 MBytes", " 128 KBytes", "0.00 Bytes": a K is 1,024.
std::string size_text(double bytes);
// "21.0 Mbits/sec". `unit` is that of -f: k m g t for bits, by thousands; K M G T for bytes, by
// 1,024; a for the bits that fit.
std::string rate_text(double bytes_per_second, char unit);
// "  45 us", "1.20 ms", " 123 ms", "2.50 s "; seven characters.
std::string rtt_text(std::uint32_t us);
// "Sun, 22 Nov 2026 22:33:44 GMT".
std::string date_text(std::int64_t unix_seconds);

// 100 * `part` / `whole`; 0 where there is no whole.
double percent(std::int64_t part, std::int64_t whole);
// `amount` / `seconds`; 0 where no time has passed.
double per_second(std::uint64_t amount, double seconds);

}  // namespace sluice::perf

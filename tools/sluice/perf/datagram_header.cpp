#include "tools/sluice/perf/datagram_header.hpp"

#include "proto/base/assert.hpp"

namespace sluice::perf {
namespace {

constexpr std::int64_t kSecond = 1'000'000;  // microseconds

}  // namespace

void build_datagram_header(MutableBytes datagram, CounterWidth width,
                           const DatagramHeader& header) {
  SLUICE_ASSERT(datagram.size() >= header_bytes(width));
  std::uint8_t* const at = datagram.data();
  store_be32(at, static_cast<std::uint32_t>(header.sent_us / kSecond));
  store_be32(at + 4, static_cast<std::uint32_t>(header.sent_us % kSecond));
  if (width == CounterWidth::bits64) {
    store_be64(at + 8, header.sequence);
  } else {
    store_be32(at + 8, static_cast<std::uint32_t>(header.sequence));
  }
}

std::optional<DatagramHeader> parse_datagram_header(Bytes datagram, CounterWidth width) {
  if (datagram.size() < header_bytes(width)) return std::nullopt;
  const std::uint8_t* const at = datagram.data();
  DatagramHeader header;
  header.sent_us = std::int64_t{load_be32(at)} * kSecond + load_be32(at + 4);
  header.sequence = width == CounterWidth::bits64 ? load_be64(at + 8) : load_be32(at + 8);
  return header;
}

}  // namespace sluice::perf

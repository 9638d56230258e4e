#include "proto/wire/tcp.hpp"

#include "proto/base/assert.hpp"

namespace sluice::wire {

TcpParse parse_tcp(Bytes segment, TcpHeader& header, std::size_t& header_length) {
  if (segment.size() < kTcpMinHeader) return TcpParse::bad_header;
  const std::uint8_t* const p = segment.data();
  header_length = static_cast<std::size_t>(p[12] >> 4) * 4;
  if (header_length < kTcpMinHeader || header_length > segment.size()) return TcpParse::bad_header;
  header.source_port = load_be16(p);
  header.destination_port = load_be16(p + 2);
  header.sequence = load_be32(p + 4);
  header.acknowledgment = load_be32(p + 8);
  header.flags = p[13];
  header.window = load_be16(p + 14);
  header.urgent = load_be16(p + 18);
  // In any segment, not only SYN. RFC 9293 MUST-5
  const Bytes options = segment.subspan(kTcpMinHeader, header_length - kTcpMinHeader);
  return parse_tcp_options(options, header.options) ? TcpParse::ok : TcpParse::bad_option;
}

std::size_t build_tcp(MutableBytes out, const TcpHeader& header) {
  const std::size_t length = header.length();
  SLUICE_ASSERT(out.size() >= length);
  std::uint8_t* const p = out.data();
  store_be16(p, header.source_port);
  store_be16(p + 2, header.destination_port);
  store_be32(p + 4, header.sequence);
  store_be32(p + 8, header.acknowledgment);
  p[12] = static_cast<std::uint8_t>(length / 4 << 4);
  p[13] = header.flags;
  store_be16(p + 14, header.window);
  store_be16(p + 16, 0);
  store_be16(p + 18, header.urgent);
  build_tcp_options(out.subspan(kTcpMinHeader), header.options);
  return length;
}

}  // namespace sluice::wire

#include "tests/sim/segmenter.hpp"

#include <algorithm>

namespace sluice::sim {
namespace {

constexpr std::size_t kVirtio = 10;
constexpr std::uint8_t kFinPshBits = 0x09;
constexpr std::uint8_t kCwrBit = 0x80;

std::uint32_t add_words(std::uint32_t sum, Bytes bytes) {
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += load_be16(&bytes[i]);
  if (bytes.size() % 2 != 0) sum += static_cast<std::uint32_t>(bytes.back()) << 8;
  return (sum & 0xffff) + (sum >> 16);
}

std::uint16_t finish(std::uint32_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

// Where things lie in a packet that we built: no IPv4 options, no IPv6 extension headers.
struct Layout {
  explicit Layout(const PacketBytes& packet)
      : v4(packet.size() > kVirtio && packet[kVirtio] >> 4 == 4),
        ip_length(v4 ? 20 : 40),
        protocol(packet.size() >= kVirtio + ip_length ? packet[kVirtio + (v4 ? 9 : 6)]
                                                      : std::uint8_t{0}) {}
  bool v4;
  std::size_t ip_length;
  std::uint8_t protocol;
  std::size_t transport() const { return kVirtio + ip_length; }
  std::size_t sum_field() const { return transport() + (protocol == 6 ? 16 : 2); }
};

void set_length(PacketBytes& packet, const Layout& layout) {
  const std::size_t total = packet.size() - kVirtio;
  const std::size_t value = layout.v4 ? total : total - layout.ip_length;
  store_be16(&packet[kVirtio + (layout.v4 ? 2 : 4)], static_cast<std::uint16_t>(value));
}

bool is_cut_plausible(const PacketBytes& packet, const Layout& layout, std::uint16_t gso_size) {
  const std::uint8_t wanted = layout.v4 ? 1 : 4;
  if (packet[1] != wanted || packet[0] != 1 || gso_size == 0 || layout.protocol != 6) return false;
  const std::size_t headers =
      layout.transport() + static_cast<std::size_t>(packet[layout.transport() + 12] >> 4) * 4;
  return packet.size() > headers + gso_size;
}

std::uint16_t load_le16(const std::uint8_t* p) {
  return static_cast<std::uint16_t>(p[0] | p[1] << 8);
}

}  // namespace

void fix_sums(PacketBytes& packet) {
  const Layout layout(packet);
  if (layout.v4) {
    const std::size_t field = kVirtio + 10;
    store_be16(&packet[field], 0);
    store_be16(&packet[field], finish(add_words(0, Bytes(packet).subspan(kVirtio, 20))));
  }
  const Bytes upper = Bytes(packet).subspan(layout.transport());
  std::uint32_t sum = 0;
  if (layout.protocol != 1) {  // ICMP alone has no pseudo header
    const std::size_t addresses = kVirtio + (layout.v4 ? 12 : 8);
    sum = add_words(sum, Bytes(packet).subspan(addresses, layout.v4 ? 8 : 32));
    sum += layout.protocol;
    sum += static_cast<std::uint32_t>(upper.size());
  }
  store_be16(&packet[layout.sum_field()], 0);
  // In pieces, so that 32 bits hold the sum of 64 KiB.
  for (std::size_t i = 0; i < upper.size(); i += 4096) {
    sum = add_words(sum, upper.subspan(i, std::min<std::size_t>(4096, upper.size() - i)));
  }
  store_be16(&packet[layout.sum_field()], finish(sum));
}

std::optional<std::vector<PacketBytes>> segment(const PacketBytes& packet) {
  const Layout layout(packet);
  const std::uint16_t gso_size = load_le16(&packet[4]);
  const bool needs_sum = packet[0] == 1;
  if (needs_sum && (load_le16(&packet[6]) != layout.ip_length || load_le16(&packet[8]) != 16)) {
    return std::nullopt;
  }
  std::vector<PacketBytes> out;
  if (packet[1] == 0) {
    out.push_back(packet);
    std::fill_n(out[0].begin(), kVirtio, std::uint8_t{0});
    if (needs_sum) fix_sums(out[0]);
    return out;
  }
  if (!is_cut_plausible(packet, layout, gso_size)) return std::nullopt;
  const std::size_t tcp = layout.transport();
  const std::size_t headers = tcp + static_cast<std::size_t>(packet[tcp + 12] >> 4) * 4;
  const std::uint32_t first_sequence = load_be32(&packet[tcp + 4]);
  for (std::size_t at = headers; at < packet.size(); at += gso_size) {
    const std::size_t length = std::min<std::size_t>(gso_size, packet.size() - at);
    PacketBytes piece(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(headers));
    const auto from = packet.begin() + static_cast<std::ptrdiff_t>(at);
    piece.insert(piece.end(), from, from + static_cast<std::ptrdiff_t>(length));
    std::fill_n(piece.begin(), kVirtio, std::uint8_t{0});
    set_length(piece, layout);
    if (layout.v4) {
      const auto id = static_cast<std::uint16_t>(load_be16(&packet[kVirtio + 4]) + out.size());
      store_be16(&piece[kVirtio + 4], id);
    }
    store_be32(&piece[tcp + 4], first_sequence + static_cast<std::uint32_t>(at - headers));
    std::uint8_t& flags = piece[tcp + 13];
    if (at + length < packet.size()) flags = static_cast<std::uint8_t>(flags & ~kFinPshBits);
    if (at > headers) flags = static_cast<std::uint8_t>(flags & ~kCwrBit);
    fix_sums(piece);
    out.push_back(std::move(piece));
  }
  return out;
}

}  // namespace sluice::sim

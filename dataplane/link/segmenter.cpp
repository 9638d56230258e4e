#include "dataplane/link/segmenter.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace sluice {
namespace {

// virtio 1.2 section 5.1.6
constexpr std::size_t kVirtio = 10;
constexpr std::uint8_t kNeedsSum = 1;
constexpr std::uint8_t kCutTcpV4 = 1;
constexpr std::uint8_t kCutTcpV6 = 4;
constexpr std::uint8_t kCutUdp = 5;
constexpr std::uint8_t kCutEcn = 0x80;  // or-ed to the type: allowed, and changes nothing here

constexpr std::size_t kV4Header = 20;
constexpr std::size_t kV6Header = 40;
constexpr std::size_t kUdpHeader = 8;
constexpr std::size_t kTcpHeader = 20;
constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kFinPshBits = 0x09;
constexpr std::uint8_t kCwrBit = 0x80;

std::uint16_t load_le16(const std::uint8_t* p) {
  return static_cast<std::uint16_t>(p[0] | p[1] << 8);
}

std::uint16_t fold(std::uint64_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

using Words = std::uint64_t __attribute__((vector_size(16)));

Words load_words(const std::uint8_t* p, std::size_t bytes = sizeof(Words)) {
  Words words{};
  std::memcpy(&words, p, bytes);
  return words;
}

// One's complement sum of 16-bit words (RFC 1071 2B: in whatever order of bytes), sixteen at a
// time: the halves of each 64 bits apart, so that no carry is lost.
std::uint64_t add_words(Bytes bytes) {
  Words low{};
  Words high{};
  Words low2{};
  Words high2{};
  const auto add = [&](Words words, Words words2) {
    low += words & 0xffffffff;
    high += words >> 32;
    low2 += words2 & 0xffffffff;
    high2 += words2 >> 32;
  };
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 32; left -= 32, at += 32) add(load_words(at), load_words(at + 16));
  const std::size_t first = std::min<std::size_t>(left, 16);
  add(load_words(at, first), load_words(at + first, left - first));
  const Words sum = low + high + low2 + high2;
  return __builtin_bswap16(fold(sum[0] + sum[1]));
}

// What the virtio_net_hdr asks for, and where things lie. Offsets count from the IP header.
struct Layout {
  bool v4 = false;
  std::uint8_t type = 0;  // of the cut; 0: none
  bool needs_sum = false;
  std::size_t gso_size = 0;
  std::size_t transport = 0;
  std::size_t sum_field = 0;
  std::size_t headers = 0;  // up to the payload, of a packet that is cut
};

bool plan_cut(Bytes ip, Layout& layout) {
  const bool udp = layout.type == kCutUdp;
  const bool family = udp || layout.type == (layout.v4 ? kCutTcpV4 : kCutTcpV6);
  const std::size_t offset = udp ? 6 : 16;
  const std::size_t least = udp ? kUdpHeader : kTcpHeader;
  if (!family || !layout.needs_sum || layout.gso_size == 0) return false;
  if (layout.sum_field != layout.transport + offset) return false;
  if (layout.transport + least > ip.size()) return false;
  const std::uint8_t protocol = ip[layout.v4 ? 9 : 6];
  // Behind extension headers of IPv6 the first one's number does not say what is carried.
  if (layout.v4 && protocol != (udp ? kUdp : kTcp)) return false;
  const std::size_t length =
      udp ? kUdpHeader : static_cast<std::size_t>(ip[layout.transport + 12] >> 4) * 4;
  layout.headers = layout.transport + length;
  return length >= least && layout.headers + layout.gso_size < ip.size();
}

// False for what no device would take.
bool parse_layout(Bytes whole, Layout& layout) {
  if (whole.size() < kVirtio + kV4Header) return false;
  const Bytes ip = whole.subspan(kVirtio);
  layout.v4 = ip[0] >> 4 == 4;
  if (!layout.v4 && (ip[0] >> 4 != 6 || ip.size() < kV6Header)) return false;
  layout.needs_sum = (whole[0] & kNeedsSum) != 0;
  layout.type = whole[1] & static_cast<std::uint8_t>(~kCutEcn);
  layout.gso_size = load_le16(&whole[4]);
  layout.transport = load_le16(&whole[6]);
  layout.sum_field = layout.transport + load_le16(&whole[8]);
  const std::size_t least = layout.v4 ? static_cast<std::size_t>(ip[0] & 0x0f) * 4 : kV6Header;
  if (least < kV4Header || ip.size() < least) return false;
  if (!layout.needs_sum) return layout.type == 0;
  if (layout.transport < least || layout.sum_field + 2 > ip.size()) return false;
  return layout.type == 0 || plan_cut(ip, layout);
}

// Sums from where the transport begins; its field holds the sum of the pseudo header, as if the
// packet were `less` bytes longer than it is.
void finish_sum(MutableBytes ip, const Layout& layout, std::size_t less) {
  std::uint64_t sum = add_words(ip.subspan(layout.transport));
  if (less > 0) sum += static_cast<std::uint16_t>(~fold(less));
  std::uint16_t value = static_cast<std::uint16_t>(~fold(sum));
  const bool udp = layout.sum_field == layout.transport + 6;
  if (udp && value == 0) value = 0xffff;  // RFC 768: zero means that there is none
  store_be16(&ip[layout.sum_field], value);
}

void finish_v4_header(MutableBytes ip) {
  const std::size_t length = static_cast<std::size_t>(ip[0] & 0x0f) * 4;
  store_be16(&ip[10], 0);
  store_be16(&ip[10], static_cast<std::uint16_t>(~fold(add_words(ip.first(length)))));
}

void set_ip_lengths(MutableBytes ip, const Layout& layout, std::size_t number) {
  if (layout.v4) {
    store_be16(&ip[2], static_cast<std::uint16_t>(ip.size()));
    store_be16(&ip[4], static_cast<std::uint16_t>(load_be16(&ip[4]) + number));
    return finish_v4_header(ip);
  }
  store_be16(&ip[4], static_cast<std::uint16_t>(ip.size() - kV6Header));
}

void set_tcp_fields(MutableBytes ip, const Layout& layout, std::size_t position, bool last) {
  std::uint8_t* const sequence = &ip[layout.transport + 4];
  store_be32(sequence, load_be32(sequence) + static_cast<std::uint32_t>(position));
  std::uint8_t& flags = ip[layout.transport + 13];
  if (!last) flags = static_cast<std::uint8_t>(flags & ~kFinPshBits);
  if (position > 0) flags = static_cast<std::uint8_t>(flags & ~kCwrBit);
}

// A frame with an empty virtio_net_hdr and room for `bytes` behind it; empty when there is none.
Slice new_piece(FrameSource& frames, std::size_t bytes) {
  Frame* const frame = frames.take();
  if (frame == nullptr) return {};
  if (kVirtio + bytes > frame->capacity) {
    frame->home->take_back(*frame);
    return {};
  }
  std::memset(frame->data, 0, kVirtio);
  return {*frame, 0, static_cast<std::uint32_t>(kVirtio + bytes)};
}

MutableBytes ip_of(const Slice& piece) {
  return {piece.frame()->data + kVirtio, piece.size() - kVirtio};
}

Cut finish_whole(Bytes ip, const Layout& layout, FrameSource& frames, std::vector<Slice>& pieces) {
  Slice piece = new_piece(frames, ip.size());
  if (piece.empty()) return Cut::no_frames;
  std::memcpy(ip_of(piece).data(), ip.data(), ip.size());
  if (layout.needs_sum) finish_sum(ip_of(piece), layout, 0);
  pieces.push_back(std::move(piece));
  return Cut::done;
}

}  // namespace

Cut cut_packet(Bytes whole, FrameSource& frames, std::vector<Slice>& pieces) {
  Layout layout;
  if (!parse_layout(whole, layout)) return Cut::refused;
  const Bytes ip = whole.subspan(kVirtio);
  if (layout.type == 0) return finish_whole(ip, layout, frames, pieces);
  std::size_t number = 0;
  for (std::size_t at = layout.headers; at < ip.size(); at += layout.gso_size) {
    const std::size_t length = std::min(layout.gso_size, ip.size() - at);
    Slice slice = new_piece(frames, layout.headers + length);
    if (slice.empty()) return Cut::no_frames;
    const MutableBytes piece = ip_of(slice);
    std::memcpy(piece.data(), ip.data(), layout.headers);
    std::memcpy(piece.data() + layout.headers, ip.data() + at, length);
    set_ip_lengths(piece, layout, number++);
    if (layout.type == kCutUdp) {
      store_be16(&piece[layout.transport + 4], static_cast<std::uint16_t>(kUdpHeader + length));
    } else {
      set_tcp_fields(piece, layout, at - layout.headers, at + length == ip.size());
    }
    finish_sum(piece, layout, ip.size() - piece.size());
    pieces.push_back(std::move(slice));
  }
  return Cut::done;
}

Cut copy_packet(Bytes whole, FrameSource& frames, std::vector<Slice>& pieces) {
  if (whole.size() <= kVirtio) return Cut::refused;
  Slice piece = new_piece(frames, whole.size() - kVirtio);
  if (piece.empty()) return Cut::no_frames;
  std::memcpy(piece.frame()->data, whole.data(), whole.size());
  pieces.push_back(std::move(piece));
  return Cut::done;
}

void fix_sums(MutableBytes whole) {
  const MutableBytes ip = whole.subspan(kVirtio);
  const bool v4 = ip[0] >> 4 == 4;
  if (v4) finish_v4_header(ip);
  Layout layout;
  layout.transport = v4 ? static_cast<std::size_t>(ip[0] & 0x0f) * 4 : kV6Header;
  const std::uint8_t protocol = ip[v4 ? 9 : 6];
  const std::size_t offset = protocol == kTcp ? 16 : protocol == kUdp ? 6 : 2;
  layout.sum_field = layout.transport + offset;
  std::uint64_t pseudo = 0;
  if (protocol != kIcmp) {  // ICMP for IPv4 alone has no pseudo header
    pseudo =
        add_words(ip.subspan(v4 ? 12 : 8, v4 ? 8 : 32)) + protocol + ip.size() - layout.transport;
  }
  store_be16(&ip[layout.sum_field], fold(pseudo));
  finish_sum(ip, layout, 0);
}

bool mark_congestion(MutableBytes whole) {
  const MutableBytes ip = whole.subspan(kVirtio);
  const bool v4 = ip[0] >> 4 == 4;
  // The last two bits of the second byte, or the traffic class across the first two.
  const int shift = v4 ? 0 : 4;
  if ((ip[1] >> shift & 3) == 0) return false;
  ip[1] = static_cast<std::uint8_t>(ip[1] | 3 << shift);
  if (v4) finish_v4_header(ip);
  return true;
}

}  // namespace sluice

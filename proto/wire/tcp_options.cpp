#include "proto/wire/tcp_options.hpp"

#include <algorithm>

#include "proto/base/assert.hpp"

namespace sluice::wire {
namespace {

// RFC 9293 MUST-4, RFC 7323 R7323-1, RFC 7323 R7323-6, RFC 2018 R2018-1
constexpr std::uint8_t kEnd = 0;
constexpr std::uint8_t kNop = 1;
constexpr std::uint8_t kMss = 2;
constexpr std::uint8_t kWindowScale = 3;
constexpr std::uint8_t kSackPermitted = 4;
constexpr std::uint8_t kSack = 5;
constexpr std::uint8_t kTimestamps = 8;

constexpr std::size_t kMssLength = 4;
constexpr std::size_t kWindowScaleLength = 3;
constexpr std::size_t kSackPermittedLength = 2;
constexpr std::size_t kTimestampsLength = 10;
constexpr std::size_t kSackBlockLength = 8;

constexpr std::size_t kMaxOptions = 40;
constexpr std::uint32_t kNopNopTimestamps = 0x0101080a;  // RFC 7323 appendix A
constexpr std::uint32_t kSackPermittedTimestamps = 0x0402080a;

// `body` is what follows kind and length: a whole number of blocks, one at least.
void read_sack(Bytes body, TcpOptions& options) {
  const std::size_t count = body.size() / kSackBlockLength;
  if (body.size() % kSackBlockLength != 0 || count == 0 || count > kMaxSackBlocks) return;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* const p = body.data() + i * kSackBlockLength;
    options.sack[i] = {load_be32(p), load_be32(p + 4)};
  }
  options.sack_count = static_cast<std::uint8_t>(count);
}

void read_timestamps(const std::uint8_t* p, TcpOptions& options) {
  options.has_timestamps = true;
  options.ts_value = load_be32(p);
  options.ts_echo = load_be32(p + 4);
}

void read_option(Bytes option, TcpOptions& options) {
  const std::uint8_t* const p = option.data();
  const std::size_t length = option.size();
  if (p[0] == kMss && length == kMssLength) {
    options.has_mss = true;
    options.mss = load_be16(p + 2);
  } else if (p[0] == kWindowScale && length == kWindowScaleLength) {
    options.has_window_scale = true;
    options.window_scale = p[2];
  } else if (p[0] == kSackPermitted && length == kSackPermittedLength) {
    options.sack_permitted = true;
  } else if (p[0] == kSack) {
    read_sack(option.subspan(2), options);
  } else if (p[0] == kTimestamps && length == kTimestampsLength) {
    read_timestamps(p + 2, options);
  }
}

void clear(TcpOptions& options) {
  options.has_mss = false;
  options.has_window_scale = false;
  options.sack_permitted = false;
  options.has_timestamps = false;
  options.sack_count = 0;
}

// Without the SACK blocks, each piece padded to a multiple of 4.
std::size_t fixed_length(const TcpOptions& options) {
  std::size_t length = 0;
  if (options.has_mss) length += 4;
  if (options.has_timestamps) {
    length += 12;  // the two bytes in front hold SACK-permitted or NOPs
  } else if (options.sack_permitted) {
    length += 4;
  }
  if (options.has_window_scale) length += 4;
  return length;
}

// How many blocks are sent beside the other options. RFC 2018 R2018-5
std::size_t fitting_blocks(const TcpOptions& options, std::size_t fixed) {
  const std::size_t room = (kMaxOptions - fixed - 4) / kSackBlockLength;
  return std::min<std::size_t>(options.sack_count, room);
}

std::uint8_t* put_u32(std::uint8_t* p, std::uint32_t value) {
  store_be32(p, value);
  return p + 4;
}

// Four bytes: two NOPs, then a kind and its length.
std::uint32_t behind_nops(std::uint8_t kind, std::size_t length) {
  return 0x01010000U | static_cast<std::uint32_t>(kind) << 8 | static_cast<std::uint32_t>(length);
}

std::uint8_t* put_sack(std::uint8_t* p, const TcpOptions& options, std::size_t blocks) {
  p = put_u32(p, behind_nops(kSack, 2 + blocks * kSackBlockLength));
  for (std::size_t i = 0; i < blocks; ++i) {
    p = put_u32(p, options.sack[i].left);
    p = put_u32(p, options.sack[i].right);
  }
  return p;
}

}  // namespace

bool parse_tcp_options(Bytes bytes, TcpOptions& options) {
  clear(options);
  const std::uint8_t* const p = bytes.data();
  // Nearly every segment of a connection: timestamps alone, in the usual layout.
  if (bytes.size() == 12 && load_be32(p) == kNopNopTimestamps) {
    read_timestamps(p + 4, options);
    return true;
  }
  // Byte by byte: options begin anywhere. RFC 9293 MUST-64
  for (std::size_t at = 0; at < bytes.size() && p[at] != kEnd;) {
    if (p[at] == kNop) {
      ++at;
      continue;
    }
    if (bytes.size() - at < 2) return false;
    const std::size_t length = p[at + 1];
    // RFC 9293 MUST-7
    if (length < 2 || length > bytes.size() - at) return false;
    read_option(bytes.subspan(at, length), options);
    at += length;  // whatever the kind. RFC 9293 MUST-6
  }
  return true;
}

std::size_t options_length(const TcpOptions& options) {
  const std::size_t fixed = fixed_length(options);
  const std::size_t blocks = fitting_blocks(options, fixed);
  return blocks == 0 ? fixed : fixed + 4 + blocks * kSackBlockLength;
}

std::size_t build_tcp_options(MutableBytes out, const TcpOptions& options) {
  const std::size_t length = options_length(options);
  SLUICE_ASSERT(out.size() >= length);
  std::uint8_t* p = out.data();
  if (options.has_mss) p = put_u32(p, 0x02040000U | options.mss);
  if (options.has_timestamps) {
    p = put_u32(p, options.sack_permitted ? kSackPermittedTimestamps : kNopNopTimestamps);
    p = put_u32(p, options.ts_value);
    p = put_u32(p, options.ts_echo);
  } else if (options.sack_permitted) {
    p = put_u32(p, behind_nops(kSackPermitted, kSackPermittedLength));
  }
  if (options.has_window_scale) p = put_u32(p, 0x01030300U | options.window_scale);
  const std::size_t blocks = fitting_blocks(options, fixed_length(options));
  if (blocks != 0) p = put_sack(p, options, blocks);
  SLUICE_ASSERT(p == out.data() + length);
  return length;
}

}  // namespace sluice::wire

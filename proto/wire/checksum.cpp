#include "proto/wire/checksum.hpp"

#include <cstring>

namespace sluice::wire {
namespace {

// Sums are kept in the CPU's byte order and turned only at the end (RFC 1071 2 (B)).
std::uint16_t fold(std::uint64_t sum) {
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 16) + (sum & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  return static_cast<std::uint16_t>(sum);
}

template <class Word>
Word load(const std::uint8_t* p) {
  Word word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// Both halves apart, so that no carry is lost: room for 2^32 words.
std::uint64_t halves(std::uint64_t word) {
  return (word & 0xffffffff) + (word >> 32);
}

std::uint64_t sum_tail(const std::uint8_t* p, std::size_t length) {
  std::uint64_t sum = 0;
  for (; length >= 8; length -= 8, p += 8) sum += halves(load<std::uint64_t>(p));
  if (length >= 4) {
    sum += load<std::uint32_t>(p);
    length -= 4;
    p += 4;
  }
  if (length >= 2) {
    sum += load<std::uint16_t>(p);
    length -= 2;
    p += 2;
  }
  return length == 0 ? sum : sum + *p;  // an odd byte is followed by a zero
}

// Two words of 64 bits in a register: three times as fast as words with carries.
using Words = std::uint64_t __attribute__((vector_size(16)));

std::uint64_t sum_bytes(const std::uint8_t* p, std::size_t length) {
  constexpr std::size_t kStride = 32;
  if (length < kStride) return sum_tail(p, length);
  Words low{};
  Words high{};
  Words low2{};
  Words high2{};
  for (; length >= kStride; length -= kStride, p += kStride) {
    const auto words = load<Words>(p);
    const auto words2 = load<Words>(p + 16);
    low += words & 0xffffffff;
    high += words >> 32;
    low2 += words2 & 0xffffffff;
    high2 += words2 >> 32;
  }
  const Words sum = low + high + low2 + high2;
  return sum[0] + sum[1] + sum_tail(p, length);
}

}  // namespace

void Checksum::add(Bytes bytes) {
  const std::uint64_t piece = sum_bytes(bytes.data(), bytes.size());
  // A piece that starts at an odd place has its bytes in the other halves of the words.
  sum_ += odd_ ? __builtin_bswap16(fold(piece)) : piece;
  odd_ ^= bytes.size() % 2 != 0;
}

void Checksum::add_u16(std::uint16_t value) {
  sum_ += __builtin_bswap16(value);
}

void Checksum::add_u32(std::uint32_t value) {
  sum_ += __builtin_bswap32(value);
}

// RFC 9293 MUST-2, RFC 8200 R8200-10
void Checksum::add_pseudo_header(const IpAddress& source, const IpAddress& destination,
                                 std::uint8_t protocol, std::uint32_t upper_length) {
  if (source.is_v4()) {
    add_u32(source.v4_bits());
    add_u32(destination.v4_bits());
  } else {
    add(source.bytes());
    add(destination.bytes());
  }
  add_u32(protocol);
  add_u32(upper_length);
}

std::uint16_t Checksum::folded() const {
  return __builtin_bswap16(fold(sum_));
}

}  // namespace sluice::wire

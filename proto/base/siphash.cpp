#include "proto/base/siphash.hpp"

#include <cstring>

namespace sluice {
namespace {

constexpr std::uint64_t rotl(std::uint64_t x, int bits) {
  return (x << bits) | (x >> (64 - bits));
}

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = rotl(v1, 13) ^ v0;
    v0 = rotl(v0, 32);
    v2 += v3;
    v3 = rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = rotl(v1, 17) ^ v2;
    v2 = rotl(v2, 32);
  }

  void absorb(std::uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

std::uint64_t load_le(const std::uint8_t* p, std::size_t length) {
  std::uint64_t word = 0;
  std::memcpy(&word, p, length);
  return word;
}

}  // namespace

std::uint64_t siphash(const SipKey& key, Bytes message) {
  SipState s{key.k0 ^ 0x736f6d6570736575ULL, key.k1 ^ 0x646f72616e646f6dULL,
             key.k0 ^ 0x6c7967656e657261ULL, key.k1 ^ 0x7465646279746573ULL};
  const std::size_t tail = message.size() % 8;
  const std::uint8_t* const end = message.data() + (message.size() - tail);
  for (const std::uint8_t* p = message.data(); p != end; p += 8) s.absorb(load_le(p, 8));
  s.absorb((static_cast<std::uint64_t>(message.size()) << 56) | load_le(end, tail));
  s.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

}  // namespace sluice

// SipHash-2-4 (Aumasson and Bernstein 2012): a keyed hash that outsiders can neither compute nor
// collide. Keys the connection table and the initial sequence numbers (RFC 6528).
#pragma once

#include <bit>
#include <cstdint>

#include "proto/base/bytes.hpp"

namespace sluice {

struct SipKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

// Of a message in words as they lie in memory: for each packet once, so it is inline.
class SipHash {
 public:
  explicit SipHash(const SipKey& key)
      : v0_(key.k0 ^ 0x736f6d6570736575ULL),
        v1_(key.k1 ^ 0x646f72616e646f6dULL),
        v2_(key.k0 ^ 0x6c7967656e657261ULL),
        v3_(key.k1 ^ 0x7465646279746573ULL) {}

  // The next eight bytes.
  void add(std::uint64_t word) {
    v3_ ^= word;
    round();
    round();
    v0_ ^= word;
  }
  // The hash of a message of `size` bytes, the last `size` % 8 of which are `tail`.
  std::uint64_t finish(std::uint64_t tail, std::size_t size) {
    add(static_cast<std::uint64_t>(size) << 56 | tail);
    v2_ ^= 0xff;
    for (int i = 0; i < 4; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  void round() {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }

  std::uint64_t v0_, v1_, v2_, v3_;
};

std::uint64_t siphash(const SipKey& key, Bytes message);

}  // namespace sluice

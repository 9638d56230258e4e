#include "proto/base/siphash.hpp"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

namespace sluice {
namespace {

// The reference key 00 01 .. 0f, of which each half is a little-endian word.
constexpr SipKey kReferenceKey{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};

struct Vector {
  std::size_t length;  // of the message 00 01 02 ..
  std::uint64_t hash;
};

// Of the authors' vectors.h, checked against OpenSSL's SIPHASH.
constexpr Vector kVectors[] = {
    {0, 0x726fdb47dd0e0e31ULL},  {1, 0x74f839c593dc67fdULL},  {2, 0x0d6c8009d9a94f5aULL},
    {3, 0x85676696d7fb7e2dULL},  {4, 0xcf2794e0277187b7ULL},  {5, 0x18765564cd99a68dULL},
    {6, 0xcbc9466e58fee3ceULL},  {7, 0xab0200f58b01d137ULL},  {8, 0x93f5f5799a932462ULL},
    {9, 0x9e0082df0ba9e4b0ULL},  {15, 0xa129ca6149be45e5ULL}, {16, 0x3f2acc7f57c29bdbULL},
    {63, 0x958a324ceb064572ULL},
};

TEST(SipHash, matches_the_reference_vectors) {
  std::array<std::uint8_t, 64> message;
  std::iota(message.begin(), message.end(), std::uint8_t{0});
  for (const Vector& vector : kVectors) {
    EXPECT_EQ(siphash(kReferenceKey, Bytes(message).first(vector.length)), vector.hash)
        << vector.length << " bytes";
  }
}

TEST(SipHash, depends_on_both_halves_of_the_key) {
  const std::array<std::uint8_t, 3> message = {1, 2, 3};
  const std::uint64_t hash = siphash({1, 2}, message);
  EXPECT_NE(siphash({0, 2}, message), hash);
  EXPECT_NE(siphash({1, 0}, message), hash);
}

}  // namespace
}  // namespace sluice

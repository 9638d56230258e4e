// The fuzzers' entry points under seeded bytes: mutations of valid inputs and pure noise.
#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "proto/base/rng.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/proto/wire/sample_packets.hpp"
#include "tests/support/fragments.hpp"

namespace sluice::fuzz {
namespace {

using wire::sample::ByteVector;
using wire::sample::from_hex;

constexpr int kRounds = 50'000;

std::uint8_t random_byte(Rng& rng) {
  // Values at the edges of fields come more often than chance would bring them.
  constexpr std::uint8_t kEdges[] = {0, 1, 2, 4, 8, 0x7f, 0x80, 0xfe, 0xff};
  if (rng.chance(0.3)) return kEdges[rng.below(std::size(kEdges))];
  return static_cast<std::uint8_t>(rng.next());
}

void mutate_once(Rng& rng, ByteVector& bytes) {
  const std::size_t at = rng.below(bytes.size() + 1);
  const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  switch (rng.below(5)) {
    case 0: bytes.insert(place, random_byte(rng)); break;
    case 1: bytes.resize(at); break;
    case 2:
      if (place != bytes.end()) bytes.erase(place);
      break;
    case 3:
      if (place != bytes.end()) *place ^= static_cast<std::uint8_t>(1 << rng.below(8));
      break;
    default:
      if (place != bytes.end()) *place = random_byte(rng);
  }
}

ByteVector noise(Rng& rng) {
  ByteVector bytes(rng.below(120));
  for (auto& byte : bytes) byte = random_byte(rng);
  return bytes;
}

void drive(void (*target)(Bytes), const std::vector<ByteVector>& valid, std::uint64_t seed) {
  for (const ByteVector& bytes : valid) target(bytes);
  Rng rng(seed);
  for (int i = 0; i < kRounds; ++i) {
    ByteVector bytes = rng.chance(0.1) ? noise(rng) : valid[rng.below(valid.size())];
    for (std::uint64_t n = rng.below(6); n > 0; --n) mutate_once(rng, bytes);
    bytes.shrink_to_fit();  // so that AddressSanitizer sees one byte too far
    target(bytes);
  }
}

std::vector<ByteVector> behind(const ByteVector& front) {
  std::vector<ByteVector> inputs;
  for (const std::string_view hex : wire::sample::kCaptured) {
    const ByteVector packet = from_hex(hex);
    inputs.push_back(front);
    inputs.back().insert(inputs.back().end(), packet.begin(), packet.end());
  }
  return inputs;
}

// Fragments that follow each other at once.
ByteVector train(const std::vector<ByteVector>& fragments) {
  ByteVector input;
  for (const ByteVector& fragment : fragments) {
    input.push_back(0);
    input.push_back(static_cast<std::uint8_t>(fragment.size()));
    input.insert(input.end(), fragment.begin(), fragment.end());
  }
  return input;
}

ByteVector text(std::string_view characters) {
  return {characters.begin(), characters.end()};
}

TEST(FuzzSmoke, packet) {
  std::vector<ByteVector> valid = behind(ByteVector(wire::kVirtioNetHeaderSize));
  const ByteVector chain = from_hex(
      "2b00 0104 00000000 2c00 0000 00000000 3c00 0000 00000001"
      "1100 1e04 01020304");
  const ByteVector extended =
      wire::sample::with_extensions(from_hex(wire::sample::kUdpV6), 0, chain);
  valid.push_back(ByteVector(wire::kVirtioNetHeaderSize));
  valid.back().insert(valid.back().end(), extended.begin(), extended.end());
  drive(fuzz_packet, valid, 1);
}

TEST(FuzzSmoke, tcp_options) {
  drive(fuzz_tcp_options,
        {from_hex("020405b40402080afbfc22f0000000000103030a"), from_hex("0101080a0102030405060708"),
         from_hex("0101080a0102030405060708 0101051a 0000000100000002 0000000300000004"
                  "0000000500000006"),
         from_hex("0101 0522 0000000100000002 0000000300000004 0000000500000006 0000000700000008"),
         from_hex("fe0400000303070000")},
        2);
}

TEST(FuzzSmoke, quote) {
  std::vector<ByteVector> valid = behind({0});
  const std::vector<ByteVector> v6 = behind({1});
  valid.insert(valid.end(), v6.begin(), v6.end());
  drive(fuzz_quote, valid, 3);
}

TEST(FuzzSmoke, address) {
  drive(
      fuzz_address,
      {text("10.0.5.100"), text("10.0.5.100/24"), text("fd00::102/64"), text("2001:db8::1:0:0:1"),
       text("1:2:3:4:5:6:7:8"), text("::ffff:1.2.3.4"), text("64:ff9b::1.2.3.4/96"), text("::/0")},
      4);
}

TEST(FuzzSmoke, reassembly) {
  ByteVector v4 = from_hex(wire::sample::kTcpSynV4);
  v4[6] = 0;
  const ByteVector v6 = from_hex(wire::sample::kTcpSynV6);
  const ByteVector extended = wire::sample::with_extensions(v6, 0, from_hex("0600 0104 00000000"));
  using test::fragment_v4;
  using test::fragment_v6;
  drive(fuzz_reassembly,
        {train({fragment_v4(v4, {0, 24}), fragment_v4(v4, {24, 32}), fragment_v4(v4, {32, 40})}),
         train({fragment_v4(v4, {32, 40}), fragment_v4(v4, {24, 32}), fragment_v4(v4, {24, 40})}),
         train({fragment_v6(v6, {24, 40}, 5), fragment_v6(v6, {0, 24}, 5)}),
         train({fragment_v6(extended, {0, 24}, 6, 48), fragment_v6(extended, {24, 40}, 6, 48)}),
         train({fragment_v6(v6, {0, 24}, 5), fragment_v4(v4, {0, 24}), fragment_v6(v6, {24, 32}, 6),
                fragment_v6(v6, {24, 40}, 5), fragment_v4(v4, {24, 40})})},
        5);
}

}  // namespace
}  // namespace sluice::fuzz

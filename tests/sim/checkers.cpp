#include "tests/sim/checkers.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "tests/sim/host.hpp"

namespace sluice::sim {
namespace {

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

void fill_pattern(std::uint64_t seed, std::uint64_t position, MutableBytes out) {
  std::size_t written = 0;
  while (written < out.size()) {
    const std::uint64_t word = mix(seed + (position / 8 + 1) * 0x9e3779b97f4a7c15ULL);
    std::array<std::uint8_t, 8> bytes;
    std::memcpy(bytes.data(), &word, 8);
    const std::size_t from = position % 8;
    const std::size_t count = std::min<std::size_t>(8 - from, out.size() - written);
    std::memcpy(out.data() + written, bytes.data() + from, count);
    written += count;
    position += count;
  }
}

void ByteStream::on_received(Bytes bytes) {
  std::vector<std::uint8_t> wanted(bytes.size());
  fill_pattern(seed_, received_, wanted);
  const auto differs = std::mismatch(bytes.begin(), bytes.end(), wanted.begin()).first;
  if (differs != bytes.end()) {
    const auto at = received_ + static_cast<std::uint64_t>(differs - bytes.begin());
    verdict_.fail(name_ + ": wrong byte at position " + std::to_string(at));
  }
  received_ += bytes.size();
}

void ByteStream::on_end(std::uint64_t wanted) {
  if (received_ == wanted) return;
  verdict_.fail(name_ + ": " + std::to_string(received_) + " of " + std::to_string(wanted) +
                " bytes arrived");
}

void Homecoming::expect(const std::string& name, const char* what, std::uint64_t home,
                        std::uint64_t all) {
  if (home == all) return;
  verdict_.fail(name + ": " + std::to_string(home) + " of " + std::to_string(all) + " " + what +
                " came home");
}

void Homecoming::check(const Host& host, const std::string& name) {
  expect(name, "frames", host.frames().free_count(), host.frames().size());
  expect(name, "blocks", host.blocks().free_count(), host.blocks().size());
  expect(name, "nodes", host.nodes().free_count(), host.nodes().size());
  expect(name, "slots", host.batch().free_count(), host.batch().slots());
}

void Progress::on_turn(bool moved_packets, Instant now) {
  if (moved_packets || now - idle_since_ > Duration::seconds(1)) {
    idle_turns_ = 0;
    idle_since_ = now;
  }
  ++idle_turns_;
  if (idle_turns_ > kMaxIdleTurns) verdict_.fail("the hosts turn and turn, and no packet moves");
}

bool Progress::check(Instant now, std::uint64_t flows_left, const std::string& example) {
  if (now <= deadline_ || flows_left == 0) return true;
  verdict_.fail(std::to_string(flows_left) + " flows have not ended after " +
                std::to_string(now.ns() / 1'000'000'000) + " s: " + example);
  return false;
}

}  // namespace sluice::sim

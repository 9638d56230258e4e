#include "dataplane/io/steering.hpp"

#include <gmock/gmock.h>

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/io/network_namespace.hpp"
#include "proto/base/rng.hpp"
#include "tests/dataplane/io/private_network.hpp"

namespace sluice::io {
namespace {

FlowHashKeys random_keys(Rng& rng) {
  FlowHashKeys keys;
  for (auto& key : keys) key = rng.next();
  return keys;
}

// Why no program can be loaded here; empty when it can.
std::string refusal() {
  return error_of([] { SteeringProgram(FlowHashKeys{}, 1); });
}

// Packets of every kind that the program tells apart, and of kinds that it should not.
class RandomPackets {
 public:
  explicit RandomPackets(Rng& rng) : rng_(rng) {}

  Bytes next() {
    for (std::size_t i = 0; i < kHeaders; i += 8) store_be64(&packet_[i], rng_.next());
    switch (below(16)) {
      case 0: break;  // any version
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
      case 7: make_v4(); break;
      default: make_v6(); break;
    }
    return Bytes(packet_).first(length());
  }

 private:
  static constexpr std::size_t kHeaders = 112;  // the longest IPv4 header, TCP's, and some more
  static constexpr std::size_t kLongest = SteeringProgram::kLongestTestPacket;

  std::size_t below(std::size_t bound) { return rng_.next() % bound; }

  void make_v4() {
    // Mostly no options; header lengths of 0 to 4 words are none, but may come.
    const std::size_t words = below(4) == 0 ? below(16) : 5;
    packet_[0] = static_cast<std::uint8_t>(0x40 | words);
    constexpr std::array<std::uint16_t, 8> kFragments = {0,      0,      0x4000, 0x4000,
                                                         0x2000, 0x8000, 0x0001, 0x3fff};
    store_be16(&packet_[6], kFragments.at(below(8)));
    if (below(8) != 0) packet_[9] = protocol();
  }

  void make_v6() {
    packet_[0] = static_cast<std::uint8_t>(0x60 | (packet_[0] & 0xf));
    if (below(8) != 0) packet_[6] = protocol();
  }

  // ICMP, TCP, UDP, ICMPv6 and the extension headers of IPv6.
  std::uint8_t protocol() {
    constexpr std::array<std::uint8_t, 16> kProtocols = {6, 17, 6,  17, 6,  17, 6,  17,
                                                         1, 58, 44, 0,  43, 60, 51, 50};
    return kProtocols.at(below(16));
  }

  std::size_t length() {
    switch (below(8)) {
      case 0: return 1 + below(kHeaders);  // cut short
      case 1: return below(kLongest) + 1;
      case 2: return kLongest;
      default: return 60 + below(200);
    }
  }

  Rng& rng_;
  std::array<std::uint8_t, kLongest> packet_{};
};

TEST(Steering, agrees_with_us_on_a_million_packets) {
  if (refusal() != "(no error)") GTEST_SKIP() << refusal();
  constexpr std::uint32_t kQueues = 16;
  constexpr int kRounds = 1'000'000 / kQueues;
  Rng rng(20);
  const FlowHashKeys keys = random_keys(rng);
  std::vector<SteeringProgram> programs;
  for (std::uint32_t queues = 1; queues <= kQueues; ++queues) programs.emplace_back(keys, queues);
  RandomPackets packets(rng);
  int without_hash = 0;
  for (int round = 0; round < kRounds; ++round) {
    for (std::uint32_t queues = 1; queues <= kQueues; ++queues) {
      const Bytes packet = packets.next();
      const std::uint64_t hash = steering_hash(packet, keys);
      without_hash += hash == 0;
      ASSERT_EQ(programs[queues - 1].run(packet), shard_of(hash, queues))
          << "packet " << round << " of " << packet.size() << " bytes, " << queues << " queues";
    }
  }
  EXPECT_GT(without_hash, kRounds / 8) << "too few packets are cut short";
  EXPECT_LT(without_hash, kRounds * 4) << "too many packets are cut short";
}

TEST(Steering, rotated_it_is_wrong_for_every_packet) {
  if (refusal() != "(no error)") GTEST_SKIP() << refusal();
  Rng rng(21);
  const FlowHashKeys keys = random_keys(rng);
  RandomPackets packets(rng);
  for (const std::uint32_t queues : {2U, 3U, 7U}) {
    const SteeringProgram program(keys, queues, 1);
    for (int i = 0; i < 10'000; ++i) {
      const Bytes packet = packets.next();
      ASSERT_EQ(program.run(packet), (shard_of(steering_hash(packet, keys), queues) + 1) % queues);
    }
  }
}

}  // namespace
}  // namespace sluice::io

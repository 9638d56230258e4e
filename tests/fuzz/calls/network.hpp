// What lies between the stacks of a world: packets are delayed, lost, doubled, overtaken and
// damaged. In a hostile world somebody else sends packets, too.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "proto/wire/address.hpp"
#include "tests/fuzz/calls/subject.hpp"

namespace sluice::calls {

struct Flying {
  std::uint32_t to;
  Text packet;
  std::optional<sluice_offload> offload;
};

struct Faults {
  double loss = 0;
  double doubled = 0;
  double damage = 0;
  std::uint64_t most_delay_ns = 0;
};

class Network {
 public:
  explicit Network(Chance& chance) : chance_(chance) {}

  // Packets to `address` go to stack `number`; those to nobody's to the default, if there is one.
  void attach(const IpAddress& address, std::uint32_t number) { owners_[address] = number; }
  void attach_default(std::uint32_t number) { default_ = number; }

  void carry(Text packet, const std::optional<sluice_offload>& offload, std::uint64_t now_ns);
  // The next that has arrived by now.
  std::optional<Flying> take(std::uint64_t now_ns);
  std::uint64_t next_arrival() const;
  // One that passed lately, to be forged after; empty when none did.
  Text recent();

  Faults faults;

 private:
  static constexpr std::size_t kMostFlying = 2000;
  static constexpr std::size_t kRecent = 32;

  std::optional<std::uint32_t> owner_of(const Text& packet) const;
  void launch(Flying flying, std::uint64_t now_ns);

  Chance& chance_;
  std::map<IpAddress, std::uint32_t> owners_;
  std::optional<std::uint32_t> default_;
  std::multimap<std::uint64_t, Flying> flying_;
  std::vector<Text> recent_;
  std::size_t next_recent_ = 0;
};

// Packets that nobody of ours has sent.
class Forger {
 public:
  explicit Forger(Chance& chance) : chance_(chance) {}

  Text noise();
  // A byte here and there is another, or the end is missing.
  Text damage(Text packet);
  // What TCP reads is another, and the sums are right. Others stay as they are.
  Text change_tcp(Text packet);
  sluice_offload lie(std::size_t packet_size);

 private:
  std::uint8_t byte();

  Chance& chance_;
};

}  // namespace sluice::calls

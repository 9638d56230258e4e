#include "dataplane/sim/host.hpp"

#include <algorithm>
#include <string>

namespace sluice::sim {

Host::Host(const HostOptions& options, const Place& place, Instant now)
    : options_(options), place_(place), rng_(options.shard.secrets.seed) {
  for (std::uint32_t i = 0; i < options_.cores; ++i) {
    cores_.push_back(std::make_unique<Core>(options_, i, *this, now));
  }
}

// Slices of one core look into frames of another.
Host::~Host() {
  for (const auto& core : cores_) core->close();
}

std::uint32_t Host::queue_for(const LinkPacket& packet) {
  if (options_.cores == 1) return 0;
  if (rng_.chance(options_.misroute)) {
    return static_cast<std::uint32_t>(rng_.below(options_.cores));
  }
  const Bytes ip = packet.whole.bytes().subspan(wire::kVirtioNetHeaderSize);
  wire::Packet parsed;
  const auto offload = wire::parse_virtio_net(packet.whole.bytes());
  if (wire::parse_packet(ip, offload, parsed) != DropReason::none) return 0;
  return cores_.front()->shard().owner_of(ip, parsed);
}

void Host::receive(LinkPacket packet) {
  const std::uint32_t queue = queue_for(packet);
  cores_[queue]->receive(std::move(packet));
}

Instant Host::next_turn() const {
  Instant next = Instant::never();
  for (const auto& core : cores_) next = std::min(next, core->next_turn());
  return next;
}

bool Host::is_quiet() const {
  return std::ranges::all_of(cores_, [](const auto& core) { return core->is_quiet(); });
}

void Host::listen(std::uint16_t port, const Acceptor& acceptor) {
  for (const auto& core : cores_) {
    ListenCommand listen;
    listen.options.port = port;
    listen.acceptor = acceptor;
    core->shard().on_command(std::move(listen), core->now());
  }
}

ShardStats Host::stats() const {
  ShardStats sum;
  for (const auto& core : cores_) sum += core->shard().stats();
  return sum;
}

void Host::send(MutableBytes whole, Instant now) {
  falsify_sent(place_.fault, whole);
  place_.events.on_sent(place_.number, whole, now);
}

bool Host::admit(MutableBytes whole, const wire::Packet& packet) {
  place_.events.on_taken(place_.number, packet);
  if (place_.fault == Fault::none) return false;
  falsify_received(place_.fault, whole);
  return place_.fault == Fault::window_off_by_one;
}

void Host::refuse_good(DropReason reason) {
  place_.verdict.fail("a good packet was refused: " + std::string(drop_reason_name(reason)));
}

}  // namespace sluice::sim

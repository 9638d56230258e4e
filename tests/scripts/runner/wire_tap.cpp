#include "tests/scripts/runner/wire_tap.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "proto/wire/tcp.hpp"
#include "tests/scripts/runner/pattern.hpp"

namespace sluice::script {
namespace {

Octets octets(const std::string& bytes) {
  return {bytes.begin(), bytes.end()};
}

const TcpText* tcp_of(const Packet* packet) {
  return packet == nullptr ? nullptr : std::get_if<TcpText>(&packet->text);
}

std::vector<TcpOption>::iterator find_timestamps(std::vector<TcpOption>& options) {
  return std::find_if(options.begin(), options.end(), [](const TcpOption& option) {
    return option.kind == TcpOption::Kind::timestamps;
  });
}

// A TS val that is no further from the expected one than an event may be from its time is as good.
void forgive_timestamp(const Settings& settings, const TcpText* expected, TcpText& came) {
  if (expected == nullptr || !expected->options) return;
  std::vector<TcpOption> wanted = *expected->options;
  const auto from = find_timestamps(wanted);
  const auto to = find_timestamps(*came.options);
  if (from == wanted.end() || to == came.options->end()) return;
  const auto ticks = std::abs(std::int64_t{static_cast<std::int32_t>(to->value - from->value)});
  if (ticks * settings.timestamp_tick_us <= settings.tolerance.us()) to->value = from->value;
}

bool follows(const TcpText& first, const TcpText& next) {
  const std::uint8_t last_only = wire::kPsh | wire::kFin;
  return first.length > 0 && next.length > 0 && (first.flags & last_only) == 0 &&
         next.sequence == first.sequence + first.length &&
         next.acknowledgment == first.acknowledgment && next.window == first.window &&
         next.options == first.options && (next.flags & ~last_only) == first.flags;
}

}  // namespace

Octets WireTap::payload_for(const Packet& packet, const Endpoints& ends) {
  if (const auto* tcp = std::get_if<TcpText>(&packet.text)) {
    const std::uint32_t first = tcp->sequence + ((tcp->flags & wire::kSyn) != 0 ? 1 : 0);
    return octets(pattern(world_.flows.of(ends).position_of_peers(first), tcp->length));
  }
  const auto* udp = std::get_if<UdpText>(&packet.text);
  return udp == nullptr ? Octets() : octets(pattern(0, udp->length));
}

void WireTap::send(const Packet& packet) {
  Endpoints ends = world_.flows.ends_of(packet);
  Packet wire = packet;
  if (auto* tcp = std::get_if<TcpText>(&wire.text)) {
    *tcp = world_.flows.of(ends).to_wire(*tcp);
  }
  auto* icmp = std::get_if<IcmpText>(&wire.text);
  if (icmp != nullptr && icmp->quote) {
    // Whoever sends the error, the packet that it quotes went from us to the peer.
    ends = world_.flows.current();
    if (icmp->quote->ports) {
      ends.local_port = icmp->quote->ports->source;
      ends.remote_port = icmp->quote->ports->destination;
    }
    if (auto* tcp = std::get_if<TcpText>(&icmp->quote->packet)) {
      tcp->sequence = world_.flows.of(ends).sequence_to_wire(tcp->sequence);
    }
  }
  world_.stack.input(encode(wire, ends, payload_for(packet, ends)));
}

void WireTap::to_script(Decoded& decoded, const Packet* expected) {
  if (auto* tcp = std::get_if<TcpText>(&decoded.packet.text)) {
    const TcpText* wanted = tcp_of(expected);
    *tcp = world_.flows.of(decoded.ends).to_script(*tcp, wanted);
    forgive_timestamp(world_.settings, wanted, *tcp);
  }
  // A line without ports means the current flow; a packet of another shows them.
  const Endpoints& current = world_.flows.current();
  const bool is_current = decoded.ends.local_port == current.local_port &&
                          decoded.ends.remote_port == current.remote_port;
  const bool says_ports = expected != nullptr && expected->ports;
  if (is_current && !says_ports) decoded.packet.ports.reset();
}

std::string WireTap::check_addresses(const Decoded& decoded, const Packet* expected) const {
  if (expected == nullptr) return {};
  const Endpoints wanted = world_.flows.ends_of(*expected);
  if (decoded.ends.local == wanted.local && decoded.ends.remote == wanted.remote) return {};
  return fmt::format("it goes from {} to {}", decoded.ends.local.to_string(),
                     decoded.ends.remote.to_string());
}

std::string WireTap::check_payload(const Decoded& decoded) {
  const std::string bytes(decoded.payload.begin(), decoded.payload.end());
  if (const auto* tcp = std::get_if<TcpText>(&decoded.packet.text)) {
    if (bytes.empty()) return {};
    const Flow& flow = world_.flows.of(decoded.ends);
    const std::uint32_t at = flow.position_of_ours(flow.sequence_to_wire(tcp->sequence));
    const bool same = at <= flow.sent.size() && flow.sent.compare(at, bytes.size(), bytes) == 0;
    return same ? "" : "its bytes are not those that the application has sent";
  }
  if (!std::holds_alternative<UdpText>(decoded.packet.text)) return {};
  auto& datagrams = world_.datagrams;
  const auto found = std::find(datagrams.begin(), datagrams.end(), bytes);
  if (found == datagrams.end()) return "its bytes are not those that the application has sent";
  datagrams.erase(found);
  return {};
}

Seen WireTap::take_one(const Packet* expected) {
  const Stack::Output output = world_.stack.take_front();
  Decoded decoded = decode(output.packet);
  to_script(decoded, expected);
  std::string wrong = check_addresses(decoded, expected);
  if (wrong.empty()) wrong = check_payload(decoded);
  return {output.time, std::move(decoded.packet), std::move(wrong)};
}

// The script may say a run of segments as the one that a device would cut into them.
void WireTap::join_following(const Packet& expected, Seen& seen) {
  const TcpText* wanted = tcp_of(&expected);
  auto* tcp = std::get_if<TcpText>(&seen.packet.text);
  if (wanted == nullptr || tcp == nullptr || tcp->sequence != wanted->sequence) return;
  while (tcp->length < wanted->length && has_packet() && time_of_next() == seen.time) {
    Decoded next = decode(world_.stack.front()->packet);
    if (!std::holds_alternative<TcpText>(next.packet.text)) return;
    to_script(next, &expected);
    const TcpText& following = std::get<TcpText>(next.packet.text);
    if (!follows(*tcp, following) || tcp->length + following.length > wanted->length) return;
    tcp->length += following.length;
    tcp->flags = following.flags;
    if (seen.wrong.empty()) seen.wrong = check_payload(next);
    world_.stack.take_front();
  }
}

Seen WireTap::take(const Packet* expected) {
  Seen seen = take_one(expected);
  if (expected != nullptr) join_following(*expected, seen);
  return seen;
}

}  // namespace sluice::script

#include "tests/fuzz/calls/network.hpp"

#include "dataplane/link/segmenter.hpp"
#include "proto/wire/virtio_net.hpp"

namespace sluice::calls {
namespace {

constexpr std::size_t kV4Header = 20;
constexpr std::size_t kV6Header = 40;
constexpr std::size_t kTcpHeader = 20;
constexpr std::uint8_t kTcp = 6;

// Where the TCP header of a plain packet begins; nothing of other packets.
std::optional<std::size_t> tcp_header_at(const Text& packet) {
  if (packet.size() < kV4Header) return {};
  const bool v4 = packet[0] == 0x45;
  if (!v4 && packet[0] >> 4 != 6) return {};
  const std::size_t at = v4 ? kV4Header : kV6Header;
  if (packet.size() < at + kTcpHeader || packet[v4 ? 9 : 6] != kTcp) return {};
  const bool is_fragment = v4 && (load_be16(&packet[6]) & 0x3fff) != 0;
  return is_fragment ? std::nullopt : std::optional(at);
}

}  // namespace

// --- the network
// ----------------------------------------------------------------------------------

std::optional<std::uint32_t> Network::owner_of(const Text& packet) const {
  IpAddress to;
  if (packet[0] >> 4 == 4) {
    to = IpAddress::v4(load_be32(&packet[16]));
  } else {
    to = IpAddress::v6(std::span<const std::uint8_t, 16>(&packet[24], 16));
  }
  const auto found = owners_.find(to);
  return found == owners_.end() ? default_ : std::optional(found->second);
}

void Network::launch(Flying flying, std::uint64_t now_ns) {
  if (flying_.size() >= kMostFlying || chance_.chance(faults.loss)) return;
  // What came by way of a device's offload has no sum that would show damage.
  if (!flying.offload && chance_.chance(faults.damage)) {
    std::uint8_t& byte = chance_.element_of(flying.packet);
    byte = static_cast<std::uint8_t>(byte ^ (1 + chance_.below(255)));
  }
  const std::uint64_t delay = faults.most_delay_ns == 0 ? 0 : chance_.below(faults.most_delay_ns);
  flying_.emplace(now_ns + delay, std::move(flying));
}

void Network::carry(Text packet, const std::optional<sluice_offload>& offload,
                    std::uint64_t now_ns) {
  if (recent_.size() < kRecent) recent_.emplace_back();
  recent_[next_recent_++ % recent_.size()] = packet;
  const std::optional<std::uint32_t> to = owner_of(packet);
  if (!to) return;
  if (chance_.chance(faults.doubled)) launch({*to, packet, offload}, now_ns);
  launch({*to, std::move(packet), offload}, now_ns);
}

std::optional<Flying> Network::take(std::uint64_t now_ns) {
  if (flying_.empty() || flying_.begin()->first > now_ns) return {};
  Flying first = std::move(flying_.begin()->second);
  flying_.erase(flying_.begin());
  return first;
}

std::uint64_t Network::next_arrival() const {
  return flying_.empty() ? UINT64_MAX : flying_.begin()->first;
}

Text Network::recent() {
  return recent_.empty() ? Text() : chance_.element_of(recent_);
}

// --- the forger
// -----------------------------------------------------------------------------------

// Values at the edges of fields come more often than chance would bring them.
std::uint8_t Forger::byte() {
  if (chance_.chance(0.3)) return chance_.one_of<std::uint8_t>({0, 1, 2, 4, 8, 0x7f, 0x80, 0xff});
  return static_cast<std::uint8_t>(chance_.next());
}

Text Forger::noise() {
  Text packet(chance_.chance(0.02) ? chance_.below(65'600) : chance_.below(200));
  for (std::uint8_t& each : packet) each = byte();
  if (!packet.empty() && chance_.chance(0.8)) packet[0] = chance_.chance(0.5) ? 0x45 : 0x60;
  return packet;
}

Text Forger::damage(Text packet) {
  for (std::uint64_t left = 1 + chance_.below(4); left > 0 && !packet.empty(); --left) {
    // Headers more often than text.
    const std::size_t reach =
        chance_.chance(0.8) ? std::min<std::size_t>(packet.size(), 80) : packet.size();
    packet[chance_.below(reach)] = byte();
  }
  if (chance_.chance(0.2)) packet.resize(chance_.below(packet.size() + 1));
  return packet;
}

Text Forger::change_tcp(Text packet) {
  const std::optional<std::size_t> found = tcp_header_at(packet);
  if (!found) return packet;
  std::uint8_t* const tcp = &packet[*found];
  const auto nudge = [this](std::uint8_t* field) {
    const std::uint32_t step = chance_.one_of<std::uint32_t>(
        {1, 0xffffffff, 2, 1448, 65'535, 0x80000000, static_cast<std::uint32_t>(chance_.next())});
    store_be32(field, load_be32(field) + step);
  };
  for (std::uint64_t left = 1 + chance_.below(3); left > 0; --left) {
    switch (chance_.below(5)) {
      case 0: nudge(tcp + 4); break;
      case 1: nudge(tcp + 8); break;
      case 2: tcp[13] = byte(); break;
      case 3: store_be16(tcp + 14, static_cast<std::uint16_t>(byte() << 8 | byte())); break;
      default: {
        const std::size_t options = packet.size() - *found - kTcpHeader;
        if (options > 0)
          tcp[kTcpHeader + chance_.below(std::min<std::size_t>(options, 40))] = byte();
      }
    }
  }
  Text whole(wire::kVirtioNetHeaderSize);
  whole.insert(whole.end(), packet.begin(), packet.end());
  fix_sums(whole);
  return {whole.begin() + wire::kVirtioNetHeaderSize, whole.end()};
}

sluice_offload Forger::lie(std::size_t packet_size) {
  const auto number = [&] {
    return chance_.one_of<std::uint16_t>({0, 1, 20, 40, 1448, 65'535,
                                          static_cast<std::uint16_t>(packet_size),
                                          static_cast<std::uint16_t>(chance_.next())});
  };
  sluice_offload offload{};
  offload.size = sizeof offload;
  offload.checksum = chance_.one_of<std::uint8_t>(
      {SLUICE_CHECKSUM_COMPLETE, SLUICE_CHECKSUM_VALID, SLUICE_CHECKSUM_PARTIAL, 3, 255});
  offload.gso_type = chance_.one_of<std::uint8_t>(
      {SLUICE_GSO_NONE, SLUICE_GSO_TCP_IPV4, SLUICE_GSO_TCP_IPV6, SLUICE_GSO_UDP, 2, 128, 255});
  offload.gso_size = number();
  offload.header_length = number();
  offload.checksum_start = number();
  offload.checksum_offset = number();
  return offload;
}

}  // namespace sluice::calls

#include "dataplane/sim/star.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/link/segmenter.hpp"
#include "proto/wire/build.hpp"

namespace sluice::sim {
namespace {

constexpr std::uint32_t kVirtio = wire::kVirtioNetHeaderSize;
constexpr std::uint32_t kMostPackets = 1 << 17;  // under way on one link
// How much of a packet an error quotes (RFC 1812 4.3.2.3, RFC 4443 2.4).
constexpr std::size_t kQuoteV4 = 576 - wire::kIpv4MinHeader - wire::kIcmpHeader;
constexpr std::size_t kQuoteV6 = 1280 - wire::kIpv6Header - wire::kIcmpHeader;

std::uint32_t frame_bytes_of(const std::vector<SpokePlan>& spokes) {
  std::uint32_t most = 1280;  // of an error that the hub sends
  for (const SpokePlan& spoke : spokes) most = std::max(most, spoke.cut ? spoke.mtu : 65'535);
  return kVirtio + most;
}

struct Addresses {
  IpAddress source;
  IpAddress destination;
};

// Whatever the bytes are: they may be corrupt.
Addresses addresses_of(Bytes ip) {
  if (ip[0] >> 4 != 6) {
    return {IpAddress::v4(load_be32(&ip[12])), IpAddress::v4(load_be32(&ip[16]))};
  }
  return {IpAddress::v6(ip.subspan<8, 16>()), IpAddress::v6(ip.subspan<24, 16>())};
}

}  // namespace

Star::Wire::Wire(const LinkPlan& its_plan, std::uint64_t seed)
    : link(its_plan.options, kMostPackets, seed), plan(its_plan) {}

void Star::Wire::catch_up(Instant now) {
  while (next_change < plan.changes.size() && plan.changes[next_change].at <= now) {
    link.change(plan.changes[next_change++].options);
  }
}

Star::Spoke::Spoke(const SpokePlan& its_plan, std::uint64_t seed)
    : plan(its_plan),
      has_down(!its_plan.down.options.changes_nothing() || !its_plan.down.changes.empty()),
      up(its_plan.up, seed),
      down(its_plan.down, ~seed) {}

Star::Star(const std::vector<SpokePlan>& spokes, std::uint64_t seed, StarEvents& events)
    : events_(events), pool_(frame_bytes_of(spokes)) {
  Rng rng(seed);
  spokes_.reserve(spokes.size());
  for (const SpokePlan& plan : spokes) spokes_.emplace_back(plan, rng.next());
}

const Link& Star::link(std::uint32_t host, Direction direction) const {
  return direction == Direction::up ? spokes_[host].up.link : spokes_[host].down.link;
}

Star::Spoke* Star::spoke_of(const IpAddress& address) {
  for (const auto& [known, spoke] : last_) {
    if (known == address) return spoke;
  }
  Spoke* const found = find_spoke(address);
  last_[1] = last_[0];
  last_[0] = {address, found};
  return found;
}

Star::Spoke* Star::find_spoke(const IpAddress& address) {
  const auto holds = [&address](const Cidr& network) { return network.contains(address); };
  const auto found = std::ranges::find_if(spokes_, [&holds](const Spoke& spoke) {
    return std::ranges::any_of(spoke.plan.networks, holds);
  });
  return found == spokes_.end() ? nullptr : &*found;
}

void Star::send(std::uint32_t host, Bytes whole, Instant now) {
  pieces_.clear();
  Spoke& spoke = spokes_[host];
  const Cut cut =
      spoke.plan.cut ? cut_packet(whole, pool_, pieces_) : copy_packet(whole, pool_, pieces_);
  if (cut == Cut::refused) return events_.on_nonsense("a device would refuse this offload");
  const auto is_too_large = [&spoke](const Slice& piece) {
    return spoke.plan.cut && piece.size() - kVirtio > spoke.plan.mtu;
  };
  if (cut == Cut::no_frames || std::ranges::any_of(pieces_, is_too_large)) {
    return events_.on_nonsense("a packet is larger than its device's MTU");
  }
  for (Slice& piece : pieces_) send_on(spoke.up, {std::move(piece), false}, now);
}

void Star::send_on(Wire& wire, LinkPacket packet, Instant now) {
  wire.catch_up(now);
  const Bytes ip = packet.whole.bytes().subspan(kVirtio);
  const std::uint32_t mtu = wire.link.options().mtu;
  if (ip.size() > mtu && !packet.is_corrupt) say_too_big(ip, mtu, now);
  wire.link.send(std::move(packet), now);
}

// At the hub. A corrupt packet goes where it says, or nowhere.
void Star::forward(LinkPacket packet, Instant now) {
  const Bytes ip = packet.whole.bytes().subspan(kVirtio);
  Spoke* const spoke = spoke_of(addresses_of(ip).destination);
  if (spoke != nullptr) return send_down(*spoke, std::move(packet), now);
  if (!packet.is_corrupt) events_.on_nonsense("a packet has nowhere to go");
}

// A link that changes nothing, and never will, is no link.
void Star::send_down(Spoke& spoke, LinkPacket packet, Instant now) {
  if (!spoke.has_down) {
    return events_.on_arrival(number_of(spoke), std::move(packet), now);
  }
  send_on(spoke.down, std::move(packet), now);
}

// RFC 1191 4 and RFC 4443 3.2, in the name of the sender's router.
void Star::say_too_big(Bytes ip, std::uint32_t mtu, Instant now) {
  const IpAddress sender = addresses_of(ip).source;
  Spoke* const spoke = spoke_of(sender);
  if (spoke == nullptr) return;
  const bool v4 = sender.is_v4();
  wire::IpFields fields;
  for (const Cidr& network : spoke->plan.networks) {
    if (network.contains(sender)) fields.source = network.address;
  }
  fields.destination = sender;
  fields.protocol = v4 ? wire::kProtocolIcmp : wire::kProtocolIcmpV6;
  const wire::IcmpHeader error =
      v4 ? wire::IcmpHeader{wire::icmp_v4::kUnreachable, wire::icmp_v4::kFragmentationNeeded, mtu}
         : wire::IcmpHeader{wire::icmp_v6::kPacketTooBig, 0, mtu};
  const Bytes quote = ip.first(std::min(ip.size(), v4 ? kQuoteV4 : kQuoteV6));
  Frame& frame = *pool_.take();
  const MutableBytes room(frame.data, frame.capacity);
  const std::size_t headers = wire::build_icmp_packet(room, fields, error, quote);
  std::memcpy(frame.data + headers, quote.data(), quote.size());
  const Slice whole(frame, 0, static_cast<std::uint32_t>(headers + quote.size()));
  send_down(*spoke, {whole, false}, now);
}

void Star::step(Instant now) {
  for (std::uint32_t i = 0; i < spokes_.size(); ++i) {
    Link& link = spokes_[i].up.link;
    while (link.next_delivery() <= now) {
      auto packet = link.take(now);
      events_.on_crossed(i, Direction::up, *packet, now);
      forward(std::move(*packet), now);
    }
  }
  for (std::uint32_t i = 0; i < spokes_.size(); ++i) {
    Link& link = spokes_[i].down.link;
    while (link.next_delivery() <= now) {
      auto packet = link.take(now);
      events_.on_crossed(i, Direction::down, *packet, now);
      events_.on_arrival(i, std::move(*packet), now);
    }
  }
}

Instant Star::next_event() const {
  Instant next = Instant::never();
  for (const Spoke& spoke : spokes_) {
    next = std::min({next, spoke.up.link.next_delivery(), spoke.down.link.next_delivery()});
  }
  return next;
}

}  // namespace sluice::sim

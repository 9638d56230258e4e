#include "proto/wire/describe.hpp"

#include "proto/wire/describe_ip.hpp"
#include "proto/wire/describe_transport.hpp"
#include "proto/wire/description.hpp"
#include "proto/wire/outline.hpp"
#include "proto/wire/packet.hpp"

namespace sluice::wire {
namespace {

void describe_offload(Description& out, const VirtioNetHeader& offload) {
  if (offload == VirtioNetHeader()) return;
  out.section("virtio_net_hdr");
  out.field("flags") << Hex{offload.flags};
  out.field("gso type") << Hex{offload.gso_type};
  out.field("gso size") << offload.gso_size;
  out.field("checksum start") << offload.checksum_start;
  out.field("checksum offset") << offload.checksum_offset;
}

// Not so of packets that are only none for the engine.
bool is_malformed(DropReason refused) {
  return refused != DropReason::none && refused != DropReason::unknown_protocol &&
         refused != DropReason::fragment && refused != DropReason::bad_source_address &&
         refused != DropReason::bad_checksum && refused != DropReason::bad_port;
}

void put_bytes(Description& out, std::string_view title, Bytes bytes) {
  out.section(title) << ", " << bytes.size() << (bytes.size() == 1 ? " byte" : " bytes");
  out.hex(bytes);
}

}  // namespace

std::string describe_packet(Bytes ip, const VirtioNetHeader& offload) {
  Description out;
  Packet parsed;
  const DropReason refused = parse_packet(ip, offload, parsed);
  const Outline outline = outline_packet(ip);
  describe_offload(out, offload);
  Bytes payload;
  if (outline.has_addresses) {
    describe_ip(out, ip, outline);
    const bool sum_deferred = (offload.flags & VirtioNetHeader::kNeedsChecksum) != 0;
    payload = describe_transport(out, outline, sum_deferred);
  }
  if (is_malformed(refused)) {
    out.section("malformed: ") << drop_reason_name(refused);
    put_bytes(out, "the whole packet", ip);
  } else {
    put_bytes(out, "payload", payload);
    if (!outline.trailing.empty()) put_bytes(out, "behind the packet", outline.trailing);
  }
  return out.take();
}

}  // namespace sluice::wire

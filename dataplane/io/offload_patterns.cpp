#include "dataplane/io/offload_patterns.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "proto/wire/build.hpp"
#include "proto/wire/checksum.hpp"

namespace sluice::io {
namespace {

using wire::VirtioNetHeader;

constexpr std::uint32_t kOurSequence = 0x10000000;
constexpr std::uint16_t kUdpChecksumField = 6;  // offsets in the headers
constexpr std::uint16_t kTcpChecksumField = 16;

using HeaderBuffer = std::array<std::uint8_t, wire::kMaxHeaders>;

// Runs a part of a check, and says which it was when it fails.
template <typename Part>
void say_where(const char* where, Part part) {
  try {
    part();
  } catch (const OffloadBroken& error) {
    throw OffloadBroken(std::string(where) + ": " + error.what());
  }
}

void expect(bool condition, const char* otherwise) {
  if (!condition) throw OffloadBroken(otherwise);
}

// `piece` is what the pattern has from `offset` on.
void expect_pattern(Bytes piece, std::uint32_t offset) {
  expect(!piece.empty(), "a packet arrives empty");
  expect(piece.size() <= kPatternBytes - offset, "too many bytes arrive");
  const Bytes pattern = offload_pattern(kPatternBytes).subspan(offset, piece.size());
  expect(std::equal(piece.begin(), piece.end(), pattern.begin()), "wrong bytes arrive");
}

bool is_super(const LabPacket& packet) {
  return packet.offload.gso_type != VirtioNetHeader::kGsoNone;
}

// A sum that is left to us is that of the pseudo header, and the place where it belongs is right.
// All other sums have been verified.
void expect_sum(const LabPacket& packet) {
  const wire::Packet& parsed = packet.parsed;
  const bool is_tcp = parsed.protocol == wire::kProtocolTcp;
  if ((packet.offload.flags & VirtioNetHeader::kNeedsChecksum) == 0) {
    expect(!is_super(packet), "a super-segment arrives with a finished sum");
    expect(is_tcp || parsed.udp.checksum != 0, "a datagram arrives without a sum");
    return;
  }
  const std::uint16_t field = is_tcp ? kTcpChecksumField : kUdpChecksumField;
  expect(packet.offload.checksum_start == parsed.transport_offset &&
             packet.offload.checksum_offset == field,
         "the place of the sum is wrong");
  wire::Checksum sum;
  sum.add_pseudo_header(parsed.source, parsed.destination, parsed.protocol,
                        static_cast<std::uint32_t>(packet.ip.size()) - parsed.transport_offset);
  expect(load_be16(&packet.ip[parsed.transport_offset + field]) == sum.folded(),
         "the sum of the pseudo header is wrong");
}

void expect_segments(const LabPacket& packet, std::uint8_t gso_type) {
  expect(packet.offload.gso_type == gso_type, "a super-segment arrives with a wrong type");
  expect(packet.offload.gso_size == kPatternSegment,
         "a super-segment arrives with a wrong segment size");
}

wire::IpFields from_us(const OffloadNet& net, const IpAddress& destination) {
  wire::IpFields ip;
  ip.source = net.us;
  ip.destination = destination;
  return ip;
}

wire::PayloadFacts payload_facts(std::size_t length) {
  return {.length = static_cast<std::uint32_t>(length), .gso_size = kPatternSegment};
}

void write_udp(OffloadLab& lab, const wire::IpFields& ip, Bytes payload) {
  wire::UdpHeader udp;
  udp.source_port = LabSocket::kPort;
  udp.destination_port = LabSocket::kPort;
  HeaderBuffer headers;
  const std::size_t length =
      wire::build_udp_packet(headers, ip, udp, payload_facts(payload.size()));
  lab.write(Bytes(headers).first(length), payload);
}

void write_tcp(OffloadLab& lab, const wire::IpFields& ip, wire::TcpHeader tcp, Bytes payload) {
  tcp.source_port = LabSocket::kPort;
  tcp.destination_port = LabSocket::kPort;
  tcp.window = 0xffff;
  HeaderBuffer headers;
  const std::size_t length =
      wire::build_tcp_packet(headers, ip, tcp, payload_facts(payload.size()));
  lab.write(Bytes(headers).first(length), payload);
}

// Our side of a connection: as much of TCP as the kernel needs to send and to receive a pattern.
class TcpByHand {
 public:
  TcpByHand(OffloadLab& lab, const OffloadNet& net)
      : lab_(lab), net_(net), socket_(net, SOCK_STREAM) {
    const LabPacket& syn = lab_.read(net_.kernel.address, wire::kProtocolTcp);
    expect(syn.parsed.tcp.has(wire::kSyn), "no SYN arrives");
    received_to_ = syn.parsed.tcp.sequence + 1;
    wire::TcpHeader answer = header(wire::kSyn | wire::kAck);
    answer.options.has_mss = true;
    answer.options.mss = kPatternSegment;
    write_tcp(lab_, from_us(net_, net_.kernel.address), answer, {});
    ++sent_to_;
  }

  void receive_pattern() {
    socket_.send(offload_pattern(kPatternBytes));
    bool any_super = false;
    for (std::uint32_t offset = 0; offset < kPatternBytes;) {
      const LabPacket& packet = lab_.read(net_.kernel.address, wire::kProtocolTcp);
      expect(!packet.parsed.tcp.has(wire::kRst), "the kernel resets the connection");
      expect_sum(packet);
      if (packet.payload.empty()) continue;  // the end of the handshake
      expect(packet.parsed.tcp.sequence == received_to_, "bytes arrive out of order");
      expect_pattern(packet.payload, offset);
      if (is_super(packet)) {
        expect_segments(packet,
                        net_.us.is_v4() ? VirtioNetHeader::kGsoTcpV4 : VirtioNetHeader::kGsoTcpV6);
        any_super = true;
      }
      offset += packet.parsed.payload_length;
      received_to_ += packet.parsed.payload_length;
      write_tcp(lab_, from_us(net_, net_.kernel.address), header(wire::kAck), {});
    }
    expect(any_super, "the kernel sends no super-segment");
  }

  void send_pattern() {
    write_tcp(lab_, from_us(net_, net_.kernel.address), header(wire::kAck | wire::kPsh),
              offload_pattern(kPatternBytes));
    std::vector<std::uint8_t> buffer(kPatternBytes);
    for (std::uint32_t offset = 0; offset < kPatternBytes;) {
      const std::size_t length = socket_.receive(buffer);
      expect_pattern(Bytes(buffer).first(length), offset);
      offset += static_cast<std::uint32_t>(length);
    }
  }

 private:
  wire::TcpHeader header(int flags) const {
    wire::TcpHeader tcp;
    tcp.sequence = sent_to_;
    tcp.acknowledgment = received_to_;
    tcp.flags = static_cast<std::uint8_t>(flags);
    return tcp;
  }

  OffloadLab& lab_;
  const OffloadNet& net_;
  LabSocket socket_;
  std::uint32_t sent_to_ = kOurSequence;
  std::uint32_t received_to_ = 0;
};

void receive_udp(OffloadLab& lab, const OffloadNet& net, LabSocket& socket, Bytes pattern) {
  const bool many = pattern.size() > kPatternSegment;
  socket.send(pattern, many ? kPatternSegment : std::uint16_t{0});
  const LabPacket& packet = lab.read(net.kernel.address, wire::kProtocolUdp);
  expect_sum(packet);
  expect(is_super(packet) == many, "datagrams do not arrive as the socket sent them");
  if (many) expect_segments(packet, VirtioNetHeader::kGsoUdpL4);
  expect_pattern(packet.payload, 0);
  expect(packet.payload.size() == pattern.size(), "a datagram arrives shortened");
}

void send_udp(OffloadLab& lab, const OffloadNet& net, LabSocket& socket, Bytes pattern) {
  write_udp(lab, from_us(net, net.kernel.address), pattern);
  std::vector<std::uint8_t> buffer(kPatternBytes);
  for (std::uint32_t offset = 0; offset < pattern.size();) {
    const std::size_t length = socket.receive(buffer);
    expect_pattern(Bytes(buffer).first(length), offset);
    expect(length == std::min<std::size_t>(kPatternSegment, pattern.size() - offset),
           "a datagram arrives with a wrong length");
    offset += static_cast<std::uint32_t>(length);
  }
}

}  // namespace

void check_forwarded(OffloadLab& lab, const OffloadNet& net, std::uint8_t protocol,
                     std::uint32_t length) {
  const bool is_tcp = protocol == wire::kProtocolTcp;
  say_where("forwarded", [&] {
    if (is_tcp) {
      wire::TcpHeader tcp;
      tcp.sequence = kOurSequence;
      tcp.flags = wire::kAck;
      write_tcp(lab, from_us(net, net.other), tcp, offload_pattern(length));
    } else {
      write_udp(lab, from_us(net, net.other), offload_pattern(length));
    }
    for (std::uint32_t offset = 0; offset < length;) {
      const LabPacket& packet = lab.read(net.us, protocol);
      expect(packet.offload.flags == 0 && !is_super(packet),
             "the kernel leaves work to a device without offloads");
      expect_sum(packet);
      expect(packet.payload.size() <= kPatternSegment, "a segment is too long");
      expect(!is_tcp || packet.parsed.tcp.sequence == kOurSequence + offset,
             "a segment has a wrong sequence number");
      expect_pattern(packet.payload, offset);
      offset += packet.parsed.payload_length;
    }
  });
}

void check_udp(OffloadLab& lab, const OffloadNet& net, std::uint32_t length) {
  LabSocket socket(net, SOCK_DGRAM);
  const Bytes pattern = offload_pattern(length);
  say_where("from the kernel", [&] { receive_udp(lab, net, socket, pattern); });
  say_where("to the kernel", [&] { send_udp(lab, net, socket, pattern); });
}

void check_tcp(OffloadLab& lab, const OffloadNet& net) {
  TcpByHand connection(lab, net);
  say_where("from the kernel", [&] { connection.receive_pattern(); });
  say_where("to the kernel", [&] { connection.send_pattern(); });
}

}  // namespace sluice::io

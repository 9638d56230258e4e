#include "proto/wire/format.hpp"

#include <charconv>

namespace sluice::wire {
namespace {

// Text and numbers, one after the other.
class Line {
 public:
  Line& operator<<(std::string_view text) {
    text_ += text;
    return *this;
  }
  Line& operator<<(std::uint64_t number) {
    char digits[20];
    text_.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
    return *this;
  }
  std::string take() { return std::move(text_); }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

void put_tcp(Line& line, const Packet& packet) {
  const TcpHeader& tcp = packet.tcp;
  line << "Flags [" << format_tcp_flags(tcp.flags) << "]";
  if (packet.payload_length > 0) {
    line << ", seq " << tcp.sequence << ":" << std::uint32_t{tcp.sequence + packet.payload_length};
  } else if ((tcp.flags & (kSyn | kFin | kRst)) != 0) {
    line << ", seq " << tcp.sequence;
  }
  if (tcp.has(kAck)) line << ", ack " << tcp.acknowledgment;
  line << ", win " << tcp.window;
  if (tcp.has(kUrg)) line << ", urg " << tcp.urgent;
  const std::string options = format_tcp_options(tcp.options);
  if (!options.empty()) line << ", options [" << options << "]";
  line << ", length " << packet.payload_length;
}

void put_icmp(Line& line, const Packet& packet) {
  const bool is_v6 = packet.protocol == kProtocolIcmpV6;
  const IcmpHeader& icmp = packet.icmp;
  line << (is_v6 ? "ICMP6, " : "ICMP ");
  const bool request = icmp.type == (is_v6 ? icmp_v6::kEcho : icmp_v4::kEcho);
  if (request || icmp.type == (is_v6 ? icmp_v6::kEchoReply : icmp_v4::kEchoReply)) {
    line << "echo " << (request ? "request" : "reply") << ", id " << (icmp.rest >> 16) << ", seq "
         << (icmp.rest & 0xffff);
  } else {
    line << "type " << icmp.type << " code " << icmp.code;
  }
  line << ", length " << kIcmpHeader + packet.payload_length;
}

void put_endpoints(Line& line, const Packet& packet) {
  const bool is_tcp = packet.protocol == kProtocolTcp;
  const bool has_ports = is_tcp || packet.protocol == kProtocolUdp;
  line << (packet.source.is_v4() ? "IP " : "IP6 ") << packet.source.to_string();
  if (has_ports) line << "." << (is_tcp ? packet.tcp.source_port : packet.udp.source_port);
  line << " > " << packet.destination.to_string();
  if (has_ports)
    line << "." << (is_tcp ? packet.tcp.destination_port : packet.udp.destination_port);
  line << ": ";
}

}  // namespace

std::string format_packet(const Packet& packet) {
  Line line;
  put_endpoints(line, packet);
  if (packet.protocol == kProtocolTcp) {
    put_tcp(line, packet);
  } else if (packet.protocol == kProtocolUdp) {
    line << "UDP, length " << packet.payload_length;
  } else {
    put_icmp(line, packet);
  }
  if (packet.gso_size != 0) line << ", gso " << packet.gso_size;
  return line.take();
}

std::string format_packet(Bytes ip, const VirtioNetHeader& offload) {
  Packet packet;
  const DropReason refused = parse_packet(ip, offload, packet);
  if (refused == DropReason::none) return format_packet(packet);
  Line line;
  line << drop_reason_name(refused) << ", " << ip.size() << " bytes";
  return line.take();
}

std::string format_tcp_flags(std::uint8_t flags) {
  struct Letter {
    TcpFlag flag;
    char letter;
  };
  constexpr Letter kLetters[] = {{kFin, 'F'}, {kSyn, 'S'}, {kRst, 'R'}, {kPsh, 'P'},
                                 {kAck, '.'}, {kUrg, 'U'}, {kEce, 'E'}, {kCwr, 'W'}};
  std::string text;
  for (const auto& [flag, letter] : kLetters) {
    if ((flags & flag) != 0) text += letter;
  }
  return text.empty() ? "none" : text;
}

std::string format_tcp_options(const TcpOptions& options) {
  Line line;
  const auto next = [&line]() -> Line& { return line.empty() ? line : line << ","; };
  if (options.has_mss) next() << "mss " << options.mss;
  if (options.sack_permitted) next() << "sackOK";
  if (options.has_timestamps) {
    next() << "TS val " << options.ts_value << " ecr " << options.ts_echo;
  }
  if (options.has_window_scale) next() << "wscale " << options.window_scale;
  if (options.sack_count > 0) next() << "sack " << options.sack_count << " ";
  for (std::size_t i = 0; i < options.sack_count; ++i) {
    line << "{" << options.sack[i].left << ":" << options.sack[i].right << "}";
  }
  return line.take();
}

}  // namespace sluice::wire

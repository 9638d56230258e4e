#include "tests/scripts/runner/parse_packet.hpp"

#include <fmt/format.h>

#include "proto/wire/tcp.hpp"
#include "tests/scripts/runner/icmp_names.hpp"

namespace sluice::script {
namespace {

constexpr std::uint64_t kLargest8 = 0xff;
constexpr std::uint64_t kLargest16 = 0xffff;
constexpr std::uint64_t kLargest32 = 0xffff'ffff;

std::uint8_t number8(Reader& reader, std::string_view what) {
  return static_cast<std::uint8_t>(reader.expect_number(what, kLargest8));
}
std::uint16_t number16(Reader& reader, std::string_view what) {
  return static_cast<std::uint16_t>(reader.expect_number(what, kLargest16));
}
std::uint32_t number32(Reader& reader, std::string_view what) {
  return static_cast<std::uint32_t>(reader.expect_number(what, kLargest32));
}

IpAddress address(Reader& reader) {
  if (reader.peek().kind != Token::Kind::string) reader.fail("expected an address in quotes");
  const auto parsed = IpAddress::parse(reader.peek().text);
  if (!parsed) reader.fail(fmt::format("{} is no address", describe(reader.peek())));
  reader.take();
  return *parsed;
}

void one_mark(Reader& reader, IpMarks& marks) {
  const Token token = reader.peek();
  const std::string word = reader.expect_word("a mark such as ect0, ce or ttl");
  if (word == "noecn") {
    marks.ecn = 0;
  } else if (word == "ect1") {
    marks.ecn = 1;
  } else if (word == "ect0") {
    marks.ecn = 2;
  } else if (word == "ce") {
    marks.ecn = 3;
  } else if (word == "ect01") {
    marks.any_ect = true;
  } else if (word == "tos") {
    marks.tos = number8(reader, "the byte behind 'tos'");
  } else if (word == "ttl") {
    marks.ttl = number8(reader, "the number behind 'ttl'");
  } else if (word == "flowlabel") {
    marks.flow_label = static_cast<std::uint32_t>(reader.expect_number("the flow label", 0xf'ffff));
  } else if (word == "df" || word == "nodf") {
    marks.dont_fragment = word == "df";
  } else if (word == "from") {
    marks.from = address(reader);
  } else if (word == "to") {
    marks.to = address(reader);
  } else if (word == "bad_checksum") {
    marks.bad_checksum = true;
  } else {
    throw SyntaxError(token.place, fmt::format("'{}' is no mark of a packet", word));
  }
}

IpMarks parse_marks(Reader& reader) {
  IpMarks marks;
  const bool round = reader.at_sign("(");
  if (!round && !reader.at_sign("[")) return marks;
  reader.take();
  do {
    one_mark(reader, marks);
  } while (reader.accept_sign(","));
  reader.expect_sign(round ? ")" : "]", "behind the marks");
  return marks;
}

std::optional<Ports> parse_ports(Reader& reader) {
  if (reader.peek().kind != Token::Kind::integer || !reader.at_sign(">", 1)) return std::nullopt;
  Ports ports;
  ports.source = number16(reader, "the source port");
  reader.take();
  ports.destination = number16(reader, "the destination port");
  return ports;
}

// `1:1001(1000)`
void parse_sequence(Reader& reader, TcpText& tcp) {
  const Place place = reader.peek().place;
  tcp.sequence = number32(reader, "the sequence number, as in 1:1001(1000)");
  reader.expect_sign(":", "behind the first sequence number");
  const std::uint32_t end = number32(reader, "the end of the sequence numbers");
  reader.expect_sign("(", "in front of the length");
  tcp.length = number32(reader, "the length");
  reader.expect_sign(")", "behind the length");
  if (tcp.sequence + tcp.length != end) {
    throw SyntaxError(
        place, fmt::format("{}:{}({}): from {}, {} bytes end at {}", tcp.sequence, end, tcp.length,
                           tcp.sequence, tcp.length, tcp.sequence + tcp.length));
  }
}

std::uint8_t flag(const Reader& reader, char letter) {
  switch (letter) {
    case 'S': return wire::kSyn;
    case 'F': return wire::kFin;
    case 'R': return wire::kRst;
    case 'P': return wire::kPsh;
    case '.': return wire::kAck;
    case 'U': return wire::kUrg;
    case 'E': return wire::kEce;
    case 'W': return wire::kCwr;
    default: break;
  }
  reader.fail(fmt::format("'{}' is no flag: they are S F R P . U E W, or - for none", letter));
}

std::uint8_t parse_flags(Reader& reader) {
  if (reader.accept_sign("-")) return 0;
  const bool is_word = reader.peek().kind == Token::Kind::word;
  if (!is_word && !reader.at_sign(".")) {
    reader.fail(fmt::format("expected a packet's flags, found {}", describe(reader.peek())));
  }
  unsigned flags = 0;
  if (is_word) {
    for (const char letter : reader.peek().text) flags |= flag(reader, letter);
    reader.take();
    if (!reader.at_sign(".") || reader.peek().behind_space) return static_cast<std::uint8_t>(flags);
  }
  reader.take();
  flags |= wire::kAck;
  return static_cast<std::uint8_t>(flags);
}

std::uint8_t hex_digit(const Reader& reader, char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  reader.fail("raw needs hexadecimal digits in pairs, in quotes: raw \"fd04beef\"");
}

std::vector<std::uint8_t> parse_raw(Reader& reader) {
  const std::string text = reader.peek().text;
  if (reader.peek().kind != Token::Kind::string || text.size() % 2 != 0) hex_digit(reader, ' ');
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(reader, text[i]) << 4;
    bytes.push_back(static_cast<std::uint8_t>(high | hex_digit(reader, text[i + 1])));
  }
  reader.take();
  return bytes;
}

std::vector<wire::SackBlock> parse_sack_blocks(Reader& reader) {
  std::vector<wire::SackBlock> blocks;
  do {
    wire::SackBlock block;
    block.left = number32(reader, "a block such as 1:1001");
    reader.expect_sign(":", "in a SACK block");
    block.right = number32(reader, "the end of the SACK block");
    blocks.push_back(block);
  } while (reader.peek().kind == Token::Kind::integer);
  return blocks;
}

TcpOption parse_tcp_option(Reader& reader) {
  using Kind = TcpOption::Kind;
  const Token token = reader.peek();
  const std::string word = reader.expect_word("a TCP option");
  TcpOption option;
  if (word == "nop") {
    option.kind = Kind::nop;
  } else if (word == "eol") {
    option.kind = Kind::end;
  } else if (word == "sackOK") {
    option.kind = Kind::sack_ok;
  } else if (word == "mss") {
    option.kind = Kind::mss;
    option.value = number16(reader, "the MSS");
  } else if (word == "wscale") {
    option.kind = Kind::wscale;
    option.value = number8(reader, "the shift");
  } else if (word == "TS") {
    option.kind = Kind::timestamps;
    if (!reader.accept_word("val")) reader.fail("expected 'val' behind 'TS'");
    option.value = number32(reader, "TS val");
    if (!reader.accept_word("ecr")) reader.fail("expected 'ecr' behind TS val");
    option.echo = number32(reader, "TS ecr");
  } else if (word == "sack") {
    option.kind = Kind::sack;
    option.blocks = parse_sack_blocks(reader);
  } else if (word == "raw") {
    option.kind = Kind::raw;
    option.bytes = parse_raw(reader);
  } else {
    throw SyntaxError(token.place, fmt::format("'{}' is no TCP option", word));
  }
  return option;
}

TcpText parse_tcp(Reader& reader, Direction direction) {
  TcpText tcp;
  const Token first = reader.peek();
  tcp.flags = parse_flags(reader);
  parse_sequence(reader, tcp);
  if (reader.accept_word("ack")) tcp.acknowledgment = number32(reader, "the number behind 'ack'");
  if (reader.accept_word("win")) tcp.window = number16(reader, "the window");
  if (reader.accept_word("urg")) tcp.urgent = number16(reader, "the urgent pointer");
  tcp.options.emplace();
  const Token options = reader.peek();
  // In front of the next event's time stands no '<'; behind a packet it opens the options.
  if (reader.at_sign("<") && !reader.peek().first_on_line) tcp.options = parse_tcp_options(reader);

  const bool has_ack = (tcp.flags & wire::kAck) != 0;
  if (has_ack != tcp.acknowledgment.has_value()) {
    throw SyntaxError(first.place, has_ack ? "the flags say ACK: 'ack' and a number are missing"
                                           : "there is an 'ack' but the flags lack the '.'");
  }
  if (direction == Direction::out) return tcp;
  if (!tcp.options) {
    throw SyntaxError(options.place, "<...> is for packets that come out: say what goes in");
  }
  if (!tcp.window && (tcp.flags & wire::kRst) == 0) {
    throw SyntaxError(first.place, "a packet that goes in needs a window: 'win' and a number");
  }
  return tcp;
}

UdpText parse_udp(Reader& reader) {
  UdpText udp;
  reader.expect_sign("(", "in front of the datagram's length");
  udp.length = number16(reader, "the datagram's length");
  reader.expect_sign(")", "behind the datagram's length");
  return udp;
}

FragmentText parse_fragment(Reader& reader, Direction direction) {
  if (direction == Direction::in) reader.fail("fragments can be expected, not sent");
  FragmentText fragment;
  reader.expect_sign("(", "in front of the fragment's length, as in frag (1480@0+)");
  fragment.length = number16(reader, "the fragment's length");
  reader.expect_sign("@", "in front of the fragment's offset");
  fragment.offset = number16(reader, "the fragment's offset");
  fragment.more = reader.accept_sign("+");
  reader.expect_sign(")", "behind the fragment");
  return fragment;
}

Quote parse_quote(Reader& reader) {
  Quote quote;
  const bool is_udp = reader.accept_word("udp");
  quote.ports = parse_ports(reader);
  if (is_udp) {
    quote.packet = parse_udp(reader);
  } else {
    TcpText tcp;
    parse_sequence(reader, tcp);
    quote.packet = tcp;
  }
  reader.expect_sign("]", "behind the packet that is quoted");
  return quote;
}

IcmpText parse_icmp(Reader& reader, bool is_v6) {
  IcmpText icmp;
  icmp.is_v6 = is_v6;
  const Token type = reader.peek();
  const auto number = icmp_type(reader.expect_word("an ICMP type"), is_v6);
  if (!number) throw SyntaxError(type.place, fmt::format("'{}' is no ICMP type", type.text));
  icmp.type = *number;
  const bool has_code =
      reader.peek().kind == Token::Kind::word && !reader.at_word("mtu") && !reader.at_word("id");
  if (has_code) {
    const auto code = icmp_code(reader.peek().text, icmp.type, is_v6);
    if (!code) {
      reader.fail(fmt::format("'{}' is no code of '{}'", reader.peek().text, type.text));
    }
    icmp.code = *code;
    reader.take();
  }
  if (reader.accept_word("mtu")) icmp.mtu = number32(reader, "the MTU");
  if (reader.accept_word("id")) icmp.id = number16(reader, "the id");
  if (reader.accept_sign("[")) icmp.quote = parse_quote(reader);
  return icmp;
}

}  // namespace

std::optional<std::vector<TcpOption>> parse_tcp_options(Reader& reader) {
  reader.expect_sign("<", "in front of TCP options");
  if (reader.accept_sign("...")) {
    reader.expect_sign(">", "behind '...'");
    return std::nullopt;
  }
  std::vector<TcpOption> options;
  do {
    options.push_back(parse_tcp_option(reader));
  } while (reader.accept_sign(","));
  reader.expect_sign(">", "behind the TCP options");
  return options;
}

Packet parse_packet_line(Reader& reader, bool is_v6) {
  Packet packet;
  packet.direction = reader.at_sign(">") ? Direction::out : Direction::in;
  reader.take();
  packet.marks = parse_marks(reader);
  if (reader.accept_word("udp")) {
    packet.ports = parse_ports(reader);
    packet.text = parse_udp(reader);
  } else if (reader.accept_word("frag")) {
    packet.text = parse_fragment(reader, packet.direction);
  } else if (reader.at_word("icmp") || reader.at_word("icmpv6")) {
    packet.text = parse_icmp(reader, reader.take().text == "icmpv6" || is_v6);
  } else {
    packet.ports = parse_ports(reader);
    packet.text = parse_tcp(reader, packet.direction);
  }
  return packet;
}

}  // namespace sluice::script

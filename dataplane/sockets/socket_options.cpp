// Options that sockets of every protocol have: SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6.
#include <climits>

#include "dataplane/sockets/option_table.hpp"
#include "dataplane/sockets/socket.hpp"
#include "dataplane/sockets/stack.hpp"

namespace sluice::sockets {
namespace {

// As Linux' SOCK_MIN_RCVBUF and SOCK_MIN_SNDBUF, which count twice what a caller asks for.
constexpr std::uint32_t kLeastReceiveBuffer = 2304 / 2;
constexpr std::uint32_t kLeastSendBuffer = 4608 / 2;

constexpr int kEcnBits = 3;  // of the traffic class: TCP's own

int doubled(std::uint32_t bytes) {
  return static_cast<int>(std::min<std::uint32_t>(bytes, INT_MAX / 2) * 2);
}

// A negative one is large: Linux takes it for unsigned.
std::uint32_t buffer_size(int value, std::uint32_t least, std::uint32_t most) {
  return std::clamp(static_cast<std::uint32_t>(value), least, std::max(least, most));
}

}  // namespace

// Has access to what a socket keeps.
struct Socket::Options {
  using Row = IntOption<Socket>;

  static OptionValue get_error(Socket& socket) { return {socket.take_error()}; }
  static OptionValue get_mtu(Socket& socket) {
    const int mtu = socket.path_mtu();
    return {mtu, std::min(mtu, 0)};
  }

  static int set_receive_buffer(Socket& socket, int value) {
    const std::uint32_t most = socket.stack_.options().shard.tcp.receive_buffer_bytes;
    socket.common_.receive_buffer = buffer_size(value, kLeastReceiveBuffer, most);
    socket.apply_buffers();
    return 0;
  }
  static int set_send_buffer(Socket& socket, int value) {
    const std::uint32_t most = socket.stack_.options().shard.tcp.send_buffer_bytes;
    socket.common_.send_buffer = buffer_size(value, kLeastSendBuffer, most);
    socket.apply_buffers();
    return 0;
  }
  static int set_low_water(Socket& socket, int value) {
    const std::uint32_t most = socket.receive_buffer_bytes() / 2;
    const std::uint32_t wanted = value < 0 ? INT_MAX : static_cast<std::uint32_t>(value);
    socket.common_.receive_low_water = std::max(std::min(wanted, most), 1U);
    socket.note_change();
    return 0;
  }
  static int set_keepalive(Socket& socket, int value) {
    socket.common_.keepalive = value != 0;
    socket.apply_keepalive();
    return 0;
  }
  static int set_reuse(Socket& socket, int value) {
    socket.common_.shares_port = socket.binding_.shares = value != 0;
    socket.apply_own_reuse();
    return 0;
  }
  static int set_inline(Socket& socket, int value) {
    socket.common_.urgent_inline = value != 0;
    socket.apply_inline();
    return 0;
  }

  // A stream's bits of ECN stay what they are.
  static int set_class(Socket& socket, IpChoices& choices, int value) {
    const int kept = socket.type() == SOCK_STREAM ? value & ~kEcnBits : value;
    choices.traffic_class = static_cast<std::uint8_t>(kept);
    socket.apply_ip();
    return 0;
  }
  static int set_tclass(Socket& socket, int value) {
    if (value < -1 || value > 255) return -EINVAL;
    return set_class(socket, socket.ipv6_, std::max(value, 0));
  }
  static int set_hops(Socket& socket, IpChoices& choices, int least, int value) {
    if (value != -1 && (value < least || value > 255)) return -EINVAL;
    choices.hop_limit = value;
    socket.apply_ip();
    return 0;
  }
  static OptionValue get_hops(const Socket& socket, const IpChoices& choices) {
    const int usual = socket.stack_.options().shard.hop_limit;
    return {choices.hop_limit == -1 ? usual : choices.hop_limit};
  }
  static int set_discover(Socket& socket, IpChoices& choices, int value) {
    if (value < IP_PMTUDISC_DONT || value > IP_PMTUDISC_OMIT) return -EINVAL;
    choices.mtu_discover = value;
    socket.apply_ip();
    return 0;
  }
  static int set_v6_only(Socket& socket, int value) {
    if (socket.binding_.is_bound()) return -EINVAL;
    socket.form_.v6_only = value != 0;
    return 0;
  }

  static std::span<const Row> rows(bool is_v6);
};

std::span<const IntOption<Socket>> Socket::Options::rows(bool is_v6) {
  using S = Socket;
  constexpr auto kByte = ValueLength::byte_will_do;
  static constexpr std::array kRows{
      Row{SOL_SOCKET, SO_ERROR, get_error, nullptr},
      Row{SOL_SOCKET, SO_TYPE, [](S& s) { return OptionValue{s.type()}; }, nullptr},
      Row{SOL_SOCKET, SO_PROTOCOL, [](S& s) { return OptionValue{s.protocol()}; }, nullptr},
      Row{SOL_SOCKET, SO_DOMAIN,
          [](S& s) { return OptionValue{s.form_.is_v6 ? AF_INET6 : AF_INET}; }, nullptr},
      Row{SOL_SOCKET, SO_ACCEPTCONN, [](S& s) { return OptionValue{s.is_listening()}; }, nullptr},
      Row{SOL_SOCKET, SO_RCVBUF,
          [](S& s) { return OptionValue{doubled(s.receive_buffer_bytes())}; }, set_receive_buffer},
      Row{SOL_SOCKET, SO_SNDBUF, [](S& s) { return OptionValue{doubled(s.send_buffer_bytes())}; },
          set_send_buffer},
      Row{SOL_SOCKET, SO_RCVLOWAT,
          [](S& s) { return OptionValue{static_cast<int>(s.common_.receive_low_water)}; },
          set_low_water},
      Row{SOL_SOCKET, SO_KEEPALIVE, [](S& s) { return OptionValue{s.common_.keepalive}; },
          set_keepalive},
      Row{SOL_SOCKET, SO_REUSEADDR, [](S& s) { return OptionValue{s.common_.shares_port}; },
          set_reuse},
      Row{SOL_SOCKET, SO_OOBINLINE, [](S& s) { return OptionValue{s.common_.urgent_inline}; },
          set_inline},
      Row{IPPROTO_IP, IP_TOS, [](S& s) { return OptionValue{s.ipv4_.traffic_class}; },
          [](S& s, int v) { return set_class(s, s.ipv4_, v); }, kByte},
      Row{IPPROTO_IP, IP_TTL, [](S& s) { return get_hops(s, s.ipv4_); },
          [](S& s, int v) { return set_hops(s, s.ipv4_, 1, v); }, kByte},
      Row{IPPROTO_IP, IP_MTU_DISCOVER, [](S& s) { return OptionValue{s.ipv4_.mtu_discover}; },
          [](S& s, int v) { return set_discover(s, s.ipv4_, v); }, kByte},
      Row{IPPROTO_IP, IP_MTU, get_mtu, nullptr, kByte},
      // From here on of AF_INET6 alone.
      Row{IPPROTO_IPV6, IPV6_V6ONLY, [](S& s) { return OptionValue{s.form_.v6_only}; },
          set_v6_only},
      Row{IPPROTO_IPV6, IPV6_TCLASS, [](S& s) { return OptionValue{s.ipv6_.traffic_class}; },
          set_tclass},
      Row{IPPROTO_IPV6, IPV6_UNICAST_HOPS, [](S& s) { return get_hops(s, s.ipv6_); },
          [](S& s, int v) { return set_hops(s, s.ipv6_, 0, v); }},
      Row{IPPROTO_IPV6, IPV6_MTU_DISCOVER, [](S& s) { return OptionValue{s.ipv6_.mtu_discover}; },
          [](S& s, int v) { return set_discover(s, s.ipv6_, v); }},
      Row{IPPROTO_IPV6, IPV6_MTU, get_mtu, nullptr},
  };
  constexpr std::size_t kOfIpv6 = 5;
  return std::span(kRows).first(is_v6 ? kRows.size() : kRows.size() - kOfIpv6);
}

int Socket::set_option(int level, int name, Bytes value) {
  if (level == SOL_SOCKET && name == SO_LINGER) return set_linger(value);
  const auto* const row = find_option(Options::rows(form_.is_v6), level, name);
  return row != nullptr ? set_int(*row, *this, value) : set_own_option(level, name, value);
}

int Socket::get_option(int level, int name, MutableBytes& value) {
  if (level == SOL_SOCKET && name == SO_LINGER) {
    const linger said{common_.lingers, common_.linger_seconds};
    put_value(&said, sizeof said, value);
    return 0;
  }
  const auto* const row = find_option(Options::rows(form_.is_v6), level, name);
  return row != nullptr ? get_int(*row, *this, value) : get_own_option(level, name, value);
}

int Socket::set_linger(Bytes value) {
  linger wanted{};
  if (!take_value(value, wanted)) return -EINVAL;
  common_.lingers = wanted.l_onoff != 0;
  if (common_.lingers) common_.linger_seconds = wanted.l_linger;
  return 0;
}

}  // namespace sluice::sockets

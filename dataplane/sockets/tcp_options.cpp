// Socket options of TCP, with the ranges that Linux gives them (net/ipv4/tcp.c).
#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <string_view>

#include "dataplane/sockets/option_table.hpp"
#include "dataplane/sockets/stack.hpp"
#include "dataplane/sockets/tcp_socket.hpp"

namespace sluice::sockets {
namespace {

constexpr int kLeastMaxSegment = 88;
constexpr int kMostMaxSegment = 32'767;
constexpr int kMostKeepaliveSeconds = 32'767;
constexpr int kMostTries = 127;  // of keepalive probes, and of SYNs
constexpr int kMostLinger2Seconds = 120;
constexpr std::size_t kAlgorithmName = 16;  // bytes, with its zero
constexpr int kSynAckRto = 1;               // seconds, of the first SYN-ACK; it doubles ...
constexpr int kMostSynAckRto = 120;         // ... up to this

// TCP_DEFER_ACCEPT is told in seconds and kept in timeouts of the SYN-ACK.
std::uint8_t timeouts_in(int seconds) {
  int timeouts = 0;
  int rto = kSynAckRto;
  for (int passed = 0; seconds > passed && timeouts < 255; ++timeouts) {
    passed += rto;
    rto = std::min(rto * 2, kMostSynAckRto);
  }
  return static_cast<std::uint8_t>(timeouts);
}

int seconds_of(int timeouts) {
  int seconds = 0;
  int rto = kSynAckRto;
  for (int i = 0; i < timeouts; ++i) {
    seconds += rto;
    rto = std::min(rto * 2, kMostSynAckRto);
  }
  return seconds;
}

int seconds_of(Duration duration) {
  return static_cast<int>(duration.ms() / 1000);
}

bool is_in(int value, int least, int most) {
  return value >= least && value <= most;
}

}  // namespace

// Has access to what a socket keeps. A setter chooses, and applies that to the connection there is.
struct TcpSocket::Options {
  using S = TcpSocket;
  using Row = IntOption<TcpSocket>;

  static int set_nodelay(S& socket, int value) {
    socket.choices_.nodelay = value != 0;
    return socket.apply([&](tcp::Connection& tcp) { tcp.set_nodelay(value != 0); });
  }
  static int set_cork(S& socket, int value) {
    socket.choices_.cork = value != 0;
    return socket.apply([&](tcp::Connection& tcp) { tcp.set_cork(value != 0); });
  }
  // tcp(7): not permanent; a connection turns it on and off as it goes.
  static OptionValue get_quick_ack(S& socket) {
    if (!socket.has_connection()) return {socket.choices_.quick_ack};
    return {socket.connection_->tcp.quick_ack()};
  }
  static int set_quick_ack(S& socket, int value) {
    socket.choices_.quick_ack = value != 0;
    return socket.apply([&](tcp::Connection& tcp) { tcp.set_quick_ack(value != 0); });
  }

  static OptionValue get_max_segment(S& socket) {
    const bool is_chosen = socket.choices_.max_segment != 0 && !socket.has_connection();
    if (is_chosen) return {static_cast<int>(socket.choices_.max_segment)};
    const std::uint32_t mss = socket.has_connection() ? socket.connection_->tcp.send_mss() : 0;
    return {static_cast<int>(mss != 0 ? mss : tcp::kDefaultMssV4)};
  }
  static int set_max_segment(S& socket, int value) {
    if (value != 0 && !is_in(value, kLeastMaxSegment, kMostMaxSegment)) return -EINVAL;
    socket.choices_.max_segment = static_cast<std::uint32_t>(value);
    if (value == 0) return 0;
    return socket.apply(
        [&](tcp::Connection& tcp) { tcp.set_max_segment(socket.choices_.max_segment); });
  }

  static int set_user_timeout(S& socket, int value) {
    if (value < 0) return -EINVAL;
    socket.choices_.user_timeout_ms = static_cast<std::uint32_t>(value);
    return socket.apply(
        [&](tcp::Connection& tcp) { tcp.set_user_timeout(Duration::milliseconds(value)); });
  }
  static int set_keepalive_idle(S& socket, int value) {
    if (!is_in(value, 1, kMostKeepaliveSeconds)) return -EINVAL;
    socket.choices_.keepalive_idle = Duration::seconds(value);
    socket.apply_keepalive();
    return 0;
  }
  static int set_keepalive_interval(S& socket, int value) {
    if (!is_in(value, 1, kMostKeepaliveSeconds)) return -EINVAL;
    socket.choices_.keepalive_interval = Duration::seconds(value);
    return socket.apply([&](tcp::Connection& tcp) {
      tcp.set_keepalive_interval(socket.choices_.keepalive_interval);
    });
  }
  static int set_keepalive_probes(S& socket, int value) {
    if (!is_in(value, 1, kMostTries)) return -EINVAL;
    socket.choices_.keepalive_probes = static_cast<std::uint32_t>(value);
    return socket.apply(
        [&](tcp::Connection& tcp) { tcp.set_keepalive_probes(socket.choices_.keepalive_probes); });
  }
  static int set_syn_retries(S& socket, int value) {
    if (!is_in(value, 1, kMostTries)) return -EINVAL;
    socket.choices_.syn_retries = static_cast<std::uint32_t>(value);
    return socket.apply(
        [&](tcp::Connection& tcp) { tcp.set_syn_retries(socket.choices_.syn_retries); });
  }

  static OptionValue get_linger2(S& socket) {
    const int chosen = socket.choices_.linger2_seconds;
    return {chosen == 0 ? seconds_of(socket.settings().fin_wait_2_timeout) : chosen};
  }
  static int set_linger2(S& socket, int value) {
    socket.choices_.linger2_seconds = std::clamp(value, -1, kMostLinger2Seconds);
    return socket.apply(
        [&](tcp::Connection& tcp) { tcp.set_fin_wait_2_timeout(socket.fin_wait_2_timeout()); });
  }
  static int set_unsent_low_water(S& socket, int value) {
    socket.choices_.unsent_low_water = static_cast<std::uint32_t>(value);
    return socket.apply([&](tcp::Connection& tcp) {
      tcp.set_unsent_low_water(value == 0 ? UINT32_MAX : static_cast<std::uint32_t>(value));
    });
  }
  static int set_defer_accept(S& socket, int value) {
    socket.choices_.defer_accept = timeouts_in(value);
    return 0;
  }

  static std::span<const Row> rows();
};

std::span<const IntOption<TcpSocket>> TcpSocket::Options::rows() {
  static constexpr std::array kRows{
      Row{IPPROTO_TCP, TCP_NODELAY, [](S& s) { return OptionValue{s.choices_.nodelay}; },
          set_nodelay},
      Row{IPPROTO_TCP, TCP_CORK, [](S& s) { return OptionValue{s.choices_.cork}; }, set_cork},
      Row{IPPROTO_TCP, TCP_QUICKACK, get_quick_ack, set_quick_ack},
      Row{IPPROTO_TCP, TCP_MAXSEG, get_max_segment, set_max_segment},
      Row{IPPROTO_TCP, TCP_USER_TIMEOUT,
          [](S& s) { return OptionValue{static_cast<int>(s.choices_.user_timeout_ms)}; },
          set_user_timeout},
      Row{IPPROTO_TCP, TCP_KEEPIDLE,
          [](S& s) { return OptionValue{seconds_of(s.choices_.keepalive_idle)}; },
          set_keepalive_idle},
      Row{IPPROTO_TCP, TCP_KEEPINTVL,
          [](S& s) { return OptionValue{seconds_of(s.choices_.keepalive_interval)}; },
          set_keepalive_interval},
      Row{IPPROTO_TCP, TCP_KEEPCNT,
          [](S& s) { return OptionValue{static_cast<int>(s.choices_.keepalive_probes)}; },
          set_keepalive_probes},
      Row{IPPROTO_TCP, TCP_SYNCNT,
          [](S& s) { return OptionValue{static_cast<int>(s.choices_.syn_retries)}; },
          set_syn_retries},
      Row{IPPROTO_TCP, TCP_LINGER2, get_linger2, set_linger2},
      Row{IPPROTO_TCP, TCP_NOTSENT_LOWAT,
          [](S& s) { return OptionValue{static_cast<int>(s.choices_.unsent_low_water)}; },
          set_unsent_low_water},
      Row{IPPROTO_TCP, TCP_DEFER_ACCEPT,
          [](S& s) { return OptionValue{seconds_of(s.choices_.defer_accept)}; }, set_defer_accept},
  };
  return kRows;
}

int TcpSocket::set_own_option(int level, int name, Bytes value) {
  if (level == IPPROTO_TCP && name == TCP_CONGESTION) return set_congestion(value);
  const auto* const row = find_option(Options::rows(), level, name);
  return row == nullptr ? -ENOPROTOOPT : set_int(*row, *this, value);
}

int TcpSocket::get_own_option(int level, int name, MutableBytes& value) {
  if (level == IPPROTO_TCP && name == TCP_CONGESTION) {
    std::array<char, kAlgorithmName> said{};
    tcp::algorithm_name(choices_.congestion).copy(said.data(), said.size() - 1);
    put_value(said.data(), said.size(), value);
    return 0;
  }
  const auto* const row = find_option(Options::rows(), level, name);
  return row == nullptr ? -ENOPROTOOPT : get_int(*row, *this, value);
}

// A name, with or without a zero behind it.
int TcpSocket::set_congestion(Bytes value) {
  if (value.empty()) return -EINVAL;
  const auto* const text = reinterpret_cast<const char*>(value.data());
  std::string_view name(text, std::min(value.size(), kAlgorithmName - 1));
  name = name.substr(0, name.find('\0'));
  if (!tcp::parse_algorithm(name, choices_.congestion)) return -ENOENT;
  return apply(
      [this](tcp::Connection& tcp) { tcp.set_congestion(choices_.congestion, stack_.now()); });
}

// --- choices of any socket ---------------------------------------------------------------------

void TcpSocket::apply_ip() {
  if (has_connection()) apply_ip(*connection_);
}

void TcpSocket::apply_ip(ConnectionSlot& slot) const {
  const IpChoices& ip = ip_choices(slot.flow_key.remote);
  const bool v4 = slot.flow_key.remote.is_v4();
  const int usual = stack_.options().shard.hop_limit;
  slot.hop_limit = static_cast<std::uint8_t>(ip.hop_limit == -1 ? usual : ip.hop_limit);
  slot.traffic_class = ip.traffic_class;
  slot.dont_fragment = ip.dont_fragment();
  slot.discovers_mtu = ip.believes_routers() && !(v4 && ip.mtu_discover == IP_PMTUDISC_DONT);
}

void TcpSocket::apply_buffers() {
  apply([this](tcp::Connection& tcp) {
    if (common_.receive_buffer != 0) tcp.set_receive_buffer(common_.receive_buffer);
    if (common_.send_buffer != 0) tcp.set_send_buffer(common_.send_buffer);
  });
}

void TcpSocket::apply_keepalive() {
  const Duration idle = common_.keepalive ? choices_.keepalive_idle : Duration();
  apply([&](tcp::Connection& tcp) { tcp.set_keepalive(idle, stack_.now()); });
}

void TcpSocket::apply_own_reuse() {
  if (has_connection()) connection_->shares_port = common_.shares_port;
}

// All that was chosen, for a connection that is to begin.
void TcpSocket::prepare(ConnectionSlot& slot) const {
  tcp::Connection& tcp = slot.tcp;
  apply_ip(slot);
  tcp.set_keep_unread(true);
  tcp.set_defer_accept(choices_.defer_accept);
  slot.shares_port = common_.shares_port;
  tcp.set_nodelay(choices_.nodelay);
  tcp.set_cork(choices_.cork);
  if (!choices_.quick_ack) tcp.set_quick_ack(false);
  if (choices_.max_segment != 0) tcp.set_max_segment(choices_.max_segment);
  tcp.set_user_timeout(Duration::milliseconds(choices_.user_timeout_ms));
  tcp.set_keepalive_interval(choices_.keepalive_interval);
  tcp.set_keepalive_probes(choices_.keepalive_probes);
  if (common_.keepalive) tcp.set_keepalive(choices_.keepalive_idle, stack_.now());
  tcp.set_syn_retries(choices_.syn_retries);
  tcp.set_fin_wait_2_timeout(fin_wait_2_timeout());
  tcp.set_urgent_inline(common_.urgent_inline);
  if (choices_.unsent_low_water != 0) tcp.set_unsent_low_water(choices_.unsent_low_water);
  if (common_.receive_buffer != 0) tcp.set_receive_buffer(common_.receive_buffer);
  if (common_.send_buffer != 0) tcp.set_send_buffer(common_.send_buffer);
  if (choices_.congestion != settings().congestion) {
    tcp.set_congestion(choices_.congestion, stack_.now());
  }
}

Duration TcpSocket::fin_wait_2_timeout() const {
  const int seconds = choices_.linger2_seconds;
  return seconds == 0 ? settings().fin_wait_2_timeout : Duration::seconds(std::max(seconds, 0));
}

}  // namespace sluice::sockets

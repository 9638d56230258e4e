#include "tests/scripts/runner/symbols.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <cstring>
#include <map>

#include "dataplane/sluice.h"

// Not in the C library's own headers.
#ifndef SIOCINQ
#define SIOCINQ FIONREAD
#endif

namespace sluice::script {
namespace {

using Names = std::map<std::string_view, std::int64_t>;

// clang-format off
#define X(name) {#name, name}
const Names kConstants = {
    X(AF_INET), X(AF_INET6), X(AF_UNIX), X(AF_UNSPEC), X(SOCK_STREAM), X(SOCK_DGRAM), X(SOCK_RAW),
    X(SOCK_NONBLOCK), X(SOCK_CLOEXEC), X(IPPROTO_IP), X(IPPROTO_TCP), X(IPPROTO_UDP),
    X(IPPROTO_IPV6), X(IPPROTO_ICMP), X(SOMAXCONN), X(INADDR_ANY),
    // levels and options
    X(SOL_SOCKET), X(SOL_TCP), {"SOL_IP", IPPROTO_IP}, {"SOL_IPV6", IPPROTO_IPV6},
    {"SOL_UDP", IPPROTO_UDP}, X(SO_KEEPALIVE), X(SO_RCVBUF), X(SO_SNDBUF), X(SO_RCVLOWAT),
    X(SO_SNDLOWAT), X(SO_LINGER), X(SO_ERROR), X(SO_REUSEADDR), X(SO_REUSEPORT), X(SO_OOBINLINE),
    X(SO_TYPE), X(SO_DOMAIN), X(SO_PROTOCOL), X(SO_ACCEPTCONN), X(SO_BROADCAST), X(TCP_NODELAY),
    X(TCP_CORK), X(TCP_MAXSEG), X(TCP_QUICKACK), X(TCP_USER_TIMEOUT), X(TCP_KEEPIDLE),
    X(TCP_KEEPINTVL), X(TCP_KEEPCNT), X(TCP_CONGESTION), X(TCP_NOTSENT_LOWAT), X(TCP_DEFER_ACCEPT),
    X(TCP_SYNCNT), X(TCP_LINGER2), X(TCP_WINDOW_CLAMP), X(TCP_MD5SIG), X(TCP_FASTOPEN), X(IP_TOS),
    X(IP_TTL), X(IP_MTU_DISCOVER), X(IP_MTU), X(IP_PMTUDISC_DONT), X(IP_PMTUDISC_WANT),
    X(IP_PMTUDISC_DO), X(IP_PMTUDISC_PROBE), X(IP_OPTIONS), X(IPV6_V6ONLY), X(IPV6_TCLASS),
    X(IPV6_UNICAST_HOPS), X(IPV6_MTU_DISCOVER), X(IPV6_MTU),
    // flags
    X(MSG_PEEK), X(MSG_OOB), X(MSG_MORE), X(MSG_DONTWAIT), X(MSG_NOSIGNAL), X(MSG_TRUNC),
    X(MSG_WAITALL), X(MSG_EOR), X(MSG_FASTOPEN), X(MSG_ERRQUEUE), X(MSG_ZEROCOPY), X(MSG_CTRUNC),
    X(MSG_DONTROUTE), X(SHUT_RD), X(SHUT_WR), X(SHUT_RDWR), X(F_GETFL), X(F_SETFL), X(O_RDWR),
    X(O_NONBLOCK), X(SIOCINQ), X(FIONREAD), X(SIOCATMARK), X(POLLIN), X(POLLOUT), X(POLLERR),
    X(POLLHUP), X(POLLPRI), X(POLLRDHUP), X(POLLNVAL),
    // what code asks about
    X(TCP_ESTABLISHED), X(TCP_SYN_SENT), X(TCP_SYN_RECV), X(TCP_FIN_WAIT1), X(TCP_FIN_WAIT2),
    X(TCP_TIME_WAIT), X(TCP_CLOSE), X(TCP_CLOSE_WAIT), X(TCP_LAST_ACK), X(TCP_LISTEN),
    X(TCP_CLOSING), X(TCP_CA_Open), X(TCP_CA_Disorder), X(TCP_CA_CWR), X(TCP_CA_Recovery),
    X(TCP_CA_Loss), X(TCPI_OPT_TIMESTAMPS), X(TCPI_OPT_SACK), X(TCPI_OPT_WSCALE), X(TCPI_OPT_ECN),
    {"TCP_INFINITE_SSTHRESH", 0x7fff'ffff},
};
#undef X
// clang-format on

}  // namespace

std::optional<std::int64_t> constant(std::string_view name) {
  const auto found = kConstants.find(name);
  if (found != kConstants.end()) return found->second;
  return error_number(name);  // of SO_ERROR
}

std::string error_text(int error) {
  const char* const name = strerrorname_np(error);
  if (name == nullptr) return fmt::format("{}", error);
  return fmt::format("{} ({})", name, strerrordesc_np(error));
}

std::optional<int> error_number(std::string_view name) {
  if (name == "EWOULDBLOCK") return EWOULDBLOCK;
  constexpr int kLargest = 200;  // Linux has some 130
  for (int error = 1; error < kLargest; ++error) {
    const char* const own = strerrorname_np(error);
    if (own != nullptr && name == own) return error;
  }
  return std::nullopt;
}

}  // namespace sluice::script

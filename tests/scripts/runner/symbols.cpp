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

#define SLUICE_NAMED(name) \
  { #name, name }

using Names = std::map<std::string_view, std::int64_t>;

const Names& constants() {
  static const Names kNames = {SLUICE_NAMED(AF_INET),
                               SLUICE_NAMED(AF_INET6),
                               SLUICE_NAMED(AF_UNIX),
                               SLUICE_NAMED(AF_UNSPEC),
                               SLUICE_NAMED(SOCK_STREAM),
                               SLUICE_NAMED(SOCK_DGRAM),
                               SLUICE_NAMED(SOCK_RAW),
                               SLUICE_NAMED(SOCK_NONBLOCK),
                               SLUICE_NAMED(SOCK_CLOEXEC),
                               SLUICE_NAMED(IPPROTO_IP),
                               SLUICE_NAMED(IPPROTO_TCP),
                               SLUICE_NAMED(IPPROTO_UDP),
                               SLUICE_NAMED(IPPROTO_IPV6),
                               SLUICE_NAMED(IPPROTO_ICMP),
                               SLUICE_NAMED(SOMAXCONN),
                               SLUICE_NAMED(INADDR_ANY),
                               // levels and options
                               SLUICE_NAMED(SOL_SOCKET),
                               SLUICE_NAMED(SOL_TCP),
                               {"SOL_IP", IPPROTO_IP},
                               {"SOL_IPV6", IPPROTO_IPV6},
                               {"SOL_UDP", IPPROTO_UDP},
                               SLUICE_NAMED(SO_KEEPALIVE),
                               SLUICE_NAMED(SO_RCVBUF),
                               SLUICE_NAMED(SO_SNDBUF),
                               SLUICE_NAMED(SO_RCVLOWAT),
                               SLUICE_NAMED(SO_SNDLOWAT),
                               SLUICE_NAMED(SO_LINGER),
                               SLUICE_NAMED(SO_ERROR),
                               SLUICE_NAMED(SO_REUSEADDR),
                               SLUICE_NAMED(SO_REUSEPORT),
                               SLUICE_NAMED(SO_OOBINLINE),
                               SLUICE_NAMED(SO_TYPE),
                               SLUICE_NAMED(SO_DOMAIN),
                               SLUICE_NAMED(SO_PROTOCOL),
                               SLUICE_NAMED(SO_ACCEPTCONN),
                               SLUICE_NAMED(SO_BROADCAST),
                               SLUICE_NAMED(TCP_NODELAY),
                               SLUICE_NAMED(TCP_CORK),
                               SLUICE_NAMED(TCP_MAXSEG),
                               SLUICE_NAMED(TCP_QUICKACK),
                               SLUICE_NAMED(TCP_USER_TIMEOUT),
                               SLUICE_NAMED(TCP_KEEPIDLE),
                               SLUICE_NAMED(TCP_KEEPINTVL),
                               SLUICE_NAMED(TCP_KEEPCNT),
                               SLUICE_NAMED(TCP_CONGESTION),
                               SLUICE_NAMED(TCP_NOTSENT_LOWAT),
                               SLUICE_NAMED(TCP_DEFER_ACCEPT),
                               SLUICE_NAMED(TCP_SYNCNT),
                               SLUICE_NAMED(TCP_LINGER2),
                               SLUICE_NAMED(TCP_WINDOW_CLAMP),
                               SLUICE_NAMED(TCP_MD5SIG),
                               SLUICE_NAMED(TCP_FASTOPEN),
                               SLUICE_NAMED(IP_TOS),
                               SLUICE_NAMED(IP_TTL),
                               SLUICE_NAMED(IP_MTU_DISCOVER),
                               SLUICE_NAMED(IP_MTU),
                               SLUICE_NAMED(IP_PMTUDISC_DONT),
                               SLUICE_NAMED(IP_PMTUDISC_WANT),
                               SLUICE_NAMED(IP_PMTUDISC_DO),
                               SLUICE_NAMED(IP_PMTUDISC_PROBE),
                               SLUICE_NAMED(IP_OPTIONS),
                               SLUICE_NAMED(IPV6_V6ONLY),
                               SLUICE_NAMED(IPV6_TCLASS),
                               SLUICE_NAMED(IPV6_UNICAST_HOPS),
                               SLUICE_NAMED(IPV6_MTU_DISCOVER),
                               SLUICE_NAMED(IPV6_MTU),
                               // flags
                               SLUICE_NAMED(MSG_PEEK),
                               SLUICE_NAMED(MSG_OOB),
                               SLUICE_NAMED(MSG_MORE),
                               SLUICE_NAMED(MSG_DONTWAIT),
                               SLUICE_NAMED(MSG_NOSIGNAL),
                               SLUICE_NAMED(MSG_TRUNC),
                               SLUICE_NAMED(MSG_WAITALL),
                               SLUICE_NAMED(MSG_EOR),
                               SLUICE_NAMED(MSG_FASTOPEN),
                               SLUICE_NAMED(MSG_ERRQUEUE),
                               SLUICE_NAMED(MSG_ZEROCOPY),
                               SLUICE_NAMED(MSG_CTRUNC),
                               SLUICE_NAMED(MSG_DONTROUTE),
                               SLUICE_NAMED(SHUT_RD),
                               SLUICE_NAMED(SHUT_WR),
                               SLUICE_NAMED(SHUT_RDWR),
                               SLUICE_NAMED(F_GETFL),
                               SLUICE_NAMED(F_SETFL),
                               SLUICE_NAMED(O_RDWR),
                               SLUICE_NAMED(O_NONBLOCK),
                               SLUICE_NAMED(SIOCINQ),
                               SLUICE_NAMED(FIONREAD),
                               SLUICE_NAMED(POLLIN),
                               SLUICE_NAMED(POLLOUT),
                               SLUICE_NAMED(POLLERR),
                               SLUICE_NAMED(POLLHUP),
                               SLUICE_NAMED(POLLPRI),
                               SLUICE_NAMED(POLLRDHUP),
                               SLUICE_NAMED(POLLNVAL),
                               // what code asks about
                               SLUICE_NAMED(TCP_ESTABLISHED),
                               SLUICE_NAMED(TCP_SYN_SENT),
                               SLUICE_NAMED(TCP_SYN_RECV),
                               SLUICE_NAMED(TCP_FIN_WAIT1),
                               SLUICE_NAMED(TCP_FIN_WAIT2),
                               SLUICE_NAMED(TCP_TIME_WAIT),
                               SLUICE_NAMED(TCP_CLOSE),
                               SLUICE_NAMED(TCP_CLOSE_WAIT),
                               SLUICE_NAMED(TCP_LAST_ACK),
                               SLUICE_NAMED(TCP_LISTEN),
                               SLUICE_NAMED(TCP_CLOSING),
                               SLUICE_NAMED(TCP_CA_Open),
                               SLUICE_NAMED(TCP_CA_Disorder),
                               SLUICE_NAMED(TCP_CA_CWR),
                               SLUICE_NAMED(TCP_CA_Recovery),
                               SLUICE_NAMED(TCP_CA_Loss),
                               SLUICE_NAMED(TCPI_OPT_TIMESTAMPS),
                               SLUICE_NAMED(TCPI_OPT_SACK),
                               SLUICE_NAMED(TCPI_OPT_WSCALE),
                               SLUICE_NAMED(TCPI_OPT_ECN),
                               {"TCP_INFINITE_SSTHRESH", 0x7fff'ffff}};
  return kNames;
}

}  // namespace

std::optional<std::int64_t> constant(std::string_view name) {
  const auto found = constants().find(name);
  if (found != constants().end()) return found->second;
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

// What setsockopt() has chosen for a socket: a new connection begins with it, and an accepted
// socket inherits it from its listener.
#pragma once

#include <netinet/in.h>

#include <cstdint>

#include "proto/base/time.hpp"
#include "proto/tcp/constants.hpp"
#include "proto/wire/address.hpp"

namespace sluice::sockets {

// Of one IP version.
struct IpChoices {
  std::uint8_t traffic_class = 0;       // IP_TOS, IPV6_TCLASS
  int hop_limit = -1;                   // IP_TTL, IPV6_UNICAST_HOPS; -1: the stack's
  int mtu_discover = IP_PMTUDISC_WANT;  // IP_MTU_DISCOVER; IPv6 has the same numbers

  // The bit of IPv4, of TCP segments (Linux' ip_dont_fragment).
  bool dont_fragment() const {
    return mtu_discover == IP_PMTUDISC_WANT || mtu_discover == IP_PMTUDISC_DO;
  }
  // Whether routers are believed.
  bool believes_routers() const {
    return mtu_discover != IP_PMTUDISC_INTERFACE && mtu_discover != IP_PMTUDISC_OMIT;
  }
  bool ignores_path() const { return mtu_discover >= IP_PMTUDISC_PROBE; }
};

// SOL_SOCKET.
struct CommonChoices {
  bool shares_port = false;          // SO_REUSEADDR
  std::uint32_t receive_buffer = 0;  // bytes; 0: not chosen
  std::uint32_t send_buffer = 0;     // likewise
  std::uint32_t receive_low_water = 1;
  bool keepalive = false;
  bool lingers = false;
  int linger_seconds = 0;
  bool urgent_inline = false;
};

// IPPROTO_TCP.
struct TcpChoices {
  explicit TcpChoices(const tcp::Settings& settings)
      : nodelay(!settings.nagle),
        keepalive_idle(settings.keepalive_idle),
        keepalive_interval(settings.keepalive_interval),
        keepalive_probes(settings.keepalive_probes),
        syn_retries(settings.syn_retries),
        congestion(settings.congestion) {}

  bool nodelay;
  bool cork = false;
  bool quick_ack = true;
  std::uint32_t max_segment = 0;  // bytes; 0: not chosen
  std::uint32_t user_timeout_ms = 0;
  Duration keepalive_idle;
  Duration keepalive_interval;
  std::uint32_t keepalive_probes;
  std::uint32_t syn_retries;
  int linger2_seconds = 0;             // below 0: no FIN-WAIT-2 without a socket; 0: the stack's
  std::uint32_t unsent_low_water = 0;  // bytes; 0: not chosen
  std::uint8_t defer_accept = 0;       // timeouts of a SYN-ACK
  tcp::Algorithm congestion;
};

}  // namespace sluice::sockets

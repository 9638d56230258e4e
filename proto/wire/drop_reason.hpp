// Every reason to refuse a packet, by name. Each has a counter; nothing is dropped in silence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

// clang-format off
#define SLUICE_DROP_REASONS(X)                                                                   \
  /* parse_packet */                                                                             \
  X(truncated)             /* shorter than its headers say */                                    \
  X(bad_virtio_header)     /* impossible offload facts in front of the packet */                 \
  X(bad_ip_version)        /* neither 4 nor 6 */                                                 \
  X(bad_ip_header)         /* header length, total length, reserved bits */                      \
  X(bad_ip_checksum)       /* IPv4 header sum is wrong */                                        \
  X(bad_source_address)    /* multicast, broadcast, loopback, unspecified, mapped or our own */  \
  X(bad_extension_header)  /* IPv6 chain malformed, too long, or of an option to be refused */   \
  X(fragment)              /* a piece of a datagram, still to be joined with the others */       \
  X(unknown_protocol)      /* neither TCP, UDP, ICMP nor ICMPv6 */                               \
  X(bad_tcp_header)        /* data offset below 5 or beyond the segment */                       \
  X(bad_tcp_option)        /* option length of 0 or 1, or beyond the header */                   \
  X(bad_udp_header)        /* length below 8 or beyond the datagram */                           \
  X(bad_icmp_header)       /* shorter than 8 bytes, or a malformed quote */                      \
  X(bad_checksum)          /* TCP, UDP, ICMP or ICMPv6 sum is wrong */                           \
  X(bad_port)              /* TCP port 0 */                                                      \
  /* shard */                                                                                    \
  X(bad_fragment)          /* tiny, too long or uneven; or ECN marks that contradict */          \
  X(fragment_duplicate)    /* a piece that has come before */                                    \
  X(fragment_overlap)      /* pieces claim the same bytes: all of the datagram is refused */     \
  X(fragment_limit)        /* no frame, or none long enough, to join the datagram in */          \
  X(fragment_timeout)      /* a datagram whose pieces did not all come in time */                \
  X(not_for_us)            /* destination is no address of ours */                               \
  X(multicast)             /* group or broadcast destination */                                  \
  X(land_attack)           /* source and destination are the same */                             \
  X(unhandled_icmp)        /* a type that we neither answer nor act on */                        \
  X(icmp_unknown_flow)     /* an error that quotes no connection of ours */                      \
  X(icmp_out_of_window)    /* an error whose quoted sequence is not in flight (RFC 5927) */      \
  X(udp_unreachable)       /* no socket on that port */                                          \
  X(no_listener)           /* a segment for a closed port (answered with RST) */                 \
  X(backlog_full)          /* the listener has too many half-open connections */                 \
  X(connection_limit)      /* the shard has no free connection */                                \
  X(memory_short)          /* a new connection while memory is critical */                       \
  X(out_of_memory)         /* no block or node left to keep the payload in */                    \
  X(stopping)              /* a new connection while the engine stops */                         \
  /* tcp */                                                                                      \
  X(tcp_out_of_window)     /* not acceptable, RFC 9293 3.10.7.4 first step */                    \
  X(tcp_paws)              /* timestamp from the past, RFC 7323 5.3 */                           \
  X(tcp_no_timestamp)      /* negotiated but missing, RFC 7323 3.2 */                            \
  X(tcp_blind_reset)       /* RST that is not at RCV.NXT, RFC 5961 3.2 */                        \
  X(tcp_blind_syn)         /* SYN inside a connection, RFC 5961 4.2 */                           \
  X(tcp_bad_ack)           /* acknowledges what is not in flight, RFC 5961 5.2 */                \
  X(tcp_no_ack)            /* no ACK bit, or nothing that the state expects */                   \
  X(tcp_after_close)       /* data after our application has gone */
// clang-format on

enum class DropReason : std::uint8_t {
  none,
#define SLUICE_DROP_ENUMERATOR(name) name,
  SLUICE_DROP_REASONS(SLUICE_DROP_ENUMERATOR)
#undef SLUICE_DROP_ENUMERATOR
      count_
};

inline constexpr std::size_t kDropReasons = static_cast<std::size_t>(DropReason::count_);

// The enumerator's own name; "none" for DropReason::none.
std::string_view drop_reason_name(DropReason reason);

}  // namespace sluice

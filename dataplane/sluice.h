/* The TCP/IP stack as a C library without I/O: packets in, packets out, under your control of time.
 *
 *     struct sluice_config config;
 *     sluice_config_init(&config, sizeof config, "linux");
 *     config.addresses = "192.0.2.1 2001:db8::1";
 *     sluice_stack *stack;
 *     int error = sluice_stack_create(&config, &stack);    // 0, or a negative errno value
 *
 *     for (;;) {
 *       sluice_input(stack, packet, length, now_ns);       // each packet that arrives
 *       sluice_advance(stack, now_ns);                     // at sluice_next_deadline()
 *       while ((length = sluice_output(stack, buffer, sizeof buffer, now_ns)) > 0)
 *         ...send it...
 *     }
 *
 * Errors. A function that can fail returns a negative errno value (-EAGAIN, -EBADF; <errno.h>) and
 * leaves the C library's errno alone. -EBADF: no socket has this handle. -EINVAL: a null pointer,
 * or an argument outside of its range. -EBUSY: not from a callback. Not repeated below.
 *
 * Time. now_ns is in nanoseconds, of any clock that never runs backwards (an earlier value counts
 * as the latest that was heard), below 2^62. Calls without now_ns happen at the latest time heard.
 * What a call wants to send comes out of the next sluice_output(): call that after each call below.
 *
 * Threads. Many stacks may live in a process, and each may be called by one thread at a time.
 * Stacks share nothing.
 *
 * Sockets are small integers, from 0. Nothing ever blocks: what would is -EAGAIN. Families, types,
 * addresses, options and flags are those of the system's headers, included here. Multi-byte values
 * in a struct sockaddr are in network byte order, as usual; all others are the host's.
 *
 * Structs begin with their size in bytes, which the caller sets. A caller compiled against an older
 * header has smaller ones: what it does not know keeps its default, or is not filled in.
 */
#ifndef DATAPLANE_SLUICE_H
#define DATAPLANE_SLUICE_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SLUICE_API __attribute__((visibility("default")))

#define SLUICE_VERSION_MAJOR 0
#define SLUICE_VERSION_MINOR 1
#define SLUICE_VERSION_PATCH 0

/* Of the library that runs: "0.1.0". */
SLUICE_API const char* sluice_version(void);

/* ---- stacks --------------------------------------------------------------------------------- */

typedef struct sluice_stack sluice_stack; /* NOLINT(modernize-use-using) */

enum sluice_ecn {
  SLUICE_ECN_OFF = 0,
  SLUICE_ECN_ACCEPT = 1, /* when the peer asks for it */
  SLUICE_ECN_ASK = 2,
};

/* Set up by sluice_config_init(). Booleans are 0 or 1. */
struct sluice_config {
  size_t size;

  /* Where RFCs and Linux differ in what has no field of its own: 1 does as the RFCs say. */
  uint8_t strict;

  /* The stack's own, separated by spaces or commas. "any": each that a packet is sent to; those
   * beside it are for sockets that connect without being bound. Copied. */
  const char* addresses;
  uint32_t mtu; /* bytes of an IP packet; 68 (with IPv6 addresses 1280) to 65,535 */

  /* Limits; memory is taken as it is needed. */
  uint32_t max_sockets;
  uint32_t max_connections; /* TCP, half-open and closing ones included */
  uint32_t max_time_waits;  /* beyond, the oldest is forgotten */
  uint64_t max_memory;      /* bytes for all that the buffers hold; at least 1 MiB */

  /* 0: secrets and random numbers are drawn from the kernel. Otherwise all of them are made from
   * the seed: the same calls give the same packets. For tests: whoever knows the seed can forge. */
  uint64_t seed;
  /* Null, or 48 bytes from a good source, used for hashing, sequence numbers (RFC 6528) and
   * timestamp offsets (RFC 7323). Copied. */
  const uint8_t* secrets;

  /* Device offloads that the caller of sluice_output_offload() takes upon itself. Without them each
   * packet comes out complete and no larger than the MTU. sluice_output() always gives such. */
  uint8_t checksum_offload;
  uint8_t segmentation_offload; /* needs checksum_offload */

  /* IP */
  uint8_t ttl;                   /* 1 to 255 */
  uint16_t first_ephemeral_port; /* local ports of sockets that were not bound: from 1 on, ... */
  uint16_t last_ephemeral_port;  /* ... inclusive */

  /* TCP */
  uint8_t sack;            /* RFC 2018 */
  uint8_t timestamps;      /* RFC 7323 */
  uint8_t window_scaling;  /* RFC 7323 */
  uint8_t ecn;             /* enum sluice_ecn; RFC 3168 */
  int8_t window_scale;     /* that is announced: 0 to 14; -1: as the largest buffer needs it */
  uint8_t nagle;           /* RFC 9293 SHLD-7; TCP_NODELAY is its opposite */
  const char* congestion;  /* "cubic", "newreno", "bbr"; of new sockets. Copied. */
  uint32_t initial_window; /* segments; RFC 6928; 1 to 100 */

  /* Buffers, in bytes: where they start, and how far auto-tuning may take them; 4 KiB to 1 GiB. */
  uint32_t receive_buffer;
  uint32_t max_receive_buffer;
  uint32_t send_buffer;
  uint32_t max_send_buffer;
  uint8_t autotune_receive;
  uint8_t autotune_send;
  uint32_t initial_receive_window; /* bytes offered with a SYN; 0: as the receive buffer permits */

  /* Retransmission. An outage lasts until the retries are used up. */
  uint64_t initial_rto_us; /* RFC 6298 R6298-1 */
  uint64_t min_rto_us;     /* RFC 6298 R6298-4; the variation's part in profile "linux" */
  uint64_t max_rto_us;
  uint32_t syn_retries;     /* TCP_SYNCNT */
  uint32_t syn_ack_retries; /* half-open connections of a listener */
  uint32_t data_retries;    /* TCP_USER_TIMEOUT sets a time instead */

  /* Acknowledgements: so many at once when a connection is young, then delayed; RFC 9293 MUST-40.
   */
  uint32_t quick_acks;     /* 0: delayed from the first segment on */
  uint64_t delayed_ack_us; /* below 500,000 */

  uint64_t time_wait_us;  /* twice the MSL; RFC 9293 MUST-13 */
  uint64_t fin_wait_2_us; /* once the application has let go; TCP_LINGER2 */

  uint64_t keepalive_idle_us;     /* TCP_KEEPIDLE; RFC 9293 MUST-28 */
  uint64_t keepalive_interval_us; /* TCP_KEEPINTVL */
  uint32_t keepalive_probes;      /* TCP_KEEPCNT */
};

/* Fills `config`, of `size` bytes, with a profile: "linux" (what Linux does by default, but for
 * linear SYN timeouts) or "strict" (what the RFCs say where the two differ). Its addresses are then
 * null: set them. -EINVAL: no such profile. */
SLUICE_API int sluice_config_init(struct sluice_config* config, size_t size, const char* profile);

/* -EINVAL: a value outside of its range (sluice_config_problem() says which). -ENOMEM. -EIO: no
 * entropy was to be had. *stack is null then. */
SLUICE_API int sluice_stack_create(const struct sluice_config* config, sluice_stack** stack);

/* What is wrong with it, in one line, and what would be right; the static empty string when nothing
 * is. Valid until this thread's next call. */
SLUICE_API const char* sluice_config_problem(const struct sluice_config* config);

/* Ends all sockets without a word to their peers; close them, and let the packets out, before that.
 * Null is nothing. Not from a callback: that does nothing and returns -EBUSY. */
SLUICE_API int sluice_stack_destroy(sluice_stack* stack);

/* ---- packets -------------------------------------------------------------------------------- */

/* What a device with offloads knows of a packet; compare struct virtio_net_hdr. */
enum sluice_checksum {
  SLUICE_CHECKSUM_COMPLETE = 0, /* in the packet, not looked at */
  SLUICE_CHECKSUM_VALID = 1,    /* input: in the packet, or known to be good */
  SLUICE_CHECKSUM_PARTIAL = 2, /* the field holds the pseudo header's sum; the rest is to be done */
};
enum sluice_gso {
  SLUICE_GSO_NONE = 0,
  SLUICE_GSO_TCP_IPV4 = 1,
  SLUICE_GSO_TCP_IPV6 = 4,
  SLUICE_GSO_UDP = 5,
};
struct sluice_offload {
  size_t size;
  uint8_t checksum;         /* enum sluice_checksum */
  uint8_t gso_type;         /* enum sluice_gso */
  uint16_t gso_size;        /* payload bytes of each segment to be cut, or that were joined */
  uint16_t header_length;   /* bytes in front of the payload; given on output, ignored on input */
  uint16_t checksum_start;  /* of what is summed, from the IP header on; with PARTIAL */
  uint16_t checksum_offset; /* of the field, from checksum_start; with PARTIAL */
};

/* A raw IP packet, from its IP header on, has arrived. It is copied. Whatever it holds: a packet
 * that is no good is dropped and counted, and that is no error. -EINVAL: longer than 65,535 bytes.
 */
SLUICE_API int sluice_input(sluice_stack* stack, const void* packet, size_t length,
                            uint64_t now_ns);
SLUICE_API int sluice_input_offload(sluice_stack* stack, const void* packet, size_t length,
                                    const struct sluice_offload* offload, uint64_t now_ns);

/* Puts the next packet that is to be sent into `buffer`, and returns its length: call until that is
 * 0. -EMSGSIZE: `capacity` is too small for it; it stays the next. The MTU always suffices, or, for
 * sluice_output_offload() with segmentation, 65,535. */
SLUICE_API ssize_t sluice_output(sluice_stack* stack, void* buffer, size_t capacity,
                                 uint64_t now_ns);
SLUICE_API ssize_t sluice_output_offload(sluice_stack* stack, void* buffer, size_t capacity,
                                         struct sluice_offload* offload, uint64_t now_ns);

/* When to call sluice_advance() if nothing happens before, in nanoseconds; UINT64_MAX: never. It
 * may be earlier than needed. Ask again after each other call. */
SLUICE_API uint64_t sluice_next_deadline(const sluice_stack* stack);
/* Time is now_ns: fires the timers that are due. Call sluice_output() next. */
SLUICE_API int sluice_advance(sluice_stack* stack, uint64_t now_ns);

/* Counts since the stack was made. */
struct sluice_stats {
  size_t size;
  uint64_t packets_in;
  uint64_t packets_out;
  uint64_t packets_dropped; /* of those in: malformed, not for us, or unwanted */
  uint64_t bytes_in;        /* TCP payload, in order */
  uint64_t bytes_out;       /* TCP payload, acknowledged */
  uint64_t segments_in;
  uint64_t segments_out;
  uint64_t segments_retransmitted;
  uint32_t sockets; /* now, as those below */
  uint32_t connections;
  uint32_t time_waits;
  uint64_t memory; /* bytes that the stack holds */
};
SLUICE_API int sluice_stack_stats(const sluice_stack* stack, struct sluice_stats* stats);

/* ---- sockets -------------------------------------------------------------------------------- */

/* domain: AF_INET or AF_INET6, which also takes IPv4 unless IPV6_V6ONLY is set (addresses then look
 * like ::ffff:192.0.2.1). type: SOCK_STREAM or SOCK_DGRAM; SOCK_NONBLOCK and SOCK_CLOEXEC may be
 * added and mean nothing. protocol: 0, or IPPROTO_TCP or IPPROTO_UDP to match. Returns the handle,
 * the smallest that is free. -EAFNOSUPPORT, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT, -EMFILE:
 * max_sockets are in use, -ENOMEM. */
SLUICE_API int sluice_socket(sluice_stack* stack, int domain, int type, int protocol);

/* Port 0: one is chosen now. -EADDRINUSE, -EADDRNOTAVAIL: not an address of this stack,
 * -EAFNOSUPPORT, -EINVAL: already bound, or too short. */
SLUICE_API int sluice_bind(sluice_stack* stack, int handle, const struct sockaddr* address,
                           socklen_t length);

/* Binds first if need be. backlog: connections that may wait for sluice_accept(); a SYN beyond is
 * dropped. May be called again to change that. -EADDRINUSE, -EOPNOTSUPP: UDP, -EINVAL: connected.
 */
SLUICE_API int sluice_listen(sluice_stack* stack, int handle, int backlog);

/* The oldest connection that waits; its handle. address and length may both be null. -EAGAIN: none
 * waits, -EINVAL: not listening, -EOPNOTSUPP: UDP, -EMFILE. */
SLUICE_API int sluice_accept(sluice_stack* stack, int handle, struct sockaddr* address,
                             socklen_t* length);

/* TCP: begins the handshake and returns -EINPROGRESS; writable, or error, tells its end. Called
 * again: -EALREADY while it goes on, then 0 once, or its error once (-ECONNREFUSED, -ETIMEDOUT,
 * -EHOSTUNREACH, -ENETUNREACH and what else ICMP says; it was there, and has ended: -ECONNRESET,
 * -EPIPE; SO_ERROR was asked before: -ECONNABORTED), then -EISCONN. -EADDRNOTAVAIL: no local port
 * is free, or the same connection exists, -ENETUNREACH: no local address of that family or a remote
 * one that cannot be, -ENOBUFS: limits, -EINVAL: shut down while it connected. To 0.0.0.0 or :: is
 * to this stack itself. AF_UNSPEC breaks a connection off, for another. UDP: sets the peer, 0 at
 * once; AF_UNSPEC forgets it; -EAGAIN: no local port is free, -EACCES: broadcast. */
SLUICE_API int sluice_connect(sluice_stack* stack, int handle, const struct sockaddr* address,
                              socklen_t length);

/* Return how many bytes were taken, which may be fewer than offered (UDP: all or none). flags:
 * MSG_MORE, MSG_OOB (TCP: the last byte is urgent; RFC 6093 advises against), MSG_DONTWAIT and
 * MSG_NOSIGNAL, which mean nothing here; others are -EOPNOTSUPP. -EAGAIN: no room (writable tells
 * when), also while connecting, -EPIPE: not connected, or closed for sending (there is no signal),
 * -ECONNRESET, -ETIMEDOUT... as pending (SO_ERROR). UDP: -EDESTADDRREQ, -EMSGSIZE, -EACCES:
 * broadcast, -ENETUNREACH, -ENOBUFS: no memory. TCP takes no notice of an address. */
SLUICE_API ssize_t sluice_send(sluice_stack* stack, int handle, const void* bytes, size_t length,
                               int flags);
SLUICE_API ssize_t sluice_sendto(sluice_stack* stack, int handle, const void* bytes, size_t length,
                                 int flags, const struct sockaddr* address,
                                 socklen_t address_length);
/* Gathers. Control messages are refused (-EINVAL). */
SLUICE_API ssize_t sluice_sendmsg(sluice_stack* stack, int handle, const struct msghdr* message,
                                  int flags);

/* Return how many bytes were put into `bytes`; 0: the peer has closed (or length is 0, or an empty
 * datagram). flags: MSG_PEEK, MSG_OOB (TCP: the urgent byte; -EINVAL when there is none, -EAGAIN
 * when it has not come yet), MSG_TRUNC (UDP: return the datagram's length; TCP: throw the bytes
 * away), MSG_DONTWAIT, MSG_WAITALL (means nothing); others are -EOPNOTSUPP. -EAGAIN: nothing has
 * come, -ENOTCONN, -ECONNRESET, -ETIMEDOUT, -ECONNREFUSED... as pending. */
SLUICE_API ssize_t sluice_recv(sluice_stack* stack, int handle, void* bytes, size_t length,
                               int flags);
SLUICE_API ssize_t sluice_recvfrom(sluice_stack* stack, int handle, void* bytes, size_t length,
                                   int flags, struct sockaddr* address, socklen_t* address_length);
/* Scatters. msg_flags says MSG_TRUNC when a datagram was cut, MSG_OOB with urgent data. */
SLUICE_API ssize_t sluice_recvmsg(sluice_stack* stack, int handle, struct msghdr* message,
                                  int flags);

/* As sockatmark(): 1 when the next byte is the urgent one, at which each sluice_recv() stops, else
 * 0. What is read from there on comes behind it, or begins with it (SO_OOBINLINE). -EOPNOTSUPP: not
 * a TCP socket. */
SLUICE_API int sluice_at_mark(sluice_stack* stack, int handle);

/* how: SHUT_RD, SHUT_WR, SHUT_RDWR. -ENOTCONN. */
SLUICE_API int sluice_shutdown(sluice_stack* stack, int handle, int how);

/* The handle is free at once. What has been sent still goes out, unless SO_LINGER is on with 0
 * seconds or bytes were left unread: then a RST does. */
SLUICE_API int sluice_close(sluice_stack* stack, int handle);

/* At most *length bytes are filled in; *length then says how many there are. */
SLUICE_API int sluice_getsockname(sluice_stack* stack, int handle, struct sockaddr* address,
                                  socklen_t* length);
SLUICE_API int sluice_getpeername(sluice_stack* stack, int handle, struct sockaddr* address,
                                  socklen_t* length); /* -ENOTCONN */

/* Options, with the meanings and units that tcp(7), socket(7), ip(7) and ipv6(7) give them:
 *   SOL_SOCKET    SO_KEEPALIVE SO_RCVBUF SO_SNDBUF (doubled when read back) SO_RCVLOWAT SO_LINGER
 *                 SO_ERROR SO_REUSEADDR SO_OOBINLINE SO_TYPE SO_DOMAIN SO_PROTOCOL SO_ACCEPTCONN
 *   IPPROTO_TCP   TCP_NODELAY TCP_CORK TCP_MAXSEG TCP_QUICKACK TCP_USER_TIMEOUT TCP_KEEPIDLE
 *                 TCP_KEEPINTVL TCP_KEEPCNT TCP_CONGESTION TCP_NOTSENT_LOWAT TCP_DEFER_ACCEPT
 *                 TCP_SYNCNT TCP_LINGER2
 *   IPPROTO_IP    IP_TOS IP_TTL IP_MTU_DISCOVER IP_MTU
 *   IPPROTO_IPV6  IPV6_V6ONLY IPV6_TCLASS IPV6_UNICAST_HOPS IPV6_MTU_DISCOVER IPV6_MTU
 * Accepted sockets inherit their listener's. -ENOPROTOOPT: not one of these, or not for this
 * socket, -EINVAL: the value, or its length, -ENOENT: no such congestion control, -EISCONN,
 * -ENOTCONN. */
SLUICE_API int sluice_setsockopt(sluice_stack* stack, int handle, int level, int name,
                                 const void* value, socklen_t length);
SLUICE_API int sluice_getsockopt(sluice_stack* stack, int handle, int level, int name, void* value,
                                 socklen_t* length);

/* ---- readiness ------------------------------------------------------------------------------ */

enum sluice_ready {
  SLUICE_READABLE = 1,  /* recv (SO_RCVLOWAT bytes, the end, or an error) or accept has something */
  SLUICE_WRITABLE = 2,  /* send would take something, or fail */
  SLUICE_ERROR = 4,     /* SO_ERROR is set */
  SLUICE_HANGUP = 8,    /* closed both ways */
  SLUICE_PRIORITY = 16, /* the urgent byte has come; in profile "strict" first: is announced */
  SLUICE_PEER_CLOSED = 32, /* the peer will send no more */
};

/* What holds now: a set of enum sluice_ready. */
SLUICE_API int sluice_ready(sluice_stack* stack, int handle);

/* `events` is what newly holds. Called from within sluice_input(), sluice_advance() and
 * sluice_output(), of the same stack. It may call any function on sockets, sluice_close() of this
 * one too, but neither those three nor sluice_stack_destroy() (-EBUSY). */
/* NOLINTNEXTLINE(modernize-use-using) */
typedef void (*sluice_callback)(sluice_stack* stack, int handle, int events, void* context);

/* Null: none, as at first. What holds already is reported by the next of the three calls. */
SLUICE_API int sluice_set_callback(sluice_stack* stack, int handle, sluice_callback callback,
                                   void* context);

/* ---- what goes on in a connection ----------------------------------------------------------- */

enum sluice_tcp_state { /* as Linux numbers them */
                        SLUICE_TCP_ESTABLISHED = 1,
                        SLUICE_TCP_SYN_SENT,
                        SLUICE_TCP_SYN_RECV,
                        SLUICE_TCP_FIN_WAIT1,
                        SLUICE_TCP_FIN_WAIT2,
                        SLUICE_TCP_TIME_WAIT,
                        SLUICE_TCP_CLOSE,
                        SLUICE_TCP_CLOSE_WAIT,
                        SLUICE_TCP_LAST_ACK,
                        SLUICE_TCP_LISTEN,
                        SLUICE_TCP_CLOSING,
};
enum sluice_tcp_options { /* agreed with the peer */
                          SLUICE_TCP_TIMESTAMPS = 1,
                          SLUICE_TCP_SACK = 2,
                          SLUICE_TCP_WSCALE = 4,
                          SLUICE_TCP_ECN = 8,
};
enum sluice_tcp_ca_state {
  SLUICE_TCP_CA_OPEN = 0,
  SLUICE_TCP_CA_DISORDER,
  SLUICE_TCP_CA_CWR,
  SLUICE_TCP_CA_RECOVERY,
  SLUICE_TCP_CA_LOSS,
};

/* Meanings and units as in Linux' struct tcp_info: times in microseconds, windows in segments where
 * not said otherwise, rates in bytes a second. */
struct sluice_tcp_info {
  size_t size;
  uint8_t state;    /* enum sluice_tcp_state */
  uint8_t ca_state; /* enum sluice_tcp_ca_state */
  uint8_t options;  /* set of enum sluice_tcp_options */
  uint8_t snd_wscale;
  uint8_t rcv_wscale;
  uint8_t retransmits; /* of the oldest segment, by the timer */
  uint8_t probes;      /* zero window or keepalive, unanswered */
  uint8_t backoff;     /* doublings of rto */
  uint32_t rto;
  uint32_t ato;
  uint32_t snd_mss; /* payload bytes */
  uint32_t rcv_mss;
  uint32_t unacked; /* segments */
  uint32_t sacked;
  uint32_t lost;
  uint32_t retrans; /* under way again */
  uint32_t rtt;
  uint32_t rttvar;
  uint32_t min_rtt;
  uint32_t ssthresh; /* 0x7fffffff: none yet */
  uint32_t cwnd;
  uint32_t advmss;
  uint32_t pmtu;
  uint32_t reordering;
  uint32_t rcv_space; /* bytes */
  uint32_t rcv_wnd;   /* bytes offered to the peer */
  uint32_t snd_wnd;   /* bytes offered by the peer */
  uint32_t total_retrans;
  uint32_t segs_in;
  uint32_t segs_out;
  uint32_t data_segs_in;
  uint32_t data_segs_out;
  uint32_t notsent_bytes;
  uint32_t dsack_dups;
  uint32_t reord_seen;
  uint32_t rcv_ooopack;
  uint64_t bytes_acked;
  uint64_t bytes_received;
  uint64_t bytes_sent;
  uint64_t bytes_retrans;
  uint64_t delivery_rate;
  uint64_t pacing_rate; /* UINT64_MAX: not paced */
};

#ifdef __cplusplus /* where a function hides the struct's constructor */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
/* -EOPNOTSUPP: not a TCP socket. Before connect only the state is filled in. */
SLUICE_API int sluice_tcp_info(sluice_stack* stack, int handle, struct sluice_tcp_info* info);
#ifdef __cplusplus
#pragma GCC diagnostic pop
#endif

#ifdef __cplusplus
}
#endif

#endif /* DATAPLANE_SLUICE_H */

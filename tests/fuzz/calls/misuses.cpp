// Calls that are wrong in a known way, each with the error that it must have. The values are those
// of Linux, where Linux has the call.
#include <cerrno>
#include <climits>
#include <string_view>
#include <utility>

#include "tests/fuzz/calls/world.hpp"

namespace sluice::calls {
namespace {

constexpr int kUnused = 1'000'000;  // a handle that nobody has

// A socket for the time being.
class Fresh {
 public:
  Fresh(Subject& subject, int domain, int type)
      : subject_(subject), handle_(subject.socket(domain, type, 0)) {}
  ~Fresh() {
    if (handle_ >= 0) subject_.close(handle_);
  }
  Fresh(const Fresh&) = delete;
  Fresh& operator=(const Fresh&) = delete;
  int get() const { return handle_; }

 private:
  Subject& subject_;
  int handle_;
};

struct Case {
  World& world;
  Subject& subject;
  sluice_stack* stack;
  int handle;  // of a fresh socket
};

struct Misuse {
  const char* what;
  int domain;
  int type;
  int error;
  std::int64_t (*run)(Case&);
};

sockaddr_in v4(std::uint32_t address, std::uint16_t port, sa_family_t family = AF_INET) {
  sockaddr_in in{};
  in.sin_family = family;
  in.sin_port = __builtin_bswap16(port);
  in.sin_addr.s_addr = __builtin_bswap32(address);
  return in;
}

template <class Struct>
const sockaddr* as_address(const Struct& in) {
  return reinterpret_cast<const sockaddr*>(&in);
}

int set_int(Case& c, int level, int name, int value) {
  return c.subject.set_option(c.handle, level, name, &value, sizeof value);
}

// --- null and short
// -------------------------------------------------------------------------------

constexpr Misuse kArguments[] = {
    {"no stack: input", AF_INET, SOCK_STREAM, EINVAL,
     [](Case&) -> std::int64_t { return sluice_input(nullptr, "", 0, 0); }},
    {"no stack: output", AF_INET, SOCK_STREAM, EINVAL,
     [](Case&) -> std::int64_t {
       char byte = 0;
       return sluice_output(nullptr, &byte, 1, 0);
     }},
    {"no stack: advance", AF_INET, SOCK_STREAM, EINVAL,
     [](Case&) -> std::int64_t { return sluice_advance(nullptr, 0); }},
    {"no stack: socket", AF_INET, SOCK_STREAM, EINVAL,
     [](Case&) -> std::int64_t { return sluice_socket(nullptr, AF_INET, SOCK_STREAM, 0); }},
    {"no stack: close", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return sluice_close(nullptr, c.handle); }},
    {"input of null", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return sluice_input(c.stack, nullptr, 20, 0); }},
    {"input of too much", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return sluice_input(c.stack, "", 65'536, 0); }},
    {"input of all there is", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return sluice_input(c.stack, "", SIZE_MAX, 0); }},
    {"output to null", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return sluice_output(c.stack, nullptr, 2000, 0); }},
    {"the end of time", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return sluice_advance(c.stack, std::uint64_t{1} << 62); }},
    {"behind the end of time", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return sluice_advance(c.stack, UINT64_MAX); }},
    {"facts of null", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return sluice_input_offload(c.stack, "", 0, nullptr, 0); }},
    {"facts without a size", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t {
       const sluice_offload facts{};
       return sluice_input_offload(c.stack, "", 0, &facts, 0);
     }},
    {"stats without a size", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t {
       sluice_stats stats{};
       return sluice_stack_stats(c.stack, &stats);
     }},
    {"no configuration", AF_INET, SOCK_STREAM, EINVAL,
     [](Case&) -> std::int64_t {
       sluice_stack* stack = nullptr;
       return sluice_stack_create(nullptr, &stack);
     }},
    {"a configuration without a size", AF_INET, SOCK_STREAM, EINVAL,
     [](Case&) -> std::int64_t {
       const sluice_config config{};
       sluice_stack* stack = nullptr;
       return sluice_stack_create(&config, &stack);
     }},
    {"a configuration without addresses", AF_INET, SOCK_STREAM, EINVAL,
     [](Case&) -> std::int64_t {
       sluice_config config;
       sluice_config_init(&config, sizeof config, "linux");
       sluice_stack* stack = nullptr;
       return sluice_stack_create(&config, &stack);
     }},
    {"no such profile", AF_INET, SOCK_STREAM, EINVAL,
     [](Case&) -> std::int64_t {
       sluice_config config;
       return sluice_config_init(&config, sizeof config, "windows");
     }},
    {"bind to null", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return c.subject.bind(c.handle, nullptr, 16); }},
    {"bind to a short address", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t {
       const Exact at = Exact::of(v4(0, 0), sizeof(sockaddr_in) - 1);
       return c.subject.bind(c.handle, reinterpret_cast<const sockaddr*>(at.data()),
                             sizeof(sockaddr_in) - 1);
     }},
    {"bind of a v4 socket to a v6 address", AF_INET, SOCK_STREAM, EAFNOSUPPORT,
     [](Case& c) -> std::int64_t {
       sockaddr_in6 in{};
       in.sin6_family = AF_INET6;
       return c.subject.bind(c.handle, as_address(in), sizeof in);
     }},
    {"connect to null", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return c.subject.connect(c.handle, nullptr, 16); }},
    {"a name to null", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t {
       socklen_t length = 16;
       return c.subject.name_of(c.handle, false, nullptr, &length);
     }},
    {"a name of negative length", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t {
       sockaddr_in in{};
       socklen_t length = static_cast<socklen_t>(INT_MIN);
       return c.subject.name_of(c.handle, false, reinterpret_cast<sockaddr*>(&in), &length);
     }},
    {"send from null", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return sluice_send(c.stack, c.handle, nullptr, 1, 0); }},
    {"send of more than there is", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return sluice_send(c.stack, c.handle, "", SIZE_MAX, 0); }},
    {"sendmsg of null", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return sluice_sendmsg(c.stack, c.handle, nullptr, 0); }},
    {"sendmsg of pieces that are null", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t {
       msghdr message{};
       message.msg_iovlen = 1;
       return sluice_sendmsg(c.stack, c.handle, &message, 0);
     }},
    {"sendmsg of too many pieces", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t {
       iovec piece{};
       msghdr message{};
       message.msg_iov = &piece;
       message.msg_iovlen = SIZE_MAX;
       return sluice_sendmsg(c.stack, c.handle, &message, 0);
     }},
    {"sendmsg of pieces whose sum overflows", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t {
       char byte = 0;
       iovec pieces[] = {{&byte, SIZE_MAX / 2}, {&byte, SIZE_MAX / 2}, {&byte, 2}};
       msghdr message{};
       message.msg_iov = pieces;
       message.msg_iovlen = 3;
       return sluice_sendmsg(c.stack, c.handle, &message, 0);
     }},
    {"recv to null", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return sluice_recv(c.stack, c.handle, nullptr, 1, 0); }},
    {"recvmsg to null", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return sluice_recvmsg(c.stack, c.handle, nullptr, 0); }},
    {"an option from null", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t {
       return c.subject.set_option(c.handle, SOL_SOCKET, SO_KEEPALIVE, nullptr, sizeof(int));
     }},
    {"an option that is short", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t {
       const Exact value(sizeof(int) - 1);
       return c.subject.set_option(c.handle, SOL_SOCKET, SO_KEEPALIVE, value.data(),
                                   sizeof(int) - 1);
     }},
    {"an option without a length", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t {
       int value = 0;
       return c.subject.get_option(c.handle, SOL_SOCKET, SO_KEEPALIVE, &value, nullptr);
     }},
    {"tcp_info without a size", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t {
       struct sluice_tcp_info info {};
       return sluice_tcp_info(c.stack, c.handle, &info);
     }},
};

// --- handles
// --------------------------------------------------------------------------------------

constexpr Misuse kHandles[] = {
    {"bind", AF_INET, SOCK_STREAM, EBADF,
     [](Case& c) -> std::int64_t { return c.subject.bind(kUnused, nullptr, 0); }},
    {"listen", AF_INET, SOCK_STREAM, EBADF,
     [](Case& c) -> std::int64_t { return c.subject.listen(-1, 1); }},
    {"accept", AF_INET, SOCK_STREAM, EBADF,
     [](Case& c) -> std::int64_t { return c.subject.accept(INT_MAX, nullptr, nullptr); }},
    {"connect", AF_INET, SOCK_STREAM, EBADF,
     [](Case& c) -> std::int64_t { return c.subject.connect(INT_MIN, nullptr, 0); }},
    {"send", AF_INET, SOCK_STREAM, EBADF,
     [](Case& c) -> std::int64_t { return c.subject.send(kUnused, 10, 0); }},
    {"recv", AF_INET, SOCK_STREAM, EBADF,
     [](Case& c) -> std::int64_t { return c.subject.receive(kUnused, 10, 0, false); }},
    {"shutdown", AF_INET, SOCK_STREAM, EBADF,
     [](Case& c) -> std::int64_t { return c.subject.shutdown(kUnused, SHUT_RDWR); }},
    {"ready", AF_INET, SOCK_STREAM, EBADF,
     [](Case& c) -> std::int64_t { return c.subject.ready(kUnused); }},
    {"tcp_info", AF_INET, SOCK_STREAM, EBADF,
     [](Case& c) -> std::int64_t { return c.subject.tcp_info(kUnused, 200); }},
    {"set_callback", AF_INET, SOCK_STREAM, EBADF,
     [](Case& c) -> std::int64_t { return c.subject.set_callback(kUnused, true); }},
    {"a handle that was closed", AF_INET, SOCK_STREAM, EBADF,
     [](Case& c) -> std::int64_t {
       const int handle = Fresh(c.subject, AF_INET, SOCK_DGRAM).get();
       return c.subject.ready(handle < 0 ? kUnused : handle);
     }},
};

// --- states
// ---------------------------------------------------------------------------------------

constexpr Misuse kStates[] = {
    {"a family that there is not", AF_INET, SOCK_STREAM, EAFNOSUPPORT,
     [](Case& c) -> std::int64_t { return c.subject.socket(AF_UNIX, SOCK_STREAM, 0); }},
    {"a protocol that is another's", AF_INET, SOCK_STREAM, EPROTONOSUPPORT,
     [](Case& c) -> std::int64_t { return c.subject.socket(AF_INET, SOCK_STREAM, IPPROTO_UDP); }},
    {"accept of what does not listen", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return c.subject.accept(c.handle, nullptr, nullptr); }},
    {"accept of datagrams", AF_INET, SOCK_DGRAM, EOPNOTSUPP,
     [](Case& c) -> std::int64_t { return c.subject.accept(c.handle, nullptr, nullptr); }},
    {"listen for datagrams", AF_INET, SOCK_DGRAM, EOPNOTSUPP,
     [](Case& c) -> std::int64_t { return c.subject.listen(c.handle, 1); }},
    {"accept without a caller", AF_INET, SOCK_STREAM, EAGAIN,
     [](Case& c) -> std::int64_t {
       if (c.subject.listen(c.handle, 1) != 0) return -EAGAIN;  // no port is left
       return c.subject.accept(c.handle, nullptr, nullptr);
     }},
    {"connect of what listens", AF_INET, SOCK_STREAM, EISCONN,
     [](Case& c) -> std::int64_t {
       if (c.subject.listen(c.handle, 1) != 0) return -EISCONN;
       const sockaddr_in to = v4(0x0a000001, 80);
       return c.subject.connect(c.handle, as_address(to), sizeof to);
     }},
    {"recv of what listens", AF_INET, SOCK_STREAM, ENOTCONN,
     [](Case& c) -> std::int64_t {
       if (c.subject.listen(c.handle, 1) != 0) return -ENOTCONN;
       return c.subject.receive(c.handle, 10, 0, false);
     }},
    {"send without a connection", AF_INET, SOCK_STREAM, EPIPE,
     [](Case& c) -> std::int64_t { return c.subject.send(c.handle, 10, 0); }},
    {"recv without a connection", AF_INET, SOCK_STREAM, ENOTCONN,
     [](Case& c) -> std::int64_t { return c.subject.receive(c.handle, 10, 0, false); }},
    {"shutdown without a connection", AF_INET, SOCK_STREAM, ENOTCONN,
     [](Case& c) -> std::int64_t { return c.subject.shutdown(c.handle, SHUT_RDWR); }},
    {"shutdown of nothing that there is", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return c.subject.shutdown(c.handle, 3); }},
    {"the peer of nobody", AF_INET, SOCK_STREAM, ENOTCONN,
     [](Case& c) -> std::int64_t {
       sockaddr_storage name{};
       socklen_t length = sizeof name;
       return c.subject.name_of(c.handle, true, reinterpret_cast<sockaddr*>(&name), &length);
     }},
    {"bind to an address of others", AF_INET, SOCK_STREAM, EADDRNOTAVAIL,
     [](Case& c) -> std::int64_t {
       if (std::string_view(c.subject.config().addresses) == "any") return -EADDRNOTAVAIL;
       const sockaddr_in at = v4(0xc6336401, 80);
       return c.subject.bind(c.handle, as_address(at), sizeof at);
     }},
    {"bind twice", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t {
       const sockaddr_in at = v4(0, 0);
       if (c.subject.bind(c.handle, as_address(at), sizeof at) != 0) return -EINVAL;
       return c.subject.bind(c.handle, as_address(at), sizeof at);
     }},
    {"connect to many", AF_INET, SOCK_STREAM, ENETUNREACH,
     [](Case& c) -> std::int64_t {
       const sockaddr_in to = v4(0xe0000001, 80);
       return c.subject.connect(c.handle, as_address(to), sizeof to);
     }},
    {"connect without v6", AF_INET, SOCK_STREAM, EAFNOSUPPORT,
     [](Case& c) -> std::int64_t {
       sockaddr_in6 to{};
       to.sin6_family = AF_INET6;
       return c.subject.connect(c.handle, as_address(to), sizeof to);
     }},
    {"a datagram without a destination", AF_INET, SOCK_DGRAM, EDESTADDRREQ,
     [](Case& c) -> std::int64_t { return c.subject.send(c.handle, 10, 0); }},
    {"a datagram that is too long", AF_INET, SOCK_DGRAM, EMSGSIZE,
     [](Case& c) -> std::int64_t {
       const sockaddr_in to = v4(0x0a000001, 80);
       return c.subject.send_to(c.handle, 65'536, 0, as_address(to), sizeof to);
     }},
    {"a datagram to port 0", AF_INET, SOCK_DGRAM, EINVAL,
     [](Case& c) -> std::int64_t {
       const sockaddr_in to = v4(0x0a000001, 0);
       return c.subject.send_to(c.handle, 1, 0, as_address(to), sizeof to);
     }},
    {"no datagram has come", AF_INET, SOCK_DGRAM, EAGAIN,
     [](Case& c) -> std::int64_t { return c.subject.receive(c.handle, 10, 0, false); }},
    {"flags that mean nothing", AF_INET, SOCK_STREAM, EOPNOTSUPP,
     [](Case& c) -> std::int64_t { return c.subject.send(c.handle, 10, MSG_CONFIRM); }},
    {"tcp_info of datagrams", AF_INET, SOCK_DGRAM, EOPNOTSUPP,
     [](Case& c) -> std::int64_t {
       return c.subject.tcp_info(c.handle, sizeof(struct sluice_tcp_info));
     }},
};

// --- options
// --------------------------------------------------------------------------------------

constexpr Misuse kOptions[] = {
    {"no such option", AF_INET, SOCK_STREAM, ENOPROTOOPT,
     [](Case& c) -> std::int64_t { return set_int(c, SOL_SOCKET, 9999, 1); }},
    {"no such level", AF_INET, SOCK_STREAM, ENOPROTOOPT,
     [](Case& c) -> std::int64_t { return set_int(c, 9999, TCP_NODELAY, 1); }},
    {"TCP's option for datagrams", AF_INET, SOCK_DGRAM, ENOPROTOOPT,
     [](Case& c) -> std::int64_t { return set_int(c, IPPROTO_TCP, TCP_NODELAY, 1); }},
    {"v6's option for v4", AF_INET, SOCK_STREAM, ENOPROTOOPT,
     [](Case& c) -> std::int64_t { return set_int(c, IPPROTO_IPV6, IPV6_V6ONLY, 1); }},
    {"SO_ERROR is not for setting", AF_INET, SOCK_STREAM, ENOPROTOOPT,
     [](Case& c) -> std::int64_t { return set_int(c, SOL_SOCKET, SO_ERROR, 1); }},
    {"TCP_MAXSEG too small", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return set_int(c, IPPROTO_TCP, TCP_MAXSEG, 1); }},
    {"TCP_MAXSEG too large", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return set_int(c, IPPROTO_TCP, TCP_MAXSEG, 65'536); }},
    {"TCP_KEEPIDLE of nothing", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return set_int(c, IPPROTO_TCP, TCP_KEEPIDLE, 0); }},
    {"TCP_KEEPINTVL of nothing", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return set_int(c, IPPROTO_TCP, TCP_KEEPINTVL, 0); }},
    {"TCP_KEEPCNT too large", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return set_int(c, IPPROTO_TCP, TCP_KEEPCNT, 128); }},
    {"TCP_SYNCNT of nothing", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return set_int(c, IPPROTO_TCP, TCP_SYNCNT, 0); }},
    {"TCP_USER_TIMEOUT below nothing", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return set_int(c, IPPROTO_TCP, TCP_USER_TIMEOUT, -1); }},
    {"IP_TTL of nothing", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return set_int(c, IPPROTO_IP, IP_TTL, 0); }},
    {"IP_TTL too large", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return set_int(c, IPPROTO_IP, IP_TTL, 256); }},
    {"IP_MTU_DISCOVER that there is not", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return set_int(c, IPPROTO_IP, IP_MTU_DISCOVER, 99); }},
    {"IP_MTU without a connection", AF_INET, SOCK_STREAM, ENOTCONN,
     [](Case& c) -> std::int64_t {
       int value = 0;
       socklen_t length = sizeof value;
       return c.subject.get_option(c.handle, IPPROTO_IP, IP_MTU, &value, &length);
     }},
    {"no such congestion control", AF_INET, SOCK_STREAM, ENOENT,
     [](Case& c) -> std::int64_t {
       return c.subject.set_option(c.handle, IPPROTO_TCP, TCP_CONGESTION, "vegas", 5);
     }},
    {"SO_LINGER that is short", AF_INET, SOCK_STREAM, EINVAL,
     [](Case& c) -> std::int64_t { return set_int(c, SOL_SOCKET, SO_LINGER, 1); }},
};

void run(World& world, Subject& subject, const Misuse& misuse) {
  const double refusals = std::exchange(subject.shared().memory_refusals, 0);
  {
    const Fresh fresh(subject, misuse.domain, misuse.type);
    // Without another handle accept() fails for that reason.
    const bool has_room = subject.sockets().size() < subject.config().max_sockets;
    if (fresh.get() >= 0 && has_room) {
      Case prepared{world, subject, subject.stack(), fresh.get()};
      const std::int64_t result = misuse.run(prepared);
      if (result != -misuse.error) {
        subject.fail(std::string(misuse.what) + " returned " + std::to_string(result) + " " +
                     name_of_error(result) + " and not " + name_of_error(-misuse.error));
      }
    }
  }
  subject.shared().memory_refusals = refusals;
}

}  // namespace

void misuse(World& world, Subject& subject) {
  if (subject.is_in_callback()) return;  // then -EBUSY comes first
  switch (world.chance().below(4)) {
    case 0: return run(world, subject, world.chance().element_of(kArguments));
    case 1: return run(world, subject, world.chance().element_of(kHandles));
    case 2: return run(world, subject, world.chance().element_of(kStates));
    default: return run(world, subject, world.chance().element_of(kOptions));
  }
}

}  // namespace sluice::calls

// What a caller does who wants to get somewhere: sockets that find each other, and bytes.
#include "tests/fuzz/calls/world.hpp"

namespace sluice::calls {
namespace {

struct Option {
  int level;
  int name;
  std::initializer_list<int> values;
};

// Values that Linux takes.
const Option kOptions[] = {
    {SOL_SOCKET, SO_KEEPALIVE, {0, 1}},
    {SOL_SOCKET, SO_RCVBUF, {4096, 65'536, 1 << 20}},
    {SOL_SOCKET, SO_SNDBUF, {4096, 65'536, 1 << 20}},
    {SOL_SOCKET, SO_RCVLOWAT, {1, 100, 10'000}},
    {SOL_SOCKET, SO_REUSEADDR, {0, 1}},
    {SOL_SOCKET, SO_OOBINLINE, {0, 1}},
    {IPPROTO_TCP, TCP_NODELAY, {0, 1}},
    {IPPROTO_TCP, TCP_CORK, {0, 1}},
    {IPPROTO_TCP, TCP_MAXSEG, {88, 536, 1448}},
    {IPPROTO_TCP, TCP_QUICKACK, {0, 1}},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, {0, 1000, 100'000}},
    {IPPROTO_TCP, TCP_KEEPIDLE, {1, 60}},
    {IPPROTO_TCP, TCP_KEEPINTVL, {1, 10}},
    {IPPROTO_TCP, TCP_KEEPCNT, {1, 9}},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, {0, 1, 16'384}},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, {0, 5}},
    {IPPROTO_TCP, TCP_SYNCNT, {1, 6}},
    {IPPROTO_TCP, TCP_LINGER2, {-1, 0, 10}},
    {IPPROTO_IP, IP_TOS, {0, 0x10, 0xb8}},
    {IPPROTO_IP, IP_TTL, {1, 64, 255}},
    {IPPROTO_IP, IP_MTU_DISCOVER, {IP_PMTUDISC_DONT, IP_PMTUDISC_WANT, IP_PMTUDISC_DO}},
    {IPPROTO_IPV6, IPV6_V6ONLY, {0, 1}},
    {IPPROTO_IPV6, IPV6_TCLASS, {0, 0x10}},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, {-1, 1, 64}},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, {IPV6_PMTUDISC_DONT, IPV6_PMTUDISC_DO}},
};

int domain_of(World& world) {
  return world.chance().one_of({AF_INET, AF_INET6});
}

// --- TCP
// ------------------------------------------------------------------------------------------

void listen(World& world, Subject& subject) {
  const int domain = domain_of(world);
  const int handle = subject.socket(domain, SOCK_STREAM, 0);
  if (handle < 0) return;
  if (world.chance().chance(0.5)) {
    const int on = 1;
    subject.set_option(handle, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  const Address at = world.address_of(subject, domain, world.any_port());
  const bool listens = subject.bind(handle, at.get(), at.length()) == 0 &&
                       subject.listen(handle, static_cast<int>(world.chance().below(20))) == 0;
  if (!listens) subject.close(handle);
}

void connect(World& world, Subject& subject) {
  const int domain = domain_of(world);
  const int handle = subject.socket(domain, SOCK_STREAM, 0);
  if (handle < 0) return;
  const Address to = world.any_server(domain);
  subject.connect(handle, to.get(), to.length());
  if (world.chance().chance(0.5)) subject.set_callback(handle, true);
}

void accept(World& world, Subject& subject) {
  std::vector<int> listeners;
  for (const auto& [handle, known] : subject.sockets()) {
    if (known.listens) listeners.push_back(handle);
  }
  if (listeners.empty()) return;
  const int handle = subject.accept(world.chance().element_of(listeners), nullptr, nullptr);
  if (handle >= 0 && world.chance().chance(0.5)) subject.set_callback(handle, true);
}

void connect_again(World& world, Subject& subject) {
  const int handle = world.open_handle(subject, SOCK_STREAM);
  if (handle < 0) return;
  Address to = world.address_of(world.any_subject(), domain_of(world), world.any_port());
  if (world.chance().chance(0.2)) {
    const sa_family_t none = AF_UNSPEC;
    std::memcpy(to.bytes.data(), &none, sizeof none);
  }
  subject.connect(handle, to.get(), to.length());
}

void write(World& world, Subject& subject) {
  const int handle = world.open_handle(subject, SOCK_STREAM);
  if (handle < 0) return;
  const int flags = world.chance().chance(0.1) ? MSG_MORE : 0;
  if (world.chance().chance(0.7)) {
    subject.send(handle, world.chance().size_up_to(100'000), flags);
    return;
  }
  std::vector<std::size_t> sizes(world.chance().below(5));
  for (std::size_t& size : sizes) size = world.chance().size_up_to(10'000);
  subject.send_pieces(handle, sizes, flags);
}

void write_urgent(World& world, Subject& subject) {
  if (!world.is_hostile()) return;
  const int handle = world.open_handle(subject, SOCK_STREAM);
  if (handle >= 0) subject.send(handle, 1 + world.chance().below(3), MSG_OOB);
}

int flags_of_receive(World& world) {
  return world.chance().chance(0.1) ? MSG_PEEK : world.chance().chance(0.02) ? MSG_TRUNC : 0;
}

void read_from(World& world, Subject& subject, int handle) {
  if (world.chance().chance(0.7)) {
    const bool with_name = world.chance().chance(0.3);
    subject.receive(handle, world.chance().size_up_to(70'000), flags_of_receive(world), with_name);
    return;
  }
  std::vector<std::size_t> sizes(world.chance().below(5));
  for (std::size_t& size : sizes) size = world.chance().size_up_to(10'000);
  subject.receive_pieces(handle, sizes, flags_of_receive(world));
}

void read(World& world, Subject& subject) {
  const int handle = world.open_handle(subject, SOCK_STREAM);
  if (handle >= 0) read_from(world, subject, handle);
}

void shut_down(World& world, Subject& subject) {
  const int handle = world.open_handle(subject, SOCK_STREAM);
  if (handle >= 0) subject.shutdown(handle, static_cast<int>(world.chance().below(3)));
}

// --- UDP
// ------------------------------------------------------------------------------------------

void bind_datagrams(World& world, Subject& subject) {
  const int domain = domain_of(world);
  const int handle = subject.socket(domain, SOCK_DGRAM, 0);
  if (handle < 0) return;
  const Address at = world.address_of(subject, domain, world.any_port());
  if (subject.bind(handle, at.get(), at.length()) != 0) subject.close(handle);
  if (world.chance().chance(0.3) && subject.sockets().contains(handle)) {
    subject.set_callback(handle, true);
  }
}

void send_datagram(World& world, Subject& subject) {
  const int handle = world.open_handle(subject, SOCK_DGRAM);
  if (handle < 0) return;
  const std::size_t size = world.chance().size_up_to(66'000);
  if (world.chance().chance(0.2)) {
    subject.send(handle, size, 0);
    return;
  }
  const int domain = subject.sockets().at(handle).domain;
  const Address to = world.address_of(world.any_subject(), domain, world.any_port());
  subject.send_to(handle, size, 0, to.get(), to.length());
}

void connect_datagrams(World& world, Subject& subject) {
  const int handle = world.open_handle(subject, SOCK_DGRAM);
  if (handle < 0) return;
  const int domain = subject.sockets().at(handle).domain;
  const Address to = world.address_of(world.any_subject(), domain, world.any_port());
  subject.connect(handle, to.get(), to.length());
}

void receive_datagram(World& world, Subject& subject) {
  const int handle = world.open_handle(subject, SOCK_DGRAM);
  if (handle >= 0) read_from(world, subject, handle);
}

// --- either
// ---------------------------------------------------------------------------------------

// Mostly one that is of no more use.
void close(World& world, Subject& subject) {
  if (subject.sockets().empty()) return;
  const auto& [handle, known] = world.chance().element_of(subject.sockets());
  const bool is_of_use = known.may_be_connected || known.listens;
  if (is_of_use && world.chance().chance(0.8)) return;
  if (world.chance().chance(0.2)) {
    const linger now{1, 0};
    subject.set_option(handle, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  subject.close(handle);
}

void set_option(World& world, Subject& subject) {
  if (subject.sockets().empty()) return;
  const int handle = world.chance().element_of(subject.sockets()).first;
  const Option& option = world.chance().element_of(kOptions);
  const int value = world.chance().one_of(option.values);
  if (subject.set_option(handle, option.level, option.name, &value, sizeof value) != 0) return;
  int read = 0;
  socklen_t length = sizeof read;
  const int error = subject.get_option(handle, option.level, option.name, &read, &length);
  if (error != 0) subject.fail("an option that was set cannot be read");
}

void observe(World& world, Subject& subject) {
  if (subject.sockets().empty()) return;
  const int handle = world.chance().element_of(subject.sockets()).first;
  subject.ready(handle);
  subject.flow_of(handle);
  subject.tcp_info(handle, sizeof(struct sluice_tcp_info));
  subject.set_callback(handle, world.chance().chance(0.7));
}

struct Action {
  std::uint64_t weight;
  void (*act)(World&, Subject&);
};

constexpr Action kActions[] = {
    {4, listen},
    {8, connect},
    {10, accept},
    {3, connect_again},
    {30, write},
    {1, write_urgent},
    {30, read},
    {2, shut_down},
    {3, bind_datagrams},
    {12, send_datagram},
    {2, connect_datagrams},
    {12, receive_datagram},
    {5, close},
    {6, set_option},
    {6, observe},
};

}  // namespace

void act_sensibly(World& world, Subject& subject) {
  std::uint64_t sum = 0;
  for (const Action& action : kActions) sum += action.weight;
  std::uint64_t chosen = world.chance().below(sum);
  for (const Action& action : kActions) {
    if (chosen < action.weight) return action.act(world, subject);
    chosen -= action.weight;
  }
}

}  // namespace sluice::calls

// What a caller does who has read nothing: any call with any arguments that the compiler takes, as
// long as pointers are null or hold as many bytes as is said.
#include "tests/fuzz/calls/world.hpp"

namespace sluice::calls {
namespace {

void bind(World& world, Subject& subject) {
  const Address at = world.any_address();
  subject.bind(world.any_handle(subject), at.get(), at.length());
}

void listen(World& world, Subject& subject) {
  subject.listen(world.any_handle(subject), world.chance().any_int());
}

void socket(World& world, Subject& subject) {
  Chance& chance = world.chance();
  const int domain = chance.one_of<int>({AF_INET, AF_INET6, AF_UNIX, AF_UNSPEC, -1});
  const int type =
      chance.one_of<int>({SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM | SOCK_NONBLOCK,
                          SOCK_DGRAM | SOCK_CLOEXEC, chance.any_int()});
  const int protocol = chance.one_of<int>({0, 0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, -1});
  subject.socket(domain, type, protocol);
}

void accept(World& world, Subject& subject) {
  Chance& chance = world.chance();
  socklen_t length = chance.one_of<socklen_t>({0, 1, 16, 28, 128});
  Exact from(length);
  socklen_t* const to_length = chance.chance(0.1) ? nullptr : &length;
  subject.accept(world.any_handle(subject), from.as<sockaddr>(), to_length);
  if (length > 128) subject.fail("a name that is longer than any");
}

void connect(World& world, Subject& subject) {
  const Address to = world.any_address();
  subject.connect(world.any_handle(subject), to.get(), to.length());
}

void names(World& world, Subject& subject) {
  Chance& chance = world.chance();
  socklen_t length = chance.one_of<socklen_t>({0, 1, 15, 16, 28, 128});
  Exact name(length);
  sockaddr* const to = chance.chance(0.05) ? nullptr : name.as<sockaddr>();
  socklen_t* const to_length = chance.chance(0.05) ? nullptr : &length;
  subject.name_of(world.any_handle(subject), chance.chance(0.5), to, to_length);
}

void send(World& world, Subject& subject) {
  Chance& chance = world.chance();
  const Address to = world.any_address();
  const int flags = chance.one_of<int>(
      {0, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_MORE, MSG_PEEK, chance.any_int() & ~MSG_OOB});
  const int handle = world.any_handle(subject);
  switch (chance.below(3)) {
    case 0: subject.send(handle, chance.size_up_to(70'000), flags); break;
    case 1: subject.send_to(handle, chance.size_up_to(70'000), flags, to.get(), to.length()); break;
    default: subject.send_pieces(handle, std::vector<std::size_t>(chance.below(30), 1), flags);
  }
}

void receive(World& world, Subject& subject) {
  Chance& chance = world.chance();
  const int flags = chance.one_of<int>({0, MSG_OOB, MSG_PEEK, MSG_TRUNC, MSG_PEEK | MSG_TRUNC,
                                        MSG_WAITALL, MSG_ERRQUEUE, chance.any_int()});
  const int handle = world.any_handle(subject);
  if (chance.chance(0.5)) {
    subject.receive(handle, chance.size_up_to(3000), flags, chance.chance(0.5));
  } else {
    subject.receive_pieces(handle, std::vector<std::size_t>(chance.below(30), 7), flags);
  }
}

void shut_down(World& world, Subject& subject) {
  if (world.chance().chance(0.7)) return;
  subject.shutdown(world.any_handle(subject), world.chance().any_int());
}

void close(World& world, Subject& subject) {
  if (world.chance().chance(0.5)) return;
  subject.close(world.any_handle(subject));
}

struct OptionName {
  int level;
  int name;
};

OptionName any_option(World& world) {
  Chance& chance = world.chance();
  const int level = chance.one_of<int>({SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6,
                                        static_cast<int>(chance.below(300)), chance.any_int()});
  const int name = chance.chance(0.95) ? static_cast<int>(chance.below(80)) : chance.any_int();
  return {level, name};
}

void set_option(World& world, Subject& subject) {
  Chance& chance = world.chance();
  const auto [level, name] = any_option(world);
  Exact value(chance.one_of<std::size_t>({0, 1, 3, 4, 4, 4, 5, 8, 16, 64, 300}));
  for (std::size_t i = 0; i < value.size(); ++i) {
    value.data()[i] = chance.one_of<std::uint8_t>({0, 0, 0, 1, 0x7f, 0xff, 'c', 'b'});
  }
  const int handle = world.any_handle(subject);
  const bool is_null = chance.chance(0.05);
  subject.set_option(handle, level, name, is_null ? nullptr : value.data(),
                     static_cast<socklen_t>(value.size()));
}

void get_option(World& world, Subject& subject) {
  Chance& chance = world.chance();
  const auto [level, name] = any_option(world);
  socklen_t length = chance.one_of<socklen_t>({0, 1, 3, 4, 4, 8, 16, 300});
  Exact value(length);
  subject.get_option(world.any_handle(subject), level, name,
                     chance.chance(0.05) ? nullptr : value.data(),
                     chance.chance(0.05) ? nullptr : &length);
  if (length > value.size()) subject.fail("an option's value that is longer than its room");
}

void observe(World& world, Subject& subject) {
  Chance& chance = world.chance();
  const int handle = world.any_handle(subject);
  subject.ready(handle);
  subject.set_callback(handle, chance.chance(0.5));
  subject.tcp_info(handle, chance.one_of<std::size_t>({sizeof(std::size_t), 9, 64, 1000}));
  subject.check_stats();
}

constexpr void (*kActions[])(World&, Subject&) = {
    bind,    listen,    socket, accept,     connect,    names,   send,
    receive, shut_down, close,  set_option, get_option, observe,
};

}  // namespace

void act_wildly(World& world, Subject& subject) {
  world.chance().element_of(kActions)(world, subject);
}

}  // namespace sluice::calls

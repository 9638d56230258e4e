// What sockets are told and asked: options, flags, readiness.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "tests/scripts/runner/calls.hpp"

namespace sluice::script {
namespace {

constexpr std::size_t kLongestOption = 256;
constexpr std::size_t kPeekedAtMost = std::size_t{16} << 20;

template <typename T>
Octets bytes_of(const T& value) {
  Octets bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

// {onoff=1, linger=0}, as packetdrill writes it, or with the fields' own names.
const Value* linger_field(const Value& value, const std::string& name) {
  const Value* field = value.field(name);
  return field != nullptr ? field : value.field("l_" + name);
}

linger linger_of(const Arguments& arguments, const Value& value) {
  const Value* on = linger_field(value, "onoff");
  const Value* seconds = linger_field(value, "linger");
  if (on == nullptr || seconds == nullptr) {
    arguments.fail(3, "must be {onoff=1, linger=0} or a number in brackets");
  }
  return {static_cast<int>(on->number), static_cast<int>(seconds->number)};
}

// The option's value, without the brackets that stand for a pointer.
const Value& pointed_value(const Arguments& arguments) {
  const Value& value = arguments.at(3);
  return value.kind == Value::Kind::list && value.items.size() == 1 ? value.items[0] : value;
}

Octets option_bytes(const Arguments& arguments) {
  const Value& value = pointed_value(arguments);
  switch (value.kind) {
    case Value::Kind::number: return bytes_of(static_cast<int>(value.number));
    case Value::Kind::text: return {value.text.begin(), value.text.end()};
    case Value::Kind::fields: return bytes_of(linger_of(arguments, value));
    case Value::Kind::any:
    case Value::Kind::list: break;
  }
  arguments.fail(3, "must be a value: [1], {onoff=1, linger=0} or a text");
}

std::string differs(const std::string& came, const std::string& wanted) {
  return came == wanted ? "" : fmt::format("the value is {}, expected {}", came, wanted);
}

std::string linger_text(const linger& value) {
  return fmt::format("{{onoff={}, linger={}}}", value.l_onoff, value.l_linger);
}

int integer_in(const Octets& bytes, socklen_t length) {
  int value = 0;
  std::memcpy(&value, bytes.data(), std::min<std::size_t>(length, sizeof value));
  return value;
}

std::string compare_option(const Arguments& arguments, const Octets& bytes, socklen_t length) {
  const Value& wanted = pointed_value(arguments);
  if (wanted.kind == Value::Kind::number) {
    return differs(fmt::format("{}", integer_in(bytes, length)), fmt::format("{}", wanted.number));
  }
  if (wanted.kind == Value::Kind::fields) {
    linger value{};
    std::memcpy(&value, bytes.data(), sizeof value);
    return differs(linger_text(value), linger_text(linger_of(arguments, wanted)));
  }
  if (wanted.kind != Value::Kind::text) return {};
  const auto end = std::find(bytes.begin(), bytes.begin() + length, 0);
  return differs(std::string(bytes.begin(), end), wanted.text);
}

short poll_events(int ready) {
  static constexpr struct {
    int ready;
    int event;
  } kEvents[] = {{SLUICE_READABLE, POLLIN},  {SLUICE_WRITABLE, POLLOUT},
                 {SLUICE_ERROR, POLLERR},    {SLUICE_HANGUP, POLLHUP},
                 {SLUICE_PRIORITY, POLLPRI}, {SLUICE_PEER_CLOSED, POLLRDHUP}};
  int events = 0;
  for (const auto& [bit, event] : kEvents) events |= (ready & bit) != 0 ? event : 0;
  return static_cast<short>(events);
}

std::int64_t field_number(const Arguments& arguments, const Value& entry, const char* name,
                          bool is_needed) {
  const Value* field = entry.field(name);
  if (field == nullptr && is_needed) {
    arguments.fail(0, "must be a list of {fd=3, events=POLLIN, revents=POLLIN}");
  }
  return field == nullptr ? 0 : field->number;
}

// Returns whether the socket has something to tell; notes what is not as expected.
bool poll_one(World& world, const Arguments& arguments, const Value& entry, std::string& wrong) {
  const auto fd = static_cast<int>(field_number(arguments, entry, "fd", true));
  const auto asked = static_cast<int>(field_number(arguments, entry, "events", true));
  const auto expected = static_cast<int>(field_number(arguments, entry, "revents", false));
  int events = POLLNVAL;
  if (const auto found = world.descriptors.find(fd); found != world.descriptors.end()) {
    const int ready = sluice_ready(world.stack.get(), found->second.handle);
    events = ready < 0 ? POLLNVAL : poll_events(ready) & (asked | POLLERR | POLLHUP);
  }
  if (events != expected && wrong.empty()) {
    wrong = fmt::format("revents of {} are {:#x}, expected {:#x}", fd, events, expected);
  }
  return events != 0;
}

}  // namespace

Outcome call_setsockopt(World& world, const Arguments& arguments) {
  const auto length = static_cast<socklen_t>(arguments.number(4));
  Octets bytes;
  const bool is_null = arguments.at(3).kind == Value::Kind::number;
  if (!is_null) {
    bytes = option_bytes(arguments);
    bytes.resize(std::max<std::size_t>(bytes.size(), std::min<std::size_t>(length, 4096)));
  }
  return {sluice_setsockopt(world.stack.get(), arguments.handle(0), arguments.small(1),
                            arguments.small(2), is_null ? nullptr : bytes.data(), length),
          false,
          {}};
}

Outcome call_getsockopt(World& world, const Arguments& arguments) {
  Octets bytes(kLongestOption);
  const bool is_text = pointed_value(arguments).kind == Value::Kind::text;
  const auto offered = static_cast<socklen_t>(arguments.pointed(4));
  socklen_t length = std::min<socklen_t>(offered, kLongestOption);
  const int result = sluice_getsockopt(world.stack.get(), arguments.handle(0), arguments.small(1),
                                       arguments.small(2), bytes.data(), &length);
  if (result != 0) return {result, false, {}};
  std::string wrong = compare_option(arguments, bytes, length);
  if (wrong.empty() && !is_text && length != offered) {
    wrong = fmt::format("the value's length is {}, expected {}", length, offered);
  }
  return {0, false, wrong};
}

// Only the script's own idea of its sockets: calls of sluice.h never wait.
Outcome call_fcntl(World&, const Arguments& arguments) {
  Descriptor* const descriptor = arguments.descriptor(0);
  if (descriptor == nullptr) return {-EBADF, false, {}};
  if (arguments.number(1) == F_GETFL) {
    return {O_RDWR | (descriptor->nonblocking ? O_NONBLOCK : 0), false, {}};
  }
  if (arguments.number(1) != F_SETFL) arguments.fail(1, "must be F_GETFL or F_SETFL");
  descriptor->nonblocking = (arguments.number(2) & O_NONBLOCK) != 0;
  return {0, false, {}};
}

// What is asked of a socket, as recv() sees it.
ssize_t ask(World& world, const Arguments& arguments) {
  sluice_stack* const stack = world.stack.get();
  if (arguments.number(1) == SIOCATMARK) return sluice_at_mark(stack, arguments.handle(0));
  if (arguments.number(1) != FIONREAD) arguments.fail(1, "must be SIOCINQ or SIOCATMARK");
  Octets bytes(kPeekedAtMost);
  return sluice_recv(stack, arguments.handle(0), bytes.data(), bytes.size(), MSG_PEEK);
}

Outcome call_ioctl(World& world, const Arguments& arguments) {
  const ssize_t count = ask(world, arguments);
  if (count < 0 && count != -EAGAIN) return {count, false, {}};
  return {0, false,
          differs(fmt::format("{}", std::max<ssize_t>(count, 0)),
                  fmt::format("{}", arguments.pointed(2)))};
}

Outcome call_poll(World& world, const Arguments& arguments, const Progress& progress) {
  const Value& entries = arguments.at(0);
  const auto count = static_cast<std::size_t>(arguments.number(1));
  if (entries.kind != Value::Kind::list || entries.items.size() != count) {
    arguments.fail(1, "must be the number of entries in the list");
  }
  Outcome outcome;
  for (const Value& entry : entries.items) {
    outcome.result += poll_one(world, arguments, entry, outcome.wrong) ? 1 : 0;
  }
  const std::int64_t timeout_ms = arguments.number(2);
  const bool expired =
      timeout_ms >= 0 && world.stack.now() - progress.begin >= Duration::milliseconds(timeout_ms);
  outcome.again = outcome.result == 0 && !expired;
  return outcome;
}

}  // namespace sluice::script

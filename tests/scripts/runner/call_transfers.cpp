// Bytes to sockets and from them. Those that a script does not spell out are a pattern, so that
// each byte that the stack hands on is checked.
#include <fmt/format.h>

#include <algorithm>

#include "tests/scripts/runner/calls.hpp"
#include "tests/scripts/runner/pattern.hpp"
#include "tests/scripts/runner/socket_address.hpp"

namespace sluice::script {
namespace {

constexpr std::int64_t kLargestTransfer = std::int64_t{64} << 20;

// A piece of memory of a call: `...` or a text, and its length.
struct Piece {
  const Value* content;
  std::size_t length;
};

std::size_t length_of(const Arguments& arguments, std::size_t index, const Value& value) {
  const bool fits =
      value.kind == Value::Kind::number && value.number >= 0 && value.number <= kLargestTransfer;
  if (!fits) arguments.fail(index, "holds a length that cannot be");
  return static_cast<std::size_t>(value.number);
}

// [{..., 1000}, {"text", 4}]
std::vector<Piece> vector_pieces(const Arguments& arguments, std::size_t index, const Value& list) {
  std::vector<Piece> pieces;
  for (const Value& entry : list.items) {
    if (entry.items.size() != 2) arguments.fail(index, "must be a list of {..., 1000}");
    pieces.push_back({&entry.items[0], length_of(arguments, index, entry.items[1])});
  }
  return pieces;
}

std::vector<Piece> pieces_of(const Arguments& arguments) {
  const std::string& name = arguments.name();
  if (name == "writev" || name == "readv") return vector_pieces(arguments, 1, arguments.at(1));
  if (name == "sendmsg" || name == "recvmsg") {
    const Value* iov = arguments.at(1).field("msg_iov");
    if (iov == nullptr) arguments.fail(1, "needs its msg_iov");
    return vector_pieces(arguments, 1, *iov);
  }
  return {{&arguments.at(1), length_of(arguments, 2, arguments.at(2))}};
}

bool takes_message(const Arguments& arguments) {
  return arguments.name() == "sendmsg" || arguments.name() == "recvmsg";
}

int flags_of(const Arguments& arguments) {
  const std::string& name = arguments.name();
  if (takes_message(arguments)) return arguments.small(2);
  return name == "send" || name == "sendto" || name == "recv" || name == "recvfrom"
             ? arguments.small(3)
             : 0;
}

std::size_t total(const std::vector<Piece>& pieces) {
  std::size_t length = 0;
  for (const Piece& piece : pieces) length += piece.length;
  return length;
}

std::vector<iovec> cut(std::string& bytes, const std::vector<Piece>& pieces) {
  std::vector<iovec> cuts;
  std::size_t at = 0;
  for (const Piece& piece : pieces) {
    cuts.push_back({bytes.data() + at, piece.length});
    at += piece.length;
  }
  return cuts;
}

// --- writing
// --------------------------------------------------------------------------------------

std::string content_to_write(const Arguments& arguments, const std::vector<Piece>& pieces,
                             std::uint32_t position) {
  std::string bytes;
  for (const Piece& piece : pieces) {
    if (piece.content->kind != Value::Kind::text) {
      bytes += pattern(position + static_cast<std::uint32_t>(bytes.size()), piece.length);
      continue;
    }
    if (piece.content->text.size() != piece.length) arguments.fail(1, "is not of its length");
    bytes += piece.content->text;
  }
  return bytes;
}

std::optional<SocketAddress> destination(World& world, const Arguments& arguments) {
  if (arguments.name() != "sendto") return std::nullopt;
  const Value& value = arguments.at(4);
  if (value.kind == Value::Kind::number) return std::nullopt;  // NULL is written 0
  if (!value.is_any()) return parse_socket_address(value);
  const int family = world.settings.ip_version == IpVersion::v4 ? AF_INET : AF_INET6;
  return make_socket_address(family, world.settings.remote, world.settings.connect_port);
}

ssize_t hand_over(World& world, const Arguments& arguments, std::string& bytes,
                  const std::vector<Piece>& pieces, std::size_t skipped) {
  sluice_stack* const stack = world.stack.get();
  const int handle = arguments.handle(0);
  const int flags = flags_of(arguments);
  if (takes_message(arguments) || arguments.name() == "writev") {
    std::vector<iovec> cuts = cut(bytes, pieces);
    msghdr message{};
    message.msg_iov = cuts.data();
    message.msg_iovlen = cuts.size();
    if (skipped == 0) return sluice_sendmsg(stack, handle, &message, flags);
  }
  const char* const begin = bytes.data() + skipped;
  const std::size_t length = bytes.size() - skipped;
  const auto to = destination(world, arguments);
  if (!to) return sluice_send(stack, handle, begin, length, flags);
  return sluice_sendto(stack, handle, begin, length, flags, to->get(), to->length);
}

// What was taken will be looked for on the wire.
void remember(World& world, Descriptor& descriptor, std::string_view taken) {
  if (!descriptor.is_stream) {
    world.datagrams.emplace_back(taken);
  } else if (const Endpoints* ends = ends_of(world, descriptor)) {
    world.flows.of(*ends).sent += taken;
  }
}

// --- reading
// --------------------------------------------------------------------------------------

// Urgent bytes are no part of the stream unless they are inline: where one is due and another
// follows, it was left out. Returns the position behind what was read, or nothing.
std::optional<std::uint32_t> follow_pattern(std::string_view bytes, std::uint32_t position,
                                            const std::set<std::uint32_t>& urgent) {
  for (const char byte : bytes) {
    while (byte != pattern_byte(position)) {
      if (!urgent.contains(position)) return std::nullopt;
      ++position;
    }
    ++position;
  }
  return position;
}

std::string check_stream(World& world, Descriptor& descriptor, std::string_view bytes, int flags) {
  const Endpoints* const ends = ends_of(world, descriptor);
  if (ends == nullptr) return {};
  const std::set<std::uint32_t>& urgent = world.flows.of(*ends).urgent;
  if ((flags & MSG_OOB) != 0) {
    const bool known = std::any_of(urgent.begin(), urgent.end(), [bytes](std::uint32_t position) {
      return bytes.front() == pattern_byte(position);
    });
    return known ? "" : "the urgent byte is none that the peer has sent";
  }
  const auto end = follow_pattern(bytes, descriptor.read_position, urgent);
  if (!end) {
    return fmt::format("the bytes are not those of the peer's stream from {} on",
                       descriptor.read_position);
  }
  if ((flags & MSG_PEEK) == 0) descriptor.read_position = *end;
  return {};
}

std::string check_content(World& world, const Arguments& arguments,
                          const std::vector<Piece>& pieces, std::string_view bytes, int flags) {
  Descriptor* const descriptor = arguments.descriptor(0);
  if (descriptor == nullptr || bytes.empty()) return {};
  const Value& wanted = *pieces.front().content;
  if (wanted.kind == Value::Kind::text) {
    return bytes == wanted.text ? "" : fmt::format("the bytes are \"{}\"", bytes);
  }
  if (descriptor->is_stream) return check_stream(world, *descriptor, bytes, flags);
  return bytes == pattern(0, bytes.size()) ? "" : "the bytes are not those of the datagram";
}

struct Received {
  ssize_t result = 0;
  int message_flags = 0;
  SocketAddress from;
};

Received receive(World& world, const Arguments& arguments, std::string& bytes,
                 const std::vector<Piece>& pieces) {
  Received received;
  received.from.length = sizeof received.from.storage;
  sluice_stack* const stack = world.stack.get();
  const int handle = arguments.handle(0);
  const int flags = flags_of(arguments);
  if (takes_message(arguments) || arguments.name() == "readv") {
    std::vector<iovec> cuts = cut(bytes, pieces);
    msghdr message{};
    message.msg_iov = cuts.data();
    message.msg_iovlen = cuts.size();
    received.result = sluice_recvmsg(stack, handle, &message, flags);
    received.message_flags = message.msg_flags;
  } else if (arguments.name() == "recvfrom") {
    received.result = sluice_recvfrom(stack, handle, bytes.data(), bytes.size(), flags,
                                      received.from.get(), &received.from.length);
  } else {
    received.result = sluice_recv(stack, handle, bytes.data(), bytes.size(), flags);
  }
  return received;
}

std::string check_message(const Arguments& arguments, const Received& received) {
  if (arguments.name() == "recvfrom") {
    return compare_socket_address(arguments.at(4), received.from);
  }
  const Value* wanted = takes_message(arguments) ? arguments.at(1).field("msg_flags") : nullptr;
  if (wanted == nullptr || wanted->is_any() || wanted->number == received.message_flags) return {};
  return fmt::format("msg_flags are {:#x}, expected {:#x}", received.message_flags, wanted->number);
}

}  // namespace

Outcome call_write(World& world, const Arguments& arguments, Progress& progress) {
  const std::vector<Piece> pieces = pieces_of(arguments);
  Descriptor* const descriptor = arguments.descriptor(0);
  const bool is_stream = descriptor != nullptr && descriptor->is_stream;
  const Endpoints* const ends = is_stream ? ends_of(world, *descriptor) : nullptr;
  const auto before = static_cast<std::size_t>(progress.written);
  const std::size_t position = ends == nullptr ? 0 : world.flows.of(*ends).sent.size() - before;
  std::string bytes = content_to_write(arguments, pieces, static_cast<std::uint32_t>(position));
  const ssize_t taken = hand_over(world, arguments, bytes, pieces, before);
  const bool is_empty_datagram = taken == 0 && !is_stream;
  if ((taken > 0 || is_empty_datagram) && descriptor != nullptr) {
    remember(world, *descriptor,
             std::string_view(bytes).substr(before, static_cast<std::size_t>(taken)));
  }
  progress.written += std::max<ssize_t>(taken, 0);
  Outcome outcome;
  outcome.result = taken < 0 && progress.written == 0 ? taken : progress.written;
  const bool is_short = taken >= 0 && progress.written < static_cast<std::int64_t>(bytes.size());
  outcome.again = taken == -EAGAIN || (progress.waits && is_short);
  return outcome;
}

Outcome call_read(World& world, const Arguments& arguments) {
  const std::vector<Piece> pieces = pieces_of(arguments);
  std::string bytes(total(pieces), '\0');
  const int flags = flags_of(arguments);
  // A descriptor may be of a connection that is gone by the next call: its ends are looked up now.
  if (Descriptor* const descriptor = arguments.descriptor(0)) ends_of(world, *descriptor);
  const Received received = receive(world, arguments, bytes, pieces);
  Outcome outcome;
  outcome.result = received.result;
  outcome.again = received.result == -EAGAIN;
  if (received.result < 0) return outcome;
  const std::size_t count = std::min(static_cast<std::size_t>(received.result), bytes.size());
  const Descriptor* const descriptor = arguments.descriptor(0);
  const bool thrown_away =
      (flags & MSG_TRUNC) != 0 && descriptor != nullptr && descriptor->is_stream;
  if (thrown_away) {
    arguments.descriptor(0)->read_position += static_cast<std::uint32_t>(count);
  } else {
    outcome.wrong =
        check_content(world, arguments, pieces, std::string_view(bytes).substr(0, count), flags);
  }
  if (outcome.wrong.empty()) outcome.wrong = check_message(arguments, received);
  return outcome;
}

}  // namespace sluice::script

// The C interface: checks what C callers give, and lets no exception through.
#include "dataplane/sluice.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <new>
#include <string>
#include <system_error>

#include "dataplane/io/entropy.hpp"
#include "dataplane/sockets/stack.hpp"
#include "dataplane/sockets/stack_config.hpp"

using sluice::MutableBytes;
using sluice::sockets::Pieces;
using sluice::sockets::ReceiveRequest;
using sluice::sockets::SendRequest;
using sluice::sockets::Socket;
using sluice::sockets::SocketAddress;
using sluice::sockets::Stack;

struct sluice_stack {
  explicit sluice_stack(const sluice::sockets::StackOptions& options) : stack(options, this) {}
  Stack stack;
};

#define SLUICE_TEXT(number) #number
#define SLUICE_VERSION_TEXT(major, minor, patch) \
  SLUICE_TEXT(major) "." SLUICE_TEXT(minor) "." SLUICE_TEXT(patch)

namespace {

constexpr std::size_t kMostBytes = SSIZE_MAX;

template <class Result, class Body>
Result guarded(Body body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  } catch (...) {
    return -EIO;
  }
}

// Looks the socket up; `body` gets it.
template <class Result, class Body>
Result with_socket(sluice_stack* stack, int handle, Body body) noexcept {
  return guarded<Result>([&]() -> Result {
    if (stack == nullptr) return -EINVAL;
    Socket* const socket = stack->stack.find(handle);
    if (socket == nullptr) return -EBADF;
    return body(*socket);
  });
}

// Into the caller's struct, which may be smaller than ours.
template <class Struct>
void give(Struct* to, Struct value) {
  const std::size_t size = to->size;
  value.size = size;
  std::memcpy(to, &value, std::min(size, sizeof value));
}

// That a struct of this kind may have had, or will have: none that cuts a pointer in two.
template <class Struct>
bool is_size_of(std::size_t size) {
  return size >= sizeof(std::size_t) && size % alignof(Struct) == 0;
}

template <class Struct>
bool is_usable(const Struct* given) {
  return given != nullptr && is_size_of<Struct>(given->size);
}

int give_name(int error, const SocketAddress& name, const Socket& socket, sockaddr* address,
              socklen_t* length) {
  return error != 0 ? error : write_address(name, socket.form(), address, length);
}

sluice::sockets::Entropy draw_entropy(const sluice_config& config) {
  sluice::sockets::Entropy entropy{};
  if (sluice::sockets::needs_entropy(config)) sluice::io::fill_random(entropy);
  return entropy;
}

// False for values that no enum has.
bool read_offload(const sluice_offload& given, sluice::wire::VirtioNetHeader& facts) {
  using Facts = sluice::wire::VirtioNetHeader;
  switch (given.checksum) {
    case SLUICE_CHECKSUM_COMPLETE: break;
    case SLUICE_CHECKSUM_VALID: facts.flags = Facts::kDataValid; break;
    case SLUICE_CHECKSUM_PARTIAL: facts.flags = Facts::kNeedsChecksum; break;
    default: return false;
  }
  const bool is_known = given.gso_type == SLUICE_GSO_NONE ||
                        given.gso_type == SLUICE_GSO_TCP_IPV4 ||
                        given.gso_type == SLUICE_GSO_TCP_IPV6 || given.gso_type == SLUICE_GSO_UDP;
  facts.gso_type = given.gso_type;
  facts.gso_size = given.gso_size;
  facts.checksum_start = given.checksum_start;
  facts.checksum_offset = given.checksum_offset;
  return is_known;
}

sluice_offload offload_of(const sluice::wire::VirtioNetHeader& facts) {
  sluice_offload said{};
  const bool is_partial = (facts.flags & sluice::wire::VirtioNetHeader::kNeedsChecksum) != 0;
  said.checksum = is_partial ? SLUICE_CHECKSUM_PARTIAL : SLUICE_CHECKSUM_COMPLETE;
  said.gso_type = facts.gso_type;
  said.gso_size = facts.gso_size;
  said.header_length = facts.header_length;
  said.checksum_start = facts.checksum_start;
  said.checksum_offset = facts.checksum_offset;
  return said;
}

bool are_usable(const msghdr* message) {
  if (message == nullptr || message->msg_iovlen > IOV_MAX) return false;
  if (message->msg_iovlen > 0 && message->msg_iov == nullptr) return false;
  std::size_t room = kMostBytes;
  for (std::size_t i = 0; i < message->msg_iovlen; ++i) {
    const iovec& piece = message->msg_iov[i];
    if (piece.iov_len > room || (piece.iov_len > 0 && piece.iov_base == nullptr)) return false;
    room -= piece.iov_len;
  }
  return true;
}

}  // namespace

extern "C" {

const char* sluice_version(void) {
  return SLUICE_VERSION_TEXT(SLUICE_VERSION_MAJOR, SLUICE_VERSION_MINOR, SLUICE_VERSION_PATCH);
}

int sluice_config_init(struct sluice_config* config, size_t size, const char* profile) {
  return guarded<int>([&] {
    sluice_config ours;
    if (config == nullptr || profile == nullptr || !is_size_of<sluice_config>(size)) return -EINVAL;
    if (!sluice::sockets::make_profile(profile, ours)) return -EINVAL;
    std::memset(static_cast<void*>(config), 0, size);
    config->size = size;
    give(config, ours);
    return 0;
  });
}

int sluice_stack_create(const struct sluice_config* config, sluice_stack** stack) {
  if (stack == nullptr) return -EINVAL;
  *stack = nullptr;
  if (!is_usable(config)) return -EINVAL;
  return guarded<int>([&] {
    const sluice_config ours = sluice::sockets::read_config(*config);
    if (!sluice::sockets::find_problem(ours).empty()) return -EINVAL;
    *stack = new sluice_stack(sluice::sockets::make_options(ours, draw_entropy(ours)));
    return 0;
  });
}

const char* sluice_config_problem(const struct sluice_config* config) {
  if (!is_usable(config))
    return "the configuration is null, or its size is that of no sluice_config";
  try {
    static thread_local std::string problem;
    problem = sluice::sockets::find_problem(sluice::sockets::read_config(*config));
    return problem.empty() ? "" : problem.c_str();
  } catch (...) {
    return "there is no memory to look at it";
  }
}

int sluice_stack_destroy(sluice_stack* stack) {
  if (stack != nullptr && stack->stack.is_busy()) return -EBUSY;
  delete stack;
  return 0;
}

int sluice_input(sluice_stack* stack, const void* packet, size_t length, uint64_t now_ns) {
  if (stack == nullptr || packet == nullptr) return -EINVAL;
  return guarded<int>([&] {
    return stack->stack.input({static_cast<const std::uint8_t*>(packet), length}, {}, now_ns);
  });
}

ssize_t sluice_output(sluice_stack* stack, void* buffer, size_t capacity, uint64_t now_ns) {
  if (stack == nullptr || buffer == nullptr) return -EINVAL;
  return guarded<ssize_t>([&] {
    return stack->stack.output({static_cast<std::uint8_t*>(buffer), capacity}, nullptr, now_ns);
  });
}

int sluice_input_offload(sluice_stack* stack, const void* packet, size_t length,
                         const struct sluice_offload* offload, uint64_t now_ns) {
  if (stack == nullptr || packet == nullptr || !is_usable(offload)) return -EINVAL;
  return guarded<int>([&]() -> int {
    sluice_offload ours{};
    std::memcpy(&ours, offload, std::min(offload->size, sizeof ours));
    sluice::wire::VirtioNetHeader facts;
    if (!read_offload(ours, facts)) return -EINVAL;
    return stack->stack.input({static_cast<const std::uint8_t*>(packet), length}, facts, now_ns);
  });
}

ssize_t sluice_output_offload(sluice_stack* stack, void* buffer, size_t capacity,
                              struct sluice_offload* offload, uint64_t now_ns) {
  if (stack == nullptr || buffer == nullptr || !is_usable(offload)) return -EINVAL;
  return guarded<ssize_t>([&] {
    sluice::wire::VirtioNetHeader facts;
    const MutableBytes room(static_cast<std::uint8_t*>(buffer), capacity);
    const ssize_t length = stack->stack.output(room, &facts, now_ns);
    if (length > 0) give(offload, offload_of(facts));
    return length;
  });
}

uint64_t sluice_next_deadline(const sluice_stack* stack) {
  return stack == nullptr ? UINT64_MAX : stack->stack.next_deadline();
}

int sluice_advance(sluice_stack* stack, uint64_t now_ns) {
  if (stack == nullptr) return -EINVAL;
  return guarded<int>([&] { return stack->stack.advance(now_ns); });
}

int sluice_stack_stats(const sluice_stack* stack, struct sluice_stats* stats) {
  if (stack == nullptr || !is_usable(stats)) return -EINVAL;
  return guarded<int>([&] {
    sluice_stats ours{};
    stack->stack.fill_stats(ours);
    give(stats, ours);
    return 0;
  });
}

int sluice_socket(sluice_stack* stack, int domain, int type, int protocol) {
  if (stack == nullptr) return -EINVAL;
  return guarded<int>([&] { return stack->stack.open_socket(domain, type, protocol); });
}

int sluice_bind(sluice_stack* stack, int handle, const struct sockaddr* address, socklen_t length) {
  return with_socket<int>(stack, handle, [&](Socket& socket) {
    SocketAddress wanted;
    const int error = read_address(address, length, socket.form(), wanted);
    return error != 0 ? error : socket.bind(wanted);
  });
}

int sluice_listen(sluice_stack* stack, int handle, int backlog) {
  return with_socket<int>(stack, handle, [&](Socket& socket) { return socket.listen(backlog); });
}

int sluice_accept(sluice_stack* stack, int handle, struct sockaddr* address, socklen_t* length) {
  return with_socket<int>(stack, handle, [&](Socket& socket) {
    if (address != nullptr && (length == nullptr || *length > INT_MAX)) return -EINVAL;
    SocketAddress from;
    const int accepted = stack->stack.accept(socket, from);
    if (accepted >= 0 && address != nullptr) write_address(from, socket.form(), address, length);
    return accepted;
  });
}

int sluice_connect(sluice_stack* stack, int handle, const struct sockaddr* address,
                   socklen_t length) {
  return with_socket<int>(stack, handle,
                          [&](Socket& socket) { return socket.connect(address, length); });
}

ssize_t sluice_sendto(sluice_stack* stack, int handle, const void* bytes, size_t length, int flags,
                      const struct sockaddr* address, socklen_t address_length) {
  return with_socket<ssize_t>(stack, handle, [&](Socket& socket) -> ssize_t {
    if ((bytes == nullptr && length > 0) || length > kMostBytes) return -EINVAL;
    const iovec piece{const_cast<void*>(bytes), length};
    return socket.send({Pieces(&piece, 1), flags, address, address_length});
  });
}

ssize_t sluice_send(sluice_stack* stack, int handle, const void* bytes, size_t length, int flags) {
  return sluice_sendto(stack, handle, bytes, length, flags, nullptr, 0);
}

ssize_t sluice_sendmsg(sluice_stack* stack, int handle, const struct msghdr* message, int flags) {
  return with_socket<ssize_t>(stack, handle, [&](Socket& socket) -> ssize_t {
    if (!are_usable(message) || message->msg_controllen > 0) return -EINVAL;
    return socket.send({Pieces(message->msg_iov, message->msg_iovlen), flags,
                        static_cast<const sockaddr*>(message->msg_name), message->msg_namelen});
  });
}

ssize_t sluice_recvfrom(sluice_stack* stack, int handle, void* bytes, size_t length, int flags,
                        struct sockaddr* address, socklen_t* address_length) {
  return with_socket<ssize_t>(stack, handle, [&](Socket& socket) -> ssize_t {
    if ((bytes == nullptr && length > 0) || length > kMostBytes) return -EINVAL;
    if (address != nullptr && (address_length == nullptr || *address_length > INT_MAX)) {
      return -EINVAL;
    }
    const iovec piece{bytes, length};
    ReceiveRequest request{Pieces(&piece, 1), flags};
    const ssize_t count = socket.receive(request);
    if (count < 0 || address == nullptr) return count;
    if (request.from) {
      write_address(*request.from, socket.form(), address, address_length);
    } else {
      *address_length = 0;
    }
    return count;
  });
}

ssize_t sluice_recv(sluice_stack* stack, int handle, void* bytes, size_t length, int flags) {
  return sluice_recvfrom(stack, handle, bytes, length, flags, nullptr, nullptr);
}

ssize_t sluice_recvmsg(sluice_stack* stack, int handle, struct msghdr* message, int flags) {
  return with_socket<ssize_t>(stack, handle, [&](Socket& socket) -> ssize_t {
    if (!are_usable(message) || message->msg_namelen > INT_MAX) return -EINVAL;
    ReceiveRequest request{Pieces(message->msg_iov, message->msg_iovlen), flags};
    const ssize_t count = socket.receive(request);
    if (count < 0) return count;
    message->msg_flags = request.said_flags;
    message->msg_controllen = 0;
    if (message->msg_name == nullptr) return count;
    if (request.from) {
      write_address(*request.from, socket.form(), static_cast<sockaddr*>(message->msg_name),
                    &message->msg_namelen);
    } else {
      message->msg_namelen = 0;
    }
    return count;
  });
}

int sluice_at_mark(sluice_stack* stack, int handle) {
  return with_socket<int>(stack, handle, [](Socket& socket) { return socket.at_mark(); });
}

int sluice_shutdown(sluice_stack* stack, int handle, int how) {
  return with_socket<int>(stack, handle, [&](Socket& socket) { return socket.shutdown(how); });
}

int sluice_close(sluice_stack* stack, int handle) {
  return with_socket<int>(stack, handle, [&](Socket& socket) {
    stack->stack.close(socket);
    return 0;
  });
}

int sluice_getsockname(sluice_stack* stack, int handle, struct sockaddr* address,
                       socklen_t* length) {
  return with_socket<int>(stack, handle, [&](Socket& socket) {
    SocketAddress name;
    return give_name(socket.local_name(name), name, socket, address, length);
  });
}

int sluice_getpeername(sluice_stack* stack, int handle, struct sockaddr* address,
                       socklen_t* length) {
  return with_socket<int>(stack, handle, [&](Socket& socket) {
    SocketAddress name;
    return give_name(socket.peer_name(name), name, socket, address, length);
  });
}

int sluice_setsockopt(sluice_stack* stack, int handle, int level, int name, const void* value,
                      socklen_t length) {
  return with_socket<int>(stack, handle, [&](Socket& socket) {
    if ((value == nullptr && length > 0) || length > INT_MAX) return -EINVAL;
    return socket.set_option(level, name, {static_cast<const std::uint8_t*>(value), length});
  });
}

int sluice_getsockopt(sluice_stack* stack, int handle, int level, int name, void* value,
                      socklen_t* length) {
  return with_socket<int>(stack, handle, [&](Socket& socket) {
    if (value == nullptr || length == nullptr || *length > INT_MAX) return -EINVAL;
    MutableBytes room(static_cast<std::uint8_t*>(value), *length);
    const int error = socket.get_option(level, name, room);
    if (error == 0) *length = static_cast<socklen_t>(room.size());
    return error;
  });
}

int sluice_tcp_info(sluice_stack* stack, int handle, struct sluice_tcp_info* info) {
  return with_socket<int>(stack, handle, [&](Socket& socket) {
    if (!is_usable(info)) return -EINVAL;
    struct sluice_tcp_info ours {};
    const int error = socket.tell_tcp(ours);
    if (error == 0) give(info, ours);
    return error;
  });
}

int sluice_ready(sluice_stack* stack, int handle) {
  return with_socket<int>(stack, handle, [](Socket& socket) { return socket.ready(); });
}

int sluice_set_callback(sluice_stack* stack, int handle, sluice_callback callback, void* context) {
  return with_socket<int>(stack, handle, [&](Socket& socket) {
    socket.set_callback(callback, context);
    return 0;
  });
}

}  // extern "C"

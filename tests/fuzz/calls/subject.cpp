#include "tests/fuzz/calls/subject.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "tests/support/allocations.hpp"

namespace sluice::calls {
namespace {

using test::allocations;

// What sluice.h promises, call by call.
constexpr int kSocket[] = {EAFNOSUPPORT, ESOCKTNOSUPPORT, EPROTONOSUPPORT, EMFILE};
constexpr int kBind[] = {EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT};
constexpr int kListen[] = {EADDRINUSE, EOPNOTSUPP};
constexpr int kAccept[] = {EAGAIN, EOPNOTSUPP, EMFILE};
constexpr int kConnect[] = {EINPROGRESS, EALREADY,     ECONNREFUSED, ETIMEDOUT,     EHOSTUNREACH,
                            ENETUNREACH, ECONNRESET,   EISCONN,      EADDRNOTAVAIL, EADDRINUSE,
                            ENOBUFS,     EAFNOSUPPORT, ECONNABORTED, EOPNOTSUPP,    ENOPROTOOPT,
                            EHOSTDOWN,   ENONET,       EACCES,       EPROTO,        EPIPE};
constexpr int kNotConnected[] = {ENOTCONN};
constexpr int kSetOption[] = {ENOPROTOOPT, ENOENT, EISCONN, ENOTCONN, EDOM};
constexpr int kGetOption[] = {ENOPROTOOPT, ENOTCONN};
constexpr int kTcpInfo[] = {EOPNOTSUPP};
constexpr int kOutput[] = {EMSGSIZE};

std::string text_of(const sockaddr_storage& address) {
  char name[INET6_ADDRSTRLEN] = "";
  std::uint16_t port = 0;
  if (address.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &in.sin_addr, name, sizeof name);
    port = in.sin_port;
  } else {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
    const bool is_mapped = IN6_IS_ADDR_V4MAPPED(&in.sin6_addr);
    inet_ntop(is_mapped ? AF_INET : AF_INET6, in.sin6_addr.s6_addr + (is_mapped ? 12 : 0), name,
              sizeof name);
    port = in.sin6_port;
  }
  return std::string(name) + " " + std::to_string(ntohs(port));
}

}  // namespace

Subject::Subject(Shared& shared, std::uint32_t number, const sluice_config& config)
    : shared_(shared), number_(number), config_(config), addresses_(config.addresses) {
  config_.addresses = addresses_.c_str();
  const int error = sluice_stack_create(&config_, &stack_);
  if (error != 0) fail(std::string("no stack was made: ") + sluice_config_problem(&config_));
}

Subject::~Subject() {
  sluice_stack_destroy(stack_);
}

std::int64_t Subject::call(const Call& facts, std::span<const int> errors,
                           const std::function<std::int64_t()>& work) {
  const bool refuses = shared_.chance.chance(shared_.memory_refusals);
  shared_.trail.refuses_memory(refuses);
  if (refuses) allocations.until_refusal = shared_.chance.below(4);
  Call made = facts;
  made.result = work();
  allocations.until_refusal = UINT64_MAX;
  made.stack = number_;
  made.now_ns = shared_.now_ns;
  shared_.trail.refuses_memory(refuses);
  shared_.trail.judge(made, errors);
  return made.result;
}

// A handle means something exactly if this stack gave it, and it was not closed.
void Subject::expect_known(int handle, std::int64_t result) {
  const bool is_known = sockets_.contains(handle);
  if (is_known && result == -EBADF) fail("an open handle is unknown");
  if (!is_known && result != -EBADF) fail("a handle that is not open works");
}

// --- packets and time -------------------------------------------------------------------------

int Subject::input(const Text& packet, const sluice_offload* offload) {
  const auto size = static_cast<std::int64_t>(packet.size());
  const bool is_inside = is_in_callback();
  Exact exact(packet.size());
  std::ranges::copy(packet, exact.data());
  const std::uint8_t* const bytes = exact.data();
  const std::int64_t result =
      call({.name = "input", .handle = size, .second = offload != nullptr}, {}, [&] {
        return offload == nullptr
                   ? sluice_input(stack_, bytes, packet.size(), shared_.now_ns)
                   : sluice_input_offload(stack_, bytes, packet.size(), offload, shared_.now_ns);
      });
  if (is_inside != (result == -EBUSY))
    fail("input is for the outside of callbacks, and only there");
  return static_cast<int>(result);
}

Text Subject::output(std::size_t capacity, sluice_offload* offload, ssize_t& result) {
  Exact buffer(capacity);
  const bool is_inside = is_in_callback();
  result = call({.name = "output", .handle = static_cast<std::int64_t>(capacity)}, kOutput, [&] {
    return offload == nullptr
               ? sluice_output(stack_, buffer.data(), capacity, shared_.now_ns)
               : sluice_output_offload(stack_, buffer.data(), capacity, offload, shared_.now_ns);
  });
  if (is_inside != (result == -EBUSY)) {
    fail("output is for the outside of callbacks, and only there");
  }
  if (result <= 0) return {};
  if (static_cast<std::size_t>(result) > capacity) fail("output is longer than its buffer");
  return {buffer.data(), buffer.data() + result};
}

int Subject::advance() {
  const bool is_inside = is_in_callback();
  const std::int64_t result =
      call({.name = "advance"}, {}, [&] { return sluice_advance(stack_, shared_.now_ns); });
  if (is_inside != (result == -EBUSY)) {
    fail("advance is for the outside of callbacks, and only there");
  }
  return static_cast<int>(result);
}

std::uint64_t Subject::next_deadline() {
  std::uint64_t deadline = 0;
  call({.name = "next_deadline"}, {}, [&] {
    deadline = sluice_next_deadline(stack_);
    return 0;
  });
  return deadline;
}

void Subject::check_stats() {
  sluice_stats stats{};
  stats.size = sizeof stats;
  call({.name = "stack_stats"}, {}, [&] { return sluice_stack_stats(stack_, &stats); });
  if (stats.sockets != sockets_.size()) fail("the count of sockets is wrong");
  if (stats.connections > config_.max_connections) fail("more connections than there may be");
  if (stats.time_waits > config_.max_time_waits) fail("more TIME-WAITs than there may be");
  const bool goes_back =
      stats.packets_in < last_stats_.packets_in || stats.packets_out < last_stats_.packets_out ||
      stats.packets_dropped < last_stats_.packets_dropped ||
      stats.bytes_in < last_stats_.bytes_in || stats.bytes_out < last_stats_.bytes_out ||
      stats.segments_in < last_stats_.segments_in || stats.segments_out < last_stats_.segments_out;
  if (goes_back) fail("a count goes back");
  last_stats_ = stats;
}

// --- sockets
// --------------------------------------------------------------------------------------

int Subject::socket(int domain, int type, int protocol) {
  const auto handle = static_cast<int>(
      call({.name = "socket", .handle = domain, .second = type, .third = protocol}, kSocket,
           [&] { return sluice_socket(stack_, domain, type, protocol); }));
  if (handle < 0) return handle;
  int smallest = 0;
  while (sockets_.contains(smallest)) ++smallest;
  if (handle != smallest) fail("a new handle is not the smallest that is free");
  sockets_[handle] = Known{.domain = domain, .type = type & 0xf};
  return handle;
}

int Subject::bind(int handle, const sockaddr* address, socklen_t length) {
  const std::int64_t result = call({.name = "bind", .handle = handle, .second = length}, kBind,
                                   [&] { return sluice_bind(stack_, handle, address, length); });
  expect_known(handle, result);
  return static_cast<int>(result);
}

int Subject::listen(int handle, int backlog) {
  const std::int64_t result = call({.name = "listen", .handle = handle, .second = backlog}, kListen,
                                   [&] { return sluice_listen(stack_, handle, backlog); });
  expect_known(handle, result);
  if (result == 0) sockets_.at(handle).listens = true;
  return static_cast<int>(result);
}

int Subject::accept(int handle, sockaddr* address, socklen_t* length) {
  const std::int64_t result = call({.name = "accept", .handle = handle}, kAccept,
                                   [&] { return sluice_accept(stack_, handle, address, length); });
  expect_known(handle, result);
  const auto accepted = static_cast<int>(result);
  if (accepted < 0) return accepted;
  if (sockets_.contains(accepted)) fail("accept returned a handle that is in use");
  sockets_[accepted] =
      Known{.domain = sockets_[handle].domain, .type = SOCK_STREAM, .may_be_connected = true};
  return accepted;
}

// Streams end where another connection may begin.
void Subject::begin_streams(int handle) {
  Known& known = sockets_.at(handle);
  known = Known{.domain = known.domain, .type = known.type};
}

int Subject::connect(int handle, const sockaddr* address, socklen_t length) {
  const std::int64_t result =
      call({.name = "connect", .handle = handle, .second = length}, kConnect,
           [&] { return sluice_connect(stack_, handle, address, length); });
  expect_known(handle, result);
  const bool is_reset = result == 0 && address->sa_family == AF_UNSPEC;
  if (result == -EINPROGRESS || is_reset) begin_streams(handle);
  if (result == -EINPROGRESS) sockets_.at(handle).may_be_connected = true;
  return static_cast<int>(result);
}

int Subject::shutdown(int handle, int how) {
  const std::int64_t result =
      call({.name = "shutdown", .handle = handle, .second = how}, kNotConnected,
           [&] { return sluice_shutdown(stack_, handle, how); });
  expect_known(handle, result);
  if (result == 0 && how != SHUT_WR) sockets_.at(handle).reads_on = false;
  return static_cast<int>(result);
}

int Subject::close(int handle) {
  const std::int64_t result =
      call({.name = "close", .handle = handle}, {}, [&] { return sluice_close(stack_, handle); });
  expect_known(handle, result);
  if (result != 0 && result != -EBADF) fail("an open socket could not be closed");
  sockets_.erase(handle);
  return static_cast<int>(result);
}

int Subject::name_of(int handle, bool is_peer, sockaddr* address, socklen_t* length) {
  const std::int64_t result =
      call({.name = is_peer ? "getpeername" : "getsockname", .handle = handle}, kNotConnected, [&] {
        return is_peer ? sluice_getpeername(stack_, handle, address, length)
                       : sluice_getsockname(stack_, handle, address, length);
      });
  expect_known(handle, result);
  return static_cast<int>(result);
}

Flow Subject::flow_of(int handle) {
  sockaddr_storage local{};
  sockaddr_storage remote{};
  socklen_t local_length = sizeof local;
  socklen_t remote_length = sizeof remote;
  auto* const to_local = reinterpret_cast<sockaddr*>(&local);
  auto* const to_remote = reinterpret_cast<sockaddr*>(&remote);
  if (name_of(handle, false, to_local, &local_length) != 0) return {};
  if (name_of(handle, true, to_remote, &remote_length) != 0) return {};
  return {text_of(local), text_of(remote)};
}

std::optional<std::uint16_t> Subject::port_of(int handle) {
  sockaddr_storage local{};
  socklen_t length = sizeof local;
  if (name_of(handle, false, reinterpret_cast<sockaddr*>(&local), &length) != 0) return {};
  return ntohs(reinterpret_cast<const sockaddr_in&>(local).sin_port);
}

int Subject::set_option(int handle, int level, int name, const void* value, socklen_t length) {
  const std::int64_t result =
      call({.name = "setsockopt", .handle = handle, .second = level, .third = name}, kSetOption,
           [&] { return sluice_setsockopt(stack_, handle, level, name, value, length); });
  expect_known(handle, result);
  return static_cast<int>(result);
}

int Subject::get_option(int handle, int level, int name, void* value, socklen_t* length) {
  const std::int64_t result =
      call({.name = "getsockopt", .handle = handle, .second = level, .third = name}, kGetOption,
           [&] { return sluice_getsockopt(stack_, handle, level, name, value, length); });
  expect_known(handle, result);
  return static_cast<int>(result);
}

int Subject::ready(int handle) {
  constexpr int kAll = SLUICE_READABLE | SLUICE_WRITABLE | SLUICE_ERROR | SLUICE_HANGUP |
                       SLUICE_PRIORITY | SLUICE_PEER_CLOSED;
  const std::int64_t result =
      call({.name = "ready", .handle = handle}, {}, [&] { return sluice_ready(stack_, handle); });
  expect_known(handle, result);
  if (result > 0 && (result & ~kAll) != 0) fail("readiness of a kind that there is not");
  return static_cast<int>(result);
}

int Subject::tcp_info(int handle, std::size_t size) {
  Exact info(size);
  if (size >= sizeof size) std::memcpy(info.data(), &size, sizeof size);
  const std::int64_t result = call(
      {.name = "tcp_info", .handle = handle, .second = static_cast<std::int64_t>(size)}, kTcpInfo,
      [&] { return sluice_tcp_info(stack_, handle, info.as<struct sluice_tcp_info>()); });
  expect_known(handle, result);
  return static_cast<int>(result);
}

bool Subject::is_established(int handle) {
  struct sluice_tcp_info info {};
  info.size = sizeof info;
  call({.name = "tcp_info", .handle = handle}, kTcpInfo,
       [&] { return sluice_tcp_info(stack_, handle, &info); });
  return info.state == SLUICE_TCP_ESTABLISHED;
}

// --- callbacks
// ------------------------------------------------------------------------------------

// While a callback runs, its own memory is not refused.
class Subject::InCallback {
 public:
  explicit InCallback(Subject& subject)
      : subject_(subject), until_refusal_(std::exchange(allocations.until_refusal, UINT64_MAX)) {
    ++subject_.in_callback_;
  }
  ~InCallback() {
    --subject_.in_callback_;
    allocations.until_refusal = until_refusal_;
  }
  InCallback(const InCallback&) = delete;
  InCallback& operator=(const InCallback&) = delete;

 private:
  Subject& subject_;
  std::uint64_t until_refusal_;
};

void Subject::on_ready(sluice_stack* stack, int handle, int events, void* context) {
  Subject& subject = *static_cast<Subject*>(context);
  const InCallback inside(subject);
  if (stack != subject.stack_) subject.fail("a callback names another stack");
  if (!subject.sockets_.contains(handle)) subject.fail("a callback of a socket that is closed");
  subject.shared_.on_ready(subject, handle, events);
}

int Subject::set_callback(int handle, bool on) {
  const std::int64_t result = call(
      {.name = "set_callback", .handle = handle, .second = on}, {},
      [&] { return sluice_set_callback(stack_, handle, on ? &Subject::on_ready : nullptr, this); });
  expect_known(handle, result);
  return static_cast<int>(result);
}

}  // namespace sluice::calls

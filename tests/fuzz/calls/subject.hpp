// A stack under test: each call of the interface, judged by what its documentation promises, and
// what the caller knows of its sockets.
#pragma once

#include <cerrno>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "dataplane/sluice.h"
#include "tests/fuzz/calls/book.hpp"
#include "tests/fuzz/calls/chance.hpp"
#include "tests/fuzz/calls/trail.hpp"

namespace sluice::calls {

// What sending and receiving may fail with: what a connection ended with comes from its peer or
// path.
inline constexpr int kSendErrors[] = {
    EOPNOTSUPP, EAGAIN,       EPIPE,   ECONNRESET,   ETIMEDOUT,    EHOSTUNREACH,  ENETUNREACH,
    ENOTCONN,   EMSGSIZE,     EISCONN, EAFNOSUPPORT, ENOBUFS,      EADDRNOTAVAIL, ENOPROTOOPT,
    EHOSTDOWN,  EDESTADDRREQ, ENONET,  EACCES,       ECONNREFUSED, EPROTO};
inline constexpr int kReceiveErrors[] = {
    EOPNOTSUPP,   EAGAIN,      ENOTCONN,  ECONNRESET, ETIMEDOUT, ECONNREFUSED, ENETUNREACH,
    EHOSTUNREACH, ENOPROTOOPT, EHOSTDOWN, ENONET,     EACCES,    EPROTO,       EPIPE};

// What the caller of a socket remembers.
struct Known {
  int domain = 0;
  int type = 0;
  bool listens = false;
  bool may_be_connected = false;  // as far as its caller has heard
  std::uint64_t out = 0;          // the stream that it writes; 0: none yet
  Reader in{};
  bool reads_on = true;     // no shutdown for receiving
  bool has_corked = false;  // a datagram was sent in parts
};

class Subject;

// Shared by all stacks of a world.
struct Shared {
  Chance& chance;
  Trail& trail;
  Book& book;
  std::uint64_t now_ns;
  double memory_refusals = 0;  // of so many calls
  bool checks_bytes = true;    // nobody forges
  // A callback was made: subject, handle, events.
  std::function<void(Subject&, int, int)> on_ready;
};

class Subject {
 public:
  Subject(Shared& shared, std::uint32_t number, const sluice_config& config);
  ~Subject();
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  sluice_stack* stack() const { return stack_; }
  std::uint32_t number() const { return number_; }
  const sluice_config& config() const { return config_; }
  // Handle and socket.
  std::map<int, Known>& sockets() { return sockets_; }
  bool is_in_callback() const { return in_callback_ > 0; }

  // --- packets and time -------------------------------------------------------------------------
  int input(const Text& packet, const sluice_offload* offload);
  // One packet, or none; `offload` null: a complete one.
  Text output(std::size_t capacity, sluice_offload* offload, ssize_t& result);
  int advance();
  std::uint64_t next_deadline();
  void check_stats();

  // --- sockets: any arguments
  // ---------------------------------------------------------------------
  int socket(int domain, int type, int protocol);
  int bind(int handle, const sockaddr* address, socklen_t length);
  int listen(int handle, int backlog);
  int accept(int handle, sockaddr* address, socklen_t* length);
  int connect(int handle, const sockaddr* address, socklen_t length);
  // What is sent follows from the book, whatever the other arguments are.
  ssize_t send(int handle, std::size_t size, int flags);
  ssize_t send_pieces(int handle, std::vector<std::size_t> sizes, int flags);
  ssize_t send_to(int handle, std::size_t size, int flags, const sockaddr* to, socklen_t length);
  ssize_t receive(int handle, std::size_t size, int flags, bool with_name);
  ssize_t receive_pieces(int handle, const std::vector<std::size_t>& sizes, int flags);
  int shutdown(int handle, int how);
  int close(int handle);
  int name_of(int handle, bool is_peer, sockaddr* address, socklen_t* length);
  int set_option(int handle, int level, int name, const void* value, socklen_t length);
  int get_option(int handle, int level, int name, void* value, socklen_t* length);
  int ready(int handle);
  int set_callback(int handle, bool on);
  int tcp_info(int handle, std::size_t size);

  // Empty when it is not connected.
  Flow flow_of(int handle);
  bool is_established(int handle);
  std::optional<std::uint16_t> port_of(int handle);

  Shared& shared() { return shared_; }
  [[noreturn]] void fail(const std::string& what) const { shared_.trail.fail(what); }

 private:
  class InCallback;
  static void on_ready(sluice_stack* stack, int handle, int events, void* context);
  // Makes the call, maybe without memory, and judges what it returns.
  std::int64_t call(const Call& facts, std::span<const int> errors,
                    const std::function<std::int64_t()>& work);
  void expect_known(int handle, std::int64_t result);
  void begin_streams(int handle);
  std::size_t size_to_send(int handle, std::size_t size, int flags);
  void write_next(int handle, Exact& bytes);
  void note_end(int handle, std::int64_t result);
  void note_sent(int handle, std::size_t size, std::int64_t result, int flags);
  void note_received(int handle, const Exact& bytes, std::int64_t result, int flags,
                     bool may_be_cut);

  Shared& shared_;
  std::uint32_t number_;
  sluice_config config_;
  std::string addresses_;
  sluice_stack* stack_ = nullptr;
  std::map<int, Known> sockets_;
  sluice_stats last_stats_{};
  int in_callback_ = 0;
};

}  // namespace sluice::calls

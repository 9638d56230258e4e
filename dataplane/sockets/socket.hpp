// A socket, of whatever protocol. Calls return 0 or what they count, or a negative errno value;
// they never block. Used by one thread, as its stack.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "dataplane/sluice.h"
#include "dataplane/sockets/port_bindings.hpp"
#include "dataplane/sockets/socket_address.hpp"
#include "dataplane/sockets/socket_choices.hpp"
#include "proto/base/bytes.hpp"
#include "proto/base/intrusive_list.hpp"
#include "proto/flow.hpp"

namespace sluice::sockets {

class Stack;

using TcpInfo = struct sluice_tcp_info;

// Where bytes come from or go to; their sum fits ssize_t.
using Pieces = std::span<const iovec>;
std::size_t length_of(Pieces pieces);

struct SendRequest {
  Pieces pieces;
  int flags = 0;
  const sockaddr* to = nullptr;  // as the caller gave it; null: none
  socklen_t to_length = 0;
};

struct ReceiveRequest {
  Pieces pieces;
  int flags = 0;
  // Filled in:
  int said_flags = 0;                   // MSG_TRUNC, MSG_OOB
  std::optional<SocketAddress> from{};  // UDP
};

struct ChangedTag {};

class Socket : public ListNode<ChangedTag> {
 public:
  Socket(Stack& stack, bool is_v6) : stack_(stack), form_{is_v6, false} {}
  virtual ~Socket() { unlink(); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int bind(const SocketAddress& address);
  virtual int listen(int backlog) = 0;
  // The oldest connection that waits, and who has opened it.
  virtual int accept(std::unique_ptr<Socket>& accepted, SocketAddress& from) = 0;
  virtual int connect(const sockaddr* to, socklen_t length) = 0;
  virtual ssize_t send(const SendRequest& request) = 0;
  virtual ssize_t receive(ReceiveRequest& request) = 0;
  virtual int shutdown(int how) = 0;
  // The last call: what is still to be said goes on without it.
  virtual void close() = 0;
  virtual int local_name(SocketAddress& name) const = 0;
  virtual int peer_name(SocketAddress& name) const = 0;
  // A set of enum sluice_ready.
  virtual int ready() = 0;
  // As sockatmark() of POSIX.
  virtual int at_mark() const = 0;
  virtual int tell_tcp(TcpInfo& told) = 0;

  int set_option(int level, int name, Bytes value);
  // Fills in as much as fits, and says how much that is.
  int get_option(int level, int name, MutableBytes& value);

  const AddressForm& form() const { return form_; }
  int handle() const { return handle_; }
  void set_handle(int handle) { handle_ = handle; }

  // --- readiness, by callback (ready_events.hpp) -----------------------------------------------
  void set_callback(sluice_callback to, void* context);
  // What newly holds since it was last asked.
  int take_news();
  // What no longer holds will be news again.
  void forget_what_ended() {
    if (callback_ != nullptr) told_ &= ready();
  }
  sluice_callback callback() const { return callback_; }
  void* callback_context() const { return callback_context_; }

 protected:
  // What was chosen for the listener that took the connection.
  void inherit(const Socket& listener) {
    form_ = listener.form_;
    common_ = listener.common_;
    ipv4_ = listener.ipv4_;
    ipv6_ = listener.ipv6_;
  }
  // Completes a flow of which the remote end is given: `bound`, or the address of ours that suits
  // it; and to nowhere means to ourselves. 0 or -ENETUNREACH.
  int choose_ends(const std::optional<IpAddress>& bound, FlowKey& flow) const;
  // Something about its readiness may have changed.
  void note_change();
  // `events` are news, even if they held before.
  void tell_again(int events) {
    told_ &= ~events;
    note_change();
  }

  // --- its port -------------------------------------------------------------------------------
  virtual PortBindings& ports() const = 0;
  // Whether it is in a state to be bound.
  virtual bool may_bind() const = 0;
  // Whether the port is taken by what is no socket.
  virtual bool is_held(const Binding&) const { return false; }
  virtual void on_port() {}
  int bind_if_unbound();
  void unbind();
  // The caller's choice stays when a connection ends: the port, or the address alone.
  void unbind_if_own_choice();

  // --- what socket_options.cpp asks for --------------------------------------------------------
  virtual int type() const = 0;
  virtual int protocol() const = 0;
  virtual bool is_listening() const { return false; }
  // SO_ERROR, which is then forgotten: an errno value.
  virtual int take_error() = 0;
  virtual std::uint32_t receive_buffer_bytes() const = 0;
  virtual std::uint32_t send_buffer_bytes() const = 0;
  // Bytes of an IP packet; -ENOTCONN when it has no peer.
  virtual int path_mtu() const = 0;
  // Something was chosen.
  virtual void apply_ip() {}
  virtual void apply_buffers() {}
  virtual void apply_keepalive() {}
  virtual void apply_own_reuse() {}
  virtual void apply_inline() {}
  // Those of its protocol.
  virtual int set_own_option(int level, int name, Bytes value) = 0;
  virtual int get_own_option(int level, int name, MutableBytes& value) = 0;

  const IpChoices& ip_choices(const IpAddress& remote) const {
    return remote.is_v4() ? ipv4_ : ipv6_;
  }

  Stack& stack_;
  AddressForm form_;
  CommonChoices common_;
  IpChoices ipv4_;
  IpChoices ipv6_;
  Binding binding_;

 private:
  struct Options;
  int bind_port(Binding wanted);
  int set_linger(Bytes value);

  bool has_chosen_port_ = false;  // the caller, by bind()
  int handle_ = -1;
  sluice_callback callback_ = nullptr;
  void* callback_context_ = nullptr;
  int told_ = 0;
};

}  // namespace sluice::sockets

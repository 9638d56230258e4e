// A TCP socket: a connection of the shard with what the calls of POSIX remember beside it, or a
// listener. Semantics are those of Linux (net/ipv4/af_inet.c, tcp.c).
//
//   tcp_socket.cpp        opening and closing, and what the connection tells
//   tcp_socket_calls.cpp  send, receive, shutdown, names, readiness
#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/shard/shard.hpp"
#include "dataplane/sockets/accept_queue.hpp"
#include "dataplane/sockets/port_bindings.hpp"
#include "dataplane/sockets/socket.hpp"

namespace sluice::sockets {

class TcpSocket final : public Socket, public StreamEvents {
 public:
  TcpSocket(Stack& stack, bool is_v6) : Socket(stack, is_v6) {}
  // One that a peer has opened.
  TcpSocket(Stack& stack, const AddressForm& form, ConnectionSlot& connection);

  int bind(const SocketAddress& address) override;
  int listen(int backlog) override;
  int accept(std::unique_ptr<Socket>& accepted, SocketAddress& from) override;
  int connect(const sockaddr* to, socklen_t length) override;
  ssize_t send(const SendRequest& request) override;
  ssize_t receive(ReceiveRequest& request) override;
  int shutdown(int how) override;
  void close() override;
  int local_name(SocketAddress& name) const override;
  int peer_name(SocketAddress& name) const override;
  int ready() override;
  int set_option(int level, int name, Bytes value) override;
  int get_option(int level, int name, MutableBytes& value) override;
  int tell_tcp(TcpInfo& told) override;

  // --- for the accept queue ---------------------------------------------------------------------
  void prepare(ConnectionSlot& slot);
  std::unique_ptr<TcpSocket> make_accepted(ConnectionSlot& connection);
  void on_waiting() { note_change(); }
  // RST, and no more of it.
  void abort();

 private:
  // As Linux' enum socket_state: what connect() has to say.
  enum class Phase : std::uint8_t { unconnected, connecting, connected };

  void on_open(Stream&) override { note_change(); }
  void on_readable(Stream&) override { note_change(); }
  void on_writable(Stream&) override { note_change(); }
  void on_peer_closed(Stream&) override { note_change(); }
  void on_ended(Stream&) override { note_change(); }
  void on_closed(Stream&, CloseReason) override { note_change(); }

  tcp::State state() const;
  bool is_closed() const { return state() == tcp::State::closed; }
  void note_end();
  int take_error() { return std::exchange(error_, 0); }
  int bind_port(Binding wanted);
  void unbind();
  void stop_listening();
  int begin_connect(const SocketAddress& to);
  int finish_connect();
  std::uint16_t pick_port_to(FlowKey flow);
  void disconnect();
  void release(bool with_reset);
  int check_send();
  ssize_t nothing_to_read();
  std::uint32_t read_into(Pieces pieces);

  Phase phase_ = Phase::unconnected;
  Binding binding_;
  bool is_bound_by_caller_ = false;       // its port outlives the connection
  ConnectionSlot* connection_ = nullptr;  // kept in the shard until we let it go
  std::unique_ptr<AcceptQueue> listening_;
  bool knows_end_ = false;  // of the connection
  int error_ = 0;           // SO_ERROR: an errno value
  bool shut_receive_ = false;
  bool shut_send_ = false;
};

}  // namespace sluice::sockets

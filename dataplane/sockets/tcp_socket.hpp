// A TCP socket: a connection of the shard with what the calls of POSIX remember beside it, or a
// listener. Semantics are those of Linux (net/ipv4/af_inet.c, tcp.c).
//
//   tcp_socket.cpp        opening and closing
//   tcp_socket_calls.cpp  send, receive, shutdown, names, readiness
//   tcp_urgent.cpp        urgent data
//   tcp_options.cpp       setsockopt and getsockopt
//   tcp_report.cpp        errno values, sluice_tcp_info
#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/shard/shard.hpp"
#include "dataplane/sockets/accept_queue.hpp"
#include "dataplane/sockets/socket.hpp"

namespace sluice::sockets {

class TcpSocket final : public Socket, public StreamEvents {
 public:
  TcpSocket(Stack& stack, bool is_v6);
  // One that a peer has opened: it inherits what was chosen for `listener`.
  TcpSocket(const TcpSocket& listener, ConnectionSlot& connection);

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
  int at_mark() const override;
  int tell_tcp(TcpInfo& told) override;

  // --- for the accept queue --------------------------------------------------------------------
  void prepare(ConnectionSlot& slot) const;
  void on_waiting() { note_change(); }
  // RST, and no more of it.
  void abort();

 private:
  // As Linux' enum socket_state: what connect() has to say. Who has shut a connection down before
  // it was there is disconnecting.
  enum class Phase : std::uint8_t { unconnected, connecting, connected, disconnecting };
  struct Options;

  void on_open(Stream&) override { note_change(); }
  void on_urgent(Stream&) override { tell_again(SLUICE_PRIORITY); }
  void on_readable(Stream&) override { note_change(); }
  void on_writable(Stream&) override { note_change(); }
  void on_peer_closed(Stream&) override { note_change(); }
  void on_ended(Stream&) override { note_change(); }
  void on_closed(Stream&, CloseReason) override { note_change(); }

  int type() const override { return SOCK_STREAM; }
  int protocol() const override { return IPPROTO_TCP; }
  bool is_listening() const override { return listening_ != nullptr; }
  bool may_bind() const override { return is_closed(); }
  bool is_held(const Binding& wanted) const override;
  PortBindings& ports() const override;
  int take_error() override;
  std::uint32_t receive_buffer_bytes() const override;
  std::uint32_t send_buffer_bytes() const override;
  int path_mtu() const override;
  void apply_ip() override;
  void apply_buffers() override;
  void apply_keepalive() override;
  void apply_own_reuse() override;
  void apply_inline() override;
  int set_own_option(int level, int name, Bytes value) override;
  int get_own_option(int level, int name, MutableBytes& value) override;
  int set_congestion(Bytes value);
  void apply_ip(ConnectionSlot& slot) const;
  // Calls the connection, if there is one; 0.
  template <class Call>
  int apply(Call call) {
    if (!has_connection()) return 0;
    call(connection_->tcp);
    connection_->shard.mark_ready(*connection_);
    return 0;
  }
  Duration fin_wait_2_timeout() const;
  const tcp::Settings& settings() const;

  tcp::State state() const;
  bool is_closed() const { return state() == tcp::State::closed; }
  bool has_connection() const { return connection_ != nullptr && !is_closed(); }
  void note_end();
  // The error of a call that ends with the pending one, which is then forgotten; else `otherwise`.
  int pending_or(int otherwise);
  void stop_listening();
  int begin_connect(const SocketAddress& to);
  int finish_connect();
  std::uint16_t pick_port_to(FlowKey flow);
  void disconnect();
  void release(bool with_reset);
  int check_send();
  ssize_t nothing_to_read();
  bool is_readable() const;
  bool is_urgent() const;
  tcp::UrgentByte urgent_byte() const;
  ssize_t receive_urgent(ReceiveRequest& request);
  Slice read_on(std::size_t most, std::uint32_t count);
  std::uint32_t read_into(Pieces pieces);
  std::uint32_t peek_into(const ReceiveRequest& request) const;
  std::uint32_t skip(std::size_t most);

  TcpChoices choices_;
  Phase phase_ = Phase::unconnected;
  ConnectionSlot* connection_ = nullptr;  // kept in the shard until we let it go
  std::unique_ptr<AcceptQueue> listening_;
  bool knows_end_ = false;  // of the connection
  int error_ = 0;           // an errno value
  bool shut_receive_ = false;
  bool shut_send_ = false;
};

}  // namespace sluice::sockets

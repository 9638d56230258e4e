// A UDP socket: a DatagramEntry of the shard once it is bound, and the datagrams that wait to be
// read. Semantics are those of Linux (net/ipv4/udp.c, datagram.c).
#pragma once

#include <cerrno>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "dataplane/shard/shard.hpp"
#include "dataplane/sockets/socket.hpp"

namespace sluice::sockets {

class UdpSocket final : public Socket, public DatagramEvents {
 public:
  UdpSocket(Stack& stack, bool is_v6) : Socket(stack, is_v6) {}

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
  int at_mark() const override { return -EOPNOTSUPP; }
  int tell_tcp(TcpInfo& told) override;

 private:
  struct Waiting {
    SocketAddress from;
    Slice payload;
  };

  void on_datagram(DatagramSocket& socket, const Datagram& datagram) override;
  void on_writable(DatagramSocket&) override { note_change(); }
  void on_path_error(DatagramSocket& socket, const FlowKey& flow, tcp::PathError error,
                     std::uint32_t mtu) override;

  int type() const override { return SOCK_DGRAM; }
  int protocol() const override { return IPPROTO_UDP; }
  bool may_bind() const override { return true; }
  PortBindings& ports() const override;
  void on_port() override;
  int take_error() override { return std::exchange(error_, 0); }
  std::uint32_t receive_buffer_bytes() const override;
  std::uint32_t send_buffer_bytes() const override;
  int path_mtu() const override;
  int set_own_option(int level, int name, Bytes value) override;
  int get_own_option(int level, int name, MutableBytes& value) override;

  bool keep(const Datagram& datagram);
  int disconnect();
  int find_flow(const SendRequest& request, FlowKey& flow);
  int read_destination(const sockaddr* to, socklen_t length, SocketAddress& address) const;
  int check_length(std::size_t length, const FlowKey& flow) const;
  ssize_t send_to(const FlowKey& flow, Pieces pieces, std::size_t length);
  ssize_t cork(const SendRequest& request, std::size_t length);
  std::uint32_t mtu_to(const FlowKey& flow) const;
  std::uint32_t most_held() const { return 2 * receive_buffer_bytes(); }

  DatagramEntry* entry_ = nullptr;  // of the shard, once there is a port
  std::deque<Waiting> waiting_;
  std::uint32_t held_bytes_ = 0;      // of the frames that those pin
  std::uint32_t path_mtu_ = 0;        // to the peer; 0: nothing is known
  std::vector<std::uint8_t> corked_;  // MSG_MORE: the datagram so far ...
  std::optional<FlowKey> corked_to_;  // ... and where it will go
  int error_ = 0;                     // an errno value
  bool shut_receive_ = false;
  bool shut_send_ = false;
};

}  // namespace sluice::sockets

// What is done with a connection that is there.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dataplane/sockets/stack.hpp"
#include "dataplane/sockets/tcp_socket.hpp"

namespace sluice::sockets {
namespace {

constexpr int kSendFlags = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE | MSG_OOB;
constexpr int kReceiveFlags =
    MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL | MSG_PEEK | MSG_TRUNC | MSG_OOB;

bool is_handshaking(tcp::State state) {
  return state == tcp::State::syn_sent || state == tcp::State::syn_received;
}

}  // namespace

// --- sending -----------------------------------------------------------------------------------

// tcp_sendmsg and sk_stream_wait_connect of Linux.
int TcpSocket::check_send() {
  note_end();
  if (is_handshaking(state())) return pending_or(-EAGAIN);
  const bool can_send =
      (state() == tcp::State::established || state() == tcp::State::close_wait) && !shut_send_;
  return can_send && error_ == 0 ? 0 : pending_or(-EPIPE);
}

ssize_t TcpSocket::send(const SendRequest& request) {
  if ((request.flags & ~kSendFlags) != 0) return -EOPNOTSUPP;
  if (const int error = check_send(); error != 0) return error;
  const std::size_t offered = length_of(request.pieces);
  const bool more = (request.flags & MSG_MORE) != 0;
  const bool urgent = (request.flags & MSG_OOB) != 0;
  std::size_t taken = 0;
  for (const iovec& piece : request.pieces) {
    const Bytes bytes(static_cast<const std::uint8_t*>(piece.iov_base), piece.iov_len);
    if (bytes.empty()) continue;
    const bool is_last = taken + bytes.size() == offered;
    const std::uint32_t count =
        connection_->tcp.send(bytes, {.more = more || !is_last, .urgent = urgent});
    taken += count;
    if (count < bytes.size()) break;
  }
  stack_.shard().mark_ready(*connection_);
  forget_what_ended();
  return taken == 0 && offered > 0 ? -EAGAIN : static_cast<ssize_t>(taken);
}

// --- receiving ---------------------------------------------------------------------------------

ssize_t TcpSocket::receive(ReceiveRequest& request) {
  if ((request.flags & ~kReceiveFlags) != 0) return -EOPNOTSUPP;
  if (listening_ != nullptr) return -ENOTCONN;
  note_end();
  if ((request.flags & MSG_OOB) != 0) return receive_urgent(request);
  if (connection_ == nullptr || connection_->readable() == 0) return nothing_to_read();
  const std::size_t most = length_of(request.pieces);
  std::uint32_t count = 0;
  if ((request.flags & MSG_PEEK) != 0) {
    count = peek_into(request);
  } else {
    count = (request.flags & MSG_TRUNC) != 0 ? skip(most) : read_into(request.pieces);
    forget_what_ended();
  }
  // There may have been no more than an urgent byte that is no part of what is read.
  return count == 0 && most > 0 ? nothing_to_read() : count;
}

// In the order in which tcp_recvmsg of Linux looks.
ssize_t TcpSocket::nothing_to_read() {
  if (connection_ != nullptr && connection_->tcp.has_peer_closed()) return 0;
  if (error_ != 0) return pending_or(0);
  if (shut_receive_ || knows_end_) return 0;
  return is_closed() ? -ENOTCONN : -EAGAIN;
}

std::uint32_t TcpSocket::peek_into(const ReceiveRequest& request) const {
  const tcp::ReadableRun run = connection_->tcp.next_run();
  if ((request.flags & MSG_TRUNC) != 0) {
    return static_cast<std::uint32_t>(std::min<std::size_t>(run.length, length_of(request.pieces)));
  }
  std::uint32_t count = 0;
  for (const iovec& piece : request.pieces) {
    const std::size_t length = std::min<std::size_t>(piece.iov_len, run.length - count);
    const MutableBytes room(static_cast<std::uint8_t*>(piece.iov_base), length);
    count += connection_->tcp.peek(room, run.skipped + count);
  }
  return count;
}

// The next of at most `most` bytes, after `count`: one call does not read across the urgent mark.
Slice TcpSocket::read_on(std::size_t most, std::uint32_t count) {
  if (count > 0 && connection_->tcp.at_urgent_mark()) return {};
  return connection_->read(static_cast<std::uint32_t>(std::min<std::size_t>(most, UINT32_MAX)));
}

std::uint32_t TcpSocket::skip(std::size_t most) {
  std::uint32_t count = 0;
  while (count < most) {
    const Slice slice = read_on(most - count, count);
    if (slice.empty()) break;
    count += slice.size();
  }
  return count;
}

std::uint32_t TcpSocket::read_into(Pieces pieces) {
  std::uint32_t count = 0;
  for (const iovec& piece : pieces) {
    auto* to = static_cast<std::uint8_t*>(piece.iov_base);
    std::size_t room = piece.iov_len;
    while (room > 0) {
      const Slice slice = read_on(room, count);
      if (slice.empty()) return count;
      std::memcpy(to, slice.data(), slice.size());
      to += slice.size();
      room -= slice.size();
      count += slice.size();
    }
  }
  return count;
}

// --- closing one way ---------------------------------------------------------------------------

int TcpSocket::shutdown(int how) {
  if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return -EINVAL;
  note_end();
  const bool receive = how != SHUT_WR;
  const bool send = how != SHUT_RD;
  if (state() == tcp::State::syn_sent || (state() == tcp::State::listen && receive)) {
    disconnect();
    return 0;
  }
  if (state() == tcp::State::listen) return 0;
  if (phase_ == Phase::connecting) {
    const bool is_open = !is_closed() && !is_handshaking(state());
    phase_ = is_open ? Phase::connected : Phase::disconnecting;
  }
  const int result = is_closed() ? -ENOTCONN : 0;
  if (result == 0 && receive) connection_->tcp.stop_receiving();
  if (result == 0 && send) connection_->shutdown_send();
  shut_receive_ = shut_receive_ || receive;
  shut_send_ = shut_send_ || send;
  note_change();
  return result;
}

// --- names -------------------------------------------------------------------------------------

int TcpSocket::local_name(SocketAddress& name) const {
  if (connection_ != nullptr) {
    name = {connection_->flow_key.local, connection_->flow_key.local_port};
  } else {
    name = {binding_.address.value_or(form_.any()), binding_.port};
  }
  return 0;
}

int TcpSocket::peer_name(SocketAddress& name) const {
  if (is_closed() || connection_ == nullptr || state() == tcp::State::syn_sent) return -ENOTCONN;
  name = {connection_->flow_key.remote, connection_->flow_key.remote_port};
  return 0;
}

// --- readiness ---------------------------------------------------------------------------------

// tcp_poll of Linux.
int TcpSocket::ready() {
  if (listening_ != nullptr) return listening_->is_empty() ? 0 : SLUICE_READABLE;
  note_end();
  int ready = error_ != 0 ? SLUICE_ERROR : 0;
  const bool peer_closed = connection_ != nullptr && connection_->tcp.has_peer_closed();
  const bool no_receive = shut_receive_ || knows_end_ || peer_closed;
  const bool no_send = shut_send_ || knows_end_;
  if (is_closed() || (no_receive && no_send)) ready |= SLUICE_HANGUP;
  if (no_receive) ready |= SLUICE_READABLE | SLUICE_PEER_CLOSED;
  if (is_handshaking(state())) return ready;
  if (is_readable()) ready |= SLUICE_READABLE;
  if (is_urgent()) ready |= SLUICE_PRIORITY;
  if (is_closed() || no_send || connection_->tcp.is_writable()) ready |= SLUICE_WRITABLE;
  return ready;
}

// SO_RCVLOWAT bytes, or as many as the window lets in.
bool TcpSocket::is_readable() const {
  if (connection_ == nullptr) return false;
  const std::uint32_t readable = connection_->readable() - connection_->tcp.next_run().skipped;
  if (readable == 0 || readable >= common_.receive_low_water) return readable > 0;
  return connection_->tcp.rcv_wnd() <= connection_->tcp.snapshot().rcv_mss;
}

}  // namespace sluice::sockets

// Urgent data of a TCP socket, as tcp_recv_urg of Linux gives it.
#include <algorithm>
#include <cerrno>

#include "dataplane/sockets/stack.hpp"
#include "dataplane/sockets/tcp_socket.hpp"

namespace sluice::sockets {

using tcp::UrgentByte;

int TcpSocket::at_mark() const {
  return connection_ != nullptr && connection_->tcp.at_urgent_mark() ? 1 : 0;
}

void TcpSocket::apply_inline() {
  if (connection_ != nullptr) connection_->tcp.set_urgent_inline(common_.urgent_inline);
  note_change();
}

// RFC 9293 MUST-32: as soon as it is announced. poll() of Linux waits for the byte.
bool TcpSocket::is_urgent() const {
  const UrgentByte byte = urgent_byte();
  return byte == UrgentByte::here || (byte == UrgentByte::awaited && !settings().as_linux);
}

UrgentByte TcpSocket::urgent_byte() const {
  return connection_ == nullptr ? UrgentByte::none : connection_->tcp.urgent_byte();
}

ssize_t TcpSocket::receive_urgent(ReceiveRequest& request) {
  const bool has_none = urgent_byte() == UrgentByte::none || urgent_byte() == UrgentByte::taken;
  if (common_.urgent_inline || has_none) return -EINVAL;
  const bool peer_closed = connection_->tcp.has_peer_closed();
  if (is_closed() && !peer_closed) return -ENOTCONN;
  const auto byte = connection_->tcp.take_urgent_byte((request.flags & MSG_PEEK) != 0);
  if (!byte) return is_closed() || peer_closed || shut_receive_ ? 0 : -EAGAIN;
  forget_what_ended();
  request.said_flags |= MSG_OOB;
  const auto room = std::find_if(request.pieces.begin(), request.pieces.end(),
                                 [](const iovec& piece) { return piece.iov_len > 0; });
  if (room == request.pieces.end()) {
    request.said_flags |= MSG_TRUNC;
    return 0;
  }
  if ((request.flags & MSG_TRUNC) == 0) *static_cast<std::uint8_t*>(room->iov_base) = *byte;
  return 1;
}

}  // namespace sluice::sockets

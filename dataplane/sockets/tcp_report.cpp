// What a TCP socket says of its connection: errno values, and how it stands.
#include <algorithm>
#include <cerrno>
#include <climits>

#include "dataplane/sockets/path_errno.hpp"
#include "dataplane/sockets/stack.hpp"
#include "dataplane/sockets/tcp_socket.hpp"

namespace sluice::sockets {
namespace {

// Linux' way to say that there is no threshold.
constexpr std::uint32_t kNoThreshold = 0x7fffffff;

// tcp_reset of Linux, or RFC 9293 SA-7 and SA-8.
int error_of_reset(tcp::State state, bool as_linux) {
  if (state == tcp::State::syn_sent) return ECONNREFUSED;
  if (as_linux) return state == tcp::State::close_wait ? EPIPE : ECONNRESET;
  return state == tcp::State::syn_received ? ECONNREFUSED : ECONNRESET;
}

// What a connection's end leaves in SO_ERROR.
int error_of(const ConnectionSlot& slot, bool as_linux) {
  if (slot.tcp.was_reset()) return error_of_reset(slot.tcp.ended_in(), as_linux);
  switch (slot.tcp.close_reason()) {
    case CloseReason::none:
    case CloseReason::normal:
    case CloseReason::aborted: return 0;
    case CloseReason::reset: return ECONNRESET;
    case CloseReason::refused: return ECONNREFUSED;
    case CloseReason::timed_out: return ETIMEDOUT;
    case CloseReason::unreachable: break;
  }
  return errno_of(slot.tcp.path_error().value_or(tcp::PathError::host_unreachable),
                  slot.flow_key.remote.is_v4());
}

std::uint8_t state_number(tcp::State state) {
  switch (state) {
    case tcp::State::closed: return SLUICE_TCP_CLOSE;
    case tcp::State::listen: return SLUICE_TCP_LISTEN;
    case tcp::State::syn_sent: return SLUICE_TCP_SYN_SENT;
    case tcp::State::syn_received: return SLUICE_TCP_SYN_RECV;
    case tcp::State::established: return SLUICE_TCP_ESTABLISHED;
    case tcp::State::fin_wait_1: return SLUICE_TCP_FIN_WAIT1;
    case tcp::State::fin_wait_2: return SLUICE_TCP_FIN_WAIT2;
    case tcp::State::close_wait: return SLUICE_TCP_CLOSE_WAIT;
    case tcp::State::closing: return SLUICE_TCP_CLOSING;
    case tcp::State::last_ack: return SLUICE_TCP_LAST_ACK;
    case tcp::State::time_wait: return SLUICE_TCP_TIME_WAIT;
  }
  return SLUICE_TCP_CLOSE;
}

std::uint32_t microseconds(Duration duration) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(duration.us(), 0, UINT32_MAX));
}

std::uint32_t bounded(std::uint64_t count) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(count, UINT32_MAX));
}

void tell_sender(const tcp::Snapshot& from, TcpInfo& told) {
  told.retransmits = from.retransmits;
  told.probes = from.probes;
  told.backoff = from.backoff;
  told.rto = microseconds(from.rto);
  told.snd_mss = from.snd_mss;
  told.unacked = from.unacked;
  told.sacked = from.sacked;
  told.lost = from.lost;
  told.retrans = from.retrans;
  told.rtt = microseconds(from.rtt);
  told.rttvar = microseconds(from.rttvar);
  told.min_rtt = from.min_rtt == Duration() ? UINT32_MAX : microseconds(from.min_rtt);
  told.ssthresh = std::min(from.ssthresh, kNoThreshold);
  told.cwnd = from.cwnd;
  told.pmtu = from.pmtu;
  told.reordering = from.reordering;
  told.snd_wnd = from.snd_wnd;
  told.total_retrans = bounded(from.total_retrans);
  told.segs_out = bounded(from.segs_out);
  told.data_segs_out = bounded(from.data_segs_out);
  told.notsent_bytes = from.notsent_bytes;
  told.dsack_dups = from.dsack_dups;
  told.reord_seen = from.reord_seen;
  told.bytes_acked = from.bytes_acked;
  told.bytes_sent = from.bytes_sent;
  told.bytes_retrans = from.bytes_retrans;
  told.delivery_rate = from.delivery_rate;
  told.pacing_rate = from.pacing_rate == 0 ? UINT64_MAX : from.pacing_rate;
}

void tell_receiver(const tcp::Snapshot& from, TcpInfo& told) {
  told.ato = microseconds(from.ato);
  told.rcv_mss = from.rcv_mss;
  told.advmss = from.advmss;
  told.rcv_space = from.rcv_space;
  told.rcv_wnd = from.rcv_wnd;
  told.segs_in = bounded(from.segs_in);
  told.data_segs_in = bounded(from.data_segs_in);
  told.rcv_ooopack = from.rcv_ooopack;
  told.bytes_received = from.bytes_received;
}

}  // namespace

// Looks whether the connection has ended, and keeps why.
void TcpSocket::note_end() {
  if (connection_ == nullptr || knows_end_) return;
  if (connection_->tcp.close_reason() == CloseReason::none) return;
  knows_end_ = true;
  error_ = error_of(*connection_, settings().as_linux);
}

int TcpSocket::pending_or(int otherwise) {
  const int error = std::exchange(error_, 0);
  return error != 0 ? -error : otherwise;
}

// Of a connection that lives, also what ICMP has said meanwhile: Linux' sk_err_soft.
int TcpSocket::take_error() {
  note_end();
  if (error_ != 0 || !has_connection()) return std::exchange(error_, 0);
  const auto soft = connection_->tcp.take_path_error();
  return soft ? errno_of(*soft, connection_->flow_key.remote.is_v4()) : 0;
}

int TcpSocket::tell_tcp(TcpInfo& told) {
  if (connection_ != nullptr) {
    const tcp::Snapshot from = connection_->tcp.snapshot();
    told.ca_state = static_cast<std::uint8_t>(from.ca_state);
    told.options = static_cast<std::uint8_t>(
        (from.timestamps ? SLUICE_TCP_TIMESTAMPS : 0) | (from.sack ? SLUICE_TCP_SACK : 0) |
        (from.window_scaling ? SLUICE_TCP_WSCALE : 0) | (from.ecn ? SLUICE_TCP_ECN : 0));
    told.snd_wscale = from.snd_wscale;
    told.rcv_wscale = from.rcv_wscale;
    tell_sender(from, told);
    tell_receiver(from, told);
  }
  if (listening_ != nullptr) {  // as Linux uses these two
    told.unacked = listening_->waiting();
    told.sacked = listening_->most_waiting();
  }
  told.state = state_number(state());
  return 0;
}

std::uint32_t TcpSocket::receive_buffer_bytes() const {
  if (has_connection()) return connection_->tcp.receive_buffer_bytes();
  return common_.receive_buffer != 0 ? common_.receive_buffer
                                     : settings().initial_receive_buffer_bytes;
}

std::uint32_t TcpSocket::send_buffer_bytes() const {
  if (has_connection()) return connection_->tcp.send_buffer_bytes();
  return common_.send_buffer != 0 ? common_.send_buffer : settings().initial_send_buffer_bytes;
}

int TcpSocket::path_mtu() const {
  if (!has_connection()) return -ENOTCONN;
  const bool is_agreed = tcp::is_synchronized(state());
  return static_cast<int>(is_agreed ? connection_->tcp.snapshot().pmtu
                                    : stack_.options().shard.mtu);
}

}  // namespace sluice::sockets

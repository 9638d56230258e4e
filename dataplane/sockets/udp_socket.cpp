#include "dataplane/sockets/udp_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <new>

#include "dataplane/sockets/path_errno.hpp"
#include "dataplane/sockets/stack.hpp"

namespace sluice::sockets {
namespace {

constexpr int kSendFlags = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE;
constexpr int kReceiveFlags = MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL | MSG_PEEK | MSG_TRUNC;

// As Linux' net.core.rmem_default and wmem_default, which count twice what a caller would ask for.
constexpr std::uint32_t kDefaultBuffer = 212'992 / 2;
constexpr std::uint32_t kMaxPacket = 65'535;
constexpr std::uint32_t kLeastMtuV4 = 68;
constexpr std::uint32_t kLeastMtuV6 = 1280;

void copy_out(Bytes from, Pieces to) {
  for (const iovec& piece : to) {
    const std::size_t count = std::min(from.size(), piece.iov_len);
    if (count > 0) std::memcpy(piece.iov_base, from.data(), count);
    from = from.subspan(count);
  }
}

void copy_in(Pieces from, std::uint8_t* to) {
  for (const iovec& piece : from) {
    if (piece.iov_len > 0) std::memcpy(to, piece.iov_base, piece.iov_len);
    to += piece.iov_len;
  }
}

}  // namespace

// --- its port -----------------------------------------------------------------------------------

PortBindings& UdpSocket::ports() const {
  return stack_.udp_ports();
}

void UdpSocket::on_port() {
  entry_ = &stack_.shard().bind({binding_.address, binding_.port, binding_.family}, *this);
}

int UdpSocket::listen(int /*backlog*/) {
  return -EOPNOTSUPP;
}

int UdpSocket::accept(std::unique_ptr<Socket>& /*accepted*/, SocketAddress& /*from*/) {
  return -EOPNOTSUPP;
}

// Linux reads an AF_INET address for a socket of AF_INET6 as well, and AF_UNSPEC as AF_INET.
int UdpSocket::read_destination(const sockaddr* to, socklen_t length,
                                SocketAddress& address) const {
  sockaddr_in in;
  if (to == nullptr || length < sizeof in) return -EINVAL;
  std::memcpy(&in, to, sizeof in);
  if (in.sin_family != (form_.is_v6 ? AF_INET : AF_UNSPEC)) {
    return read_address(to, length, form_, address);
  }
  in.sin_family = AF_INET;
  return read_address(reinterpret_cast<const sockaddr*>(&in), sizeof in, AddressForm(), address);
}

int UdpSocket::connect(const sockaddr* to, socklen_t length) {
  if (is_unspecified_family(to, length)) return disconnect();
  SocketAddress address;
  if (const int error = read_destination(to, length, address); error != 0) return error;
  if (form_.v6_only && address.address.is_v4()) return -ENETUNREACH;
  if (address.address.is_broadcast()) return -EACCES;
  FlowKey flow{IpAddress(), address.address, 0, address.port};
  if (const int error = choose_ends(binding_.address, flow); error != 0) return error;
  if (const int error = bind_if_unbound(); error != 0) {
    return error == -EADDRINUSE ? -EAGAIN : error;
  }
  flow.local_port = binding_.port;
  entry_->peer = flow;
  path_mtu_ = 0;
  return 0;
}

int UdpSocket::disconnect() {
  if (entry_ != nullptr) entry_->peer.reset();
  path_mtu_ = 0;
  return 0;
}

void UdpSocket::close() {
  if (entry_ != nullptr) stack_.shard().unbind(*entry_);
  unbind();
}

// --- sending ------------------------------------------------------------------------------------

ssize_t UdpSocket::send(const SendRequest& request) {
  const std::size_t length = length_of(request.pieces);
  if (length > kMaxPacket) return -EMSGSIZE;
  if ((request.flags & ~kSendFlags) != 0) return -EOPNOTSUPP;
  if (corked_to_ || (request.flags & MSG_MORE) != 0) return cork(request, length);
  FlowKey flow;
  if (const int error = find_flow(request, flow); error != 0) return error;
  return send_to(flow, request.pieces, length);
}

int UdpSocket::find_flow(const SendRequest& request, FlowKey& flow) {
  SocketAddress to;
  if (request.to != nullptr) {
    const int error = read_destination(request.to, request.to_length, to);
    if (error != 0) return error;
    if (to.port == 0) return -EINVAL;
  } else if (entry_ != nullptr && entry_->peer) {
    flow = *entry_->peer;
    return 0;
  } else {
    return -EDESTADDRREQ;
  }
  if (to.address.is_broadcast()) return -EACCES;
  if (form_.v6_only && to.address.is_v4()) return -ENETUNREACH;
  flow = {IpAddress(), to.address, 0, to.port};
  if (const int error = choose_ends(binding_.address, flow); error != 0) return error;
  if (const int error = bind_if_unbound(); error != 0) return -EAGAIN;
  flow.local_port = binding_.port;
  return 0;
}

// MSG_MORE: one datagram of several calls. The first says where it goes.
ssize_t UdpSocket::cork(const SendRequest& request, std::size_t length) {
  FlowKey flow;
  if (corked_to_) {
    flow = *corked_to_;
  } else if (const int error = find_flow(request, flow); error != 0) {
    return error;
  }
  if (const int error = check_length(corked_.size() + length, flow); error != 0) return error;
  const std::size_t before = corked_.size();
  corked_.resize(before + length);
  copy_in(request.pieces, corked_.data() + before);
  corked_to_ = flow;
  if ((request.flags & MSG_MORE) != 0) return static_cast<ssize_t>(length);
  const iovec whole{corked_.data(), corked_.size()};
  const ssize_t sent = send_to(flow, Pieces(&whole, 1), corked_.size());
  corked_.clear();
  corked_to_.reset();
  return sent < 0 ? sent : static_cast<ssize_t>(length);
}

std::uint32_t UdpSocket::mtu_to(const FlowKey& flow) const {
  const std::uint32_t ours = stack_.options().shard.mtu;
  const bool is_known = path_mtu_ != 0 && entry_->peer == flow;
  return is_known && !ip_choices(flow.remote).ignores_path() ? std::min(ours, path_mtu_) : ours;
}

int UdpSocket::check_length(std::size_t length, const FlowKey& flow) const {
  const int discover = ip_choices(flow.remote).mtu_discover;
  const bool may_fragment = discover < IP_PMTUDISC_DO || discover == IP_PMTUDISC_OMIT;
  const std::size_t most = may_fragment ? kMaxPacket : mtu_to(flow);
  return length + wire::ip_header_length(flow.remote) + wire::kUdpHeader > most ? -EMSGSIZE : 0;
}

ssize_t UdpSocket::send_to(const FlowKey& flow, Pieces pieces, std::size_t length) {
  if (const int error = check_length(length, flow); error != 0) return error;
  if (error_ != 0) return -take_error();
  if (shut_send_) return -EPIPE;
  Slice payload = stack_.shard().room_for(static_cast<std::uint32_t>(length));
  if (payload.size() < length) return -ENOBUFS;
  if (length > 0) copy_in(pieces, payload.frame()->data);
  const IpChoices& choices = ip_choices(flow.remote);
  const int usual = stack_.options().shard.hop_limit;
  entry_->hop_limit =
      static_cast<std::uint8_t>(choices.hop_limit == -1 ? usual : choices.hop_limit);
  entry_->traffic_class = choices.traffic_class;
  entry_->dont_fragment = choices.dont_fragment() || choices.mtu_discover == IP_PMTUDISC_PROBE;
  entry_->mtu = mtu_to(flow);
  const bool sent = entry_->send(flow, std::move(payload));
  forget_what_ended();
  return sent ? static_cast<ssize_t>(length) : -EAGAIN;
}

// --- receiving ----------------------------------------------------------------------------------

void UdpSocket::on_datagram(DatagramSocket& /*socket*/, const Datagram& datagram) {
  const Frame& frame = *datagram.payload.frame();
  // A reader who is late must not take the last memory from all others.
  if (held_bytes_ > most_held() || frame.home->is_scarce() || !keep(datagram)) {
    stack_.shard().count_drop(DropReason::out_of_memory);
    return;
  }
  held_bytes_ += frame.capacity;
  note_change();
}

// False without memory.
bool UdpSocket::keep(const Datagram& datagram) {
  try {
    waiting_.push_back({{datagram.flow.remote, datagram.flow.remote_port}, datagram.payload});
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

ssize_t UdpSocket::receive(ReceiveRequest& request) {
  if ((request.flags & ~kReceiveFlags) != 0) return -EOPNOTSUPP;
  if (error_ != 0) return -take_error();
  if (waiting_.empty()) return -EAGAIN;
  const Waiting& first = waiting_.front();
  const std::size_t room = length_of(request.pieces);
  const std::size_t whole = first.payload.size();
  copy_out(first.payload.bytes(), request.pieces);
  request.from = first.from;
  if (whole > room) request.said_flags |= MSG_TRUNC;
  if ((request.flags & MSG_PEEK) == 0) {
    held_bytes_ -= first.payload.frame()->capacity;
    waiting_.pop_front();
    forget_what_ended();
  }
  const bool says_whole = (request.flags & MSG_TRUNC) != 0;
  return static_cast<ssize_t>(says_whole ? whole : std::min(whole, room));
}

// __udp4_lib_err of Linux: only a connected socket hears of it.
void UdpSocket::on_path_error(DatagramSocket& /*socket*/, const FlowKey& flow, tcp::PathError error,
                              std::uint32_t mtu) {
  if (!entry_->peer) return;
  const IpChoices& choices = ip_choices(flow.remote);
  const bool v4 = flow.remote.is_v4();
  bool is_told = is_fatal(error);
  if (error == tcp::PathError::packet_too_big) {
    const std::uint32_t least = v4 ? kLeastMtuV4 : kLeastMtuV6;
    if (choices.believes_routers()) path_mtu_ = std::max(mtu, least);
    is_told = choices.mtu_discover != IP_PMTUDISC_DONT;
  }
  if (!is_told) return;
  error_ = errno_of(error, v4);
  note_change();
}

// --- the rest -----------------------------------------------------------------------------------

// Without a peer it is an error, and done.
int UdpSocket::shutdown(int how) {
  if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return -EINVAL;
  shut_receive_ = shut_receive_ || how != SHUT_WR;
  shut_send_ = shut_send_ || how != SHUT_RD;
  note_change();
  return entry_ != nullptr && entry_->peer ? 0 : -ENOTCONN;
}

int UdpSocket::local_name(SocketAddress& name) const {
  const bool is_connected = entry_ != nullptr && entry_->peer;
  const IpAddress any = form_.any();
  name = {is_connected ? entry_->peer->local : binding_.address.value_or(any), binding_.port};
  return 0;
}

int UdpSocket::peer_name(SocketAddress& name) const {
  if (entry_ == nullptr || !entry_->peer) return -ENOTCONN;
  name = {entry_->peer->remote, entry_->peer->remote_port};
  return 0;
}

// datagram_poll of Linux.
int UdpSocket::ready() {
  int ready = error_ != 0 ? SLUICE_ERROR : 0;
  if (shut_receive_) ready |= SLUICE_READABLE | SLUICE_PEER_CLOSED;
  if (shut_receive_ && shut_send_) ready |= SLUICE_HANGUP;
  if (!waiting_.empty()) ready |= SLUICE_READABLE;
  if (stack_.shard().datagram_room() > 0) ready |= SLUICE_WRITABLE;
  return ready;
}

int UdpSocket::tell_tcp(TcpInfo& /*told*/) {
  return -EOPNOTSUPP;
}

std::uint32_t UdpSocket::receive_buffer_bytes() const {
  return common_.receive_buffer != 0 ? common_.receive_buffer : kDefaultBuffer;
}

std::uint32_t UdpSocket::send_buffer_bytes() const {
  return common_.send_buffer != 0 ? common_.send_buffer : kDefaultBuffer;
}

int UdpSocket::path_mtu() const {
  const bool is_connected = entry_ != nullptr && entry_->peer;
  return is_connected ? static_cast<int>(mtu_to(*entry_->peer)) : -ENOTCONN;
}

int UdpSocket::set_own_option(int /*level*/, int /*name*/, Bytes /*value*/) {
  return -ENOPROTOOPT;
}

int UdpSocket::get_own_option(int /*level*/, int /*name*/, MutableBytes& /*value*/) {
  return -ENOPROTOOPT;
}

}  // namespace sluice::sockets

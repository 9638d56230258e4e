#include "dataplane/sockets/tcp_socket.hpp"

#include <algorithm>
#include <cerrno>

#include "dataplane/sockets/stack.hpp"

namespace sluice::sockets {
namespace {

constexpr int kMostWaiting = 4096;              // as Linux' net.core.somaxconn
constexpr std::uint32_t kLeastHalfOpen = 1024;  // a small backlog is no reason to refuse a SYN

// Peers that never finish their handshake leave room for those that do, and for our own.
std::uint32_t most_half_open(std::uint32_t most_waiting, std::uint32_t max_connections) {
  const std::uint32_t wanted = std::max(most_waiting, kLeastHalfOpen);
  return std::min(wanted, std::max(max_connections / 2, 1U));
}

int error_of(ConnectProblem problem) {
  switch (problem) {
    case ConnectProblem::none: return 0;
    case ConnectProblem::no_local_address:
    case ConnectProblem::no_local_port:
    case ConnectProblem::local_port_in_use:
    case ConnectProblem::flow_exists: return -EADDRNOTAVAIL;
    case ConnectProblem::bad_remote_address:
    case ConnectProblem::stopping: return -ENETUNREACH;
    case ConnectProblem::memory_short:
    case ConnectProblem::connection_limit: return -ENOBUFS;
  }
  return -EINVAL;
}

// Whether there is a peer to whom the end of a connection comes as a surprise, or would have been
// (Linux' tcp_disconnect).
bool is_torn_down(tcp::State state) {
  switch (state) {
    case tcp::State::closed:
    case tcp::State::listen:
    case tcp::State::closing:
    case tcp::State::last_ack:
    case tcp::State::time_wait: return false;
    case tcp::State::syn_sent:
    case tcp::State::syn_received:
    case tcp::State::established:
    case tcp::State::fin_wait_1:
    case tcp::State::fin_wait_2:
    case tcp::State::close_wait: break;
  }
  return true;
}

}  // namespace

TcpSocket::TcpSocket(Stack& stack, bool is_v6) : Socket(stack, is_v6), choices_(settings()) {}

TcpSocket::TcpSocket(const TcpSocket& listener, ConnectionSlot& connection)
    : Socket(listener.stack_, listener.form_.is_v6),
      choices_(listener.choices_),
      phase_(Phase::connected),
      connection_(&connection) {
  inherit(listener);
  connection.is_kept = true;
}

const tcp::Settings& TcpSocket::settings() const {
  return stack_.options().shard.tcp;
}

tcp::State TcpSocket::state() const {
  if (listening_ != nullptr) return tcp::State::listen;
  return connection_ == nullptr ? tcp::State::closed : connection_->tcp.state();
}

// --- bound to a port ---------------------------------------------------------------------------

// By a connection that has no socket any more, or by one in TIME-WAIT.
bool TcpSocket::is_held(const Binding& wanted) const {
  bool held = false;
  stack_.shard().for_each_local([&](const FlowKey& flow, bool shares) {
    if (flow.local_port != wanted.port) return;
    held = held || !wanted.may_join({flow.local, Family::both, flow.local_port, shares, false});
  });
  return held;
}

PortBindings& TcpSocket::ports() const {
  return stack_.tcp_ports();
}

// --- listening ---------------------------------------------------------------------------------

int TcpSocket::listen(int backlog) {
  if (phase_ != Phase::unconnected || (!is_closed() && listening_ == nullptr)) return -EINVAL;
  const auto most =
      static_cast<std::uint32_t>(backlog < 0 || backlog > kMostWaiting ? kMostWaiting : backlog);
  if (listening_ != nullptr) {
    listening_->set_most_waiting(most);
    return 0;
  }
  if (const int error = bind_if_unbound(); error != 0) return error;
  if (ports().conflicts(binding_)) return -EADDRINUSE;
  ListenOptions options;
  options.address = binding_.address;
  options.port = binding_.port;
  options.family = binding_.family;
  options.backlog = most_half_open(most, stack_.options().shard.max_connections);
  listening_ = std::make_unique<AcceptQueue>(stack_.shard(), *this, options, most);
  binding_.listens = true;
  note_change();
  return 0;
}

void TcpSocket::stop_listening() {
  if (listening_ == nullptr) return;
  listening_->close();
  listening_.reset();
  binding_.listens = false;
}

int TcpSocket::accept(std::unique_ptr<Socket>& accepted, SocketAddress& from) {
  if (listening_ == nullptr) return -EINVAL;
  if (listening_->is_empty()) return -EAGAIN;
  std::unique_ptr<TcpSocket> oldest = listening_->take();
  from = {oldest->connection_->flow_key.remote, oldest->connection_->flow_key.remote_port};
  accepted = std::move(oldest);
  forget_what_ended();
  return 0;
}

// --- connecting --------------------------------------------------------------------------------

int TcpSocket::connect(const sockaddr* to, socklen_t length) {
  if (to == nullptr || length < sizeof to->sa_family) return -EINVAL;
  if (is_unspecified_family(to, length)) {
    disconnect();
    return 0;
  }
  note_end();
  switch (phase_) {
    case Phase::connected: return -EISCONN;
    case Phase::connecting: return finish_connect();
    case Phase::disconnecting: return -EINVAL;
    case Phase::unconnected: break;
  }
  if (!is_closed()) return -EISCONN;
  SocketAddress address;
  if (const int error = read_address(to, length, form_, address); error != 0) return error;
  return begin_connect(address);
}

int TcpSocket::finish_connect() {
  switch (state()) {
    case tcp::State::syn_sent:
    case tcp::State::syn_received: return -EALREADY;
    case tcp::State::closed: {
      const int error = std::exchange(error_, 0);
      disconnect();
      error_ = 0;
      return error != 0 ? -error : -ECONNABORTED;
    }
    case tcp::State::listen:
    case tcp::State::established:
    case tcp::State::fin_wait_1:
    case tcp::State::fin_wait_2:
    case tcp::State::close_wait:
    case tcp::State::closing:
    case tcp::State::last_ack:
    case tcp::State::time_wait: break;
  }
  phase_ = Phase::connected;
  return 0;
}

int TcpSocket::begin_connect(const SocketAddress& to) {
  Shard& shard = stack_.shard();
  if (form_.v6_only && to.address.is_v4()) return -ENETUNREACH;
  FlowKey flow{IpAddress(), to.address, binding_.port, to.port};
  if (const int error = choose_ends(binding_.address, flow); error != 0) return error;
  if (flow.local_port == 0) flow.local_port = pick_port_to(flow);
  ConnectProblem problem = ConnectProblem::none;
  ConnectionSlot* const slot = shard.claim(flow, *this, problem);
  if (slot == nullptr) return error_of(problem);
  if (connection_ != nullptr) release(false);
  slot->is_kept = true;
  connection_ = slot;
  knows_end_ = false;
  error_ = 0;
  prepare(*slot);
  shard.open(*slot);
  phase_ = Phase::connecting;
  return -EINPROGRESS;
}

// RFC 6056: among those that no socket is bound to.
std::uint16_t TcpSocket::pick_port_to(FlowKey flow) {
  return pick_port(stack_.rng(), stack_.options().ports, [&](std::uint16_t port) {
    flow.local_port = port;
    return !stack_.tcp_ports().is_used(port) && !stack_.shard().is_known(flow);
  });
}

// --- the end -----------------------------------------------------------------------------------

// Back to where a new socket is, but for its options and the port that its caller has chosen.
void TcpSocket::disconnect() {
  note_end();
  const tcp::State was = state();
  stop_listening();
  if (connection_ != nullptr) release(true);
  if (is_torn_down(was)) error_ = ECONNRESET;
  unbind_if_own_choice();
  phase_ = Phase::unconnected;
  shut_receive_ = shut_send_ = false;
  note_change();
}

// Lets the connection end on its own.
void TcpSocket::release(bool with_reset) {
  ConnectionSlot& slot = *std::exchange(connection_, nullptr);
  slot.events = &stack_.nobody();
  if (with_reset) {
    slot.abort();
  } else {
    slot.close();
  }
  stack_.shard().let_go(slot);
}

void TcpSocket::abort() {
  if (connection_ != nullptr) release(true);
}

void TcpSocket::close() {
  stop_listening();
  const bool gives_up = common_.lingers && common_.linger_seconds == 0;
  // Without a socket nobody waits for the peer's end.
  const bool waits_in_vain = choices_.linger2_seconds < 0 && state() == tcp::State::fin_wait_2;
  if (connection_ != nullptr) release(gives_up || waits_in_vain);
  unbind();
}

}  // namespace sluice::sockets

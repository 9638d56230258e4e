#include "dataplane/sockets/socket.hpp"

#include <cerrno>
#include <numeric>
#include <utility>

#include "dataplane/sockets/stack.hpp"

namespace sluice::sockets {

std::size_t length_of(Pieces pieces) {
  return std::accumulate(pieces.begin(), pieces.end(), std::size_t{0},
                         [](std::size_t sum, const iovec& piece) { return sum + piece.iov_len; });
}

// --- its port -----------------------------------------------------------------------------------

int Socket::bind(const SocketAddress& address) {
  if (form_.v6_only && address.address.is_v4()) return -EINVAL;
  const bool is_any = address.address.is_unspecified();
  if (!is_any && !stack_.shard().local().contains(address.address)) return -EADDRNOTAVAIL;
  if (!may_bind() || binding_.is_bound()) return -EINVAL;
  Binding wanted;
  wanted.port = address.port;
  wanted.family = address.address == IpAddress::v4(0) ? Family::v4 : form_.family();
  if (!is_any) wanted.address = address.address;
  const int error = bind_port(wanted);
  has_chosen_port_ = error == 0 && address.port != 0;
  return error;
}

int Socket::bind_if_unbound() {
  if (binding_.is_bound()) return 0;
  Binding wanted = binding_;
  if (!wanted.address) wanted.family = form_.family();
  return bind_port(wanted);
}

int Socket::bind_port(Binding wanted) {
  wanted.shares = common_.shares_port;
  const auto is_free = [&](std::uint16_t port) {
    wanted.port = port;
    return !ports().conflicts(wanted) && !is_held(wanted);
  };
  if (wanted.port != 0) {
    if (!is_free(wanted.port)) return -EADDRINUSE;
  } else {
    wanted.port = pick_port(stack_.rng(), stack_.options().ports, is_free);
    if (wanted.port == 0) return -EADDRINUSE;
  }
  const Binding before = std::exchange(binding_, wanted);
  try {
    ports().add(binding_);
    on_port();
  } catch (...) {  // without memory it is as if nobody had asked
    ports().remove(binding_);
    binding_ = before;
    throw;
  }
  return 0;
}

void Socket::unbind() {
  if (!binding_.is_bound()) return;
  ports().remove(binding_);
  binding_ = Binding();
  has_chosen_port_ = false;
}

void Socket::unbind_if_own_choice() {
  if (has_chosen_port_) return;
  const Binding was = binding_;
  unbind();
  binding_.address = was.address;
}

// --- readiness ----------------------------------------------------------------------------------

void Socket::set_callback(sluice_callback to, void* context) {
  callback_ = to;
  callback_context_ = context;
  told_ = 0;
  note_change();
}

int Socket::take_news() {
  const int holds = ready();
  const int news = holds & ~told_;
  told_ = holds;
  return news;
}

int Socket::choose_ends(const std::optional<IpAddress>& bound, FlowKey& flow) const {
  const bool v4 = flow.remote == form_.any() ? !form_.is_v6 : flow.remote.is_v4();
  const auto local = bound ? bound : stack_.shard().local().preferred(v4);
  if (!local) return -ENETUNREACH;
  if (flow.remote.is_unspecified()) flow.remote = *local;
  flow.local = *local;
  const bool is_of_family = flow.local.is_v4() == flow.remote.is_v4();
  return is_of_family && is_one_hosts(flow.remote) ? 0 : -ENETUNREACH;
}

void Socket::note_change() {
  if (callback_ != nullptr) stack_.events().note_change(*this);
}

}  // namespace sluice::sockets

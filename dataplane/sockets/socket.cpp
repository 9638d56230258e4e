#include "dataplane/sockets/socket.hpp"

#include <cerrno>
#include <numeric>

#include "dataplane/sockets/stack.hpp"

namespace sluice::sockets {

std::size_t length_of(Pieces pieces) {
  return std::accumulate(pieces.begin(), pieces.end(), std::size_t{0},
                         [](std::size_t sum, const iovec& piece) { return sum + piece.iov_len; });
}

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
  return flow.local.is_v4() == flow.remote.is_v4() ? 0 : -ENETUNREACH;
}

void Socket::note_change() {
  if (callback_ != nullptr) stack_.events().note_change(*this);
}

}  // namespace sluice::sockets

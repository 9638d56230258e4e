#include "dataplane/sockets/socket.hpp"

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

void Socket::note_change() {
  if (callback_ != nullptr) stack_.events().note_change(*this);
}

}  // namespace sluice::sockets

#include "dataplane/sockets/socket_table.hpp"

#include <algorithm>
#include <utility>

#include "proto/base/assert.hpp"

namespace sluice::sockets {

void SocketTable::make_room() {
  SLUICE_ASSERT(!is_full());
  while (first_free_ < sockets_.size() && sockets_[first_free_] != nullptr) ++first_free_;
  if (first_free_ == sockets_.size()) sockets_.emplace_back();
}

int SocketTable::add(std::unique_ptr<Socket> socket) noexcept {
  SLUICE_ASSERT(first_free_ < sockets_.size() && sockets_[first_free_] == nullptr);
  const auto handle = static_cast<int>(first_free_);
  socket->set_handle(handle);
  sockets_[first_free_++] = std::move(socket);
  ++live_;
  return handle;
}

Socket* SocketTable::find(int handle) const {
  const bool is_inside = handle >= 0 && static_cast<std::size_t>(handle) < sockets_.size();
  return is_inside ? sockets_[static_cast<std::size_t>(handle)].get() : nullptr;
}

std::unique_ptr<Socket> SocketTable::remove(Socket& socket) {
  const auto place = static_cast<std::size_t>(socket.handle());
  first_free_ = std::min(first_free_, place);
  --live_;
  return std::exchange(sockets_[place], nullptr);
}

}  // namespace sluice::sockets

// Handles: the smallest number that is free names the next socket.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/sockets/socket.hpp"

namespace sluice::sockets {

class SocketTable {
 public:
  explicit SocketTable(std::uint32_t limit) : limit_(limit) {}

  bool is_full() const { return live_ == limit_; }
  // Makes a place for one more, unless the table is full. Throws std::bad_alloc.
  void make_room();
  // There must be room. Returns the handle.
  int add(std::unique_ptr<Socket> socket) noexcept;
  // Null when no socket has this handle.
  Socket* find(int handle) const;
  std::unique_ptr<Socket> remove(Socket& socket);

  std::uint32_t live() const { return live_; }

 private:
  std::vector<std::unique_ptr<Socket>> sockets_;
  std::size_t first_free_ = 0;  // no handle below is free
  std::uint32_t limit_;
  std::uint32_t live_ = 0;
};

}  // namespace sluice::sockets

#include "dataplane/sockets/accept_queue.hpp"

#include <new>

#include "dataplane/sockets/tcp_socket.hpp"

namespace sluice::sockets {

AcceptQueue::AcceptQueue(Shard& shard, TcpSocket& socket, const ListenOptions& options,
                         std::uint32_t most_waiting)
    : shard_(shard), socket_(socket), options_(options), most_waiting_(most_waiting) {
  ListenerEntry& entry =
      shard.listen(options, [this](Stream& stream) { return on_established(stream); });
  entry.policy = this;
}

void AcceptQueue::close() {
  shard_.unlisten(options_, Shard::HalfOpen::forget);
  for (const auto& socket : waiting_) socket->abort();
}

std::unique_ptr<TcpSocket> AcceptQueue::take() {
  std::unique_ptr<TcpSocket> oldest = std::move(waiting_.front());
  waiting_.pop_front();
  return oldest;
}

void AcceptQueue::prepare(ConnectionSlot& slot) {
  socket_.prepare(slot);
}

// Null without memory: the connection is reset.
StreamEvents* AcceptQueue::on_established(Stream& stream) {
  try {
    waiting_.emplace_back();
    waiting_.back() = std::make_unique<TcpSocket>(socket_, static_cast<ConnectionSlot&>(stream));
  } catch (const std::bad_alloc&) {
    if (!waiting_.empty() && waiting_.back() == nullptr) waiting_.pop_back();
    return nullptr;
  }
  socket_.on_waiting();
  return waiting_.back().get();
}

}  // namespace sluice::sockets

#include "dataplane/sockets/accept_queue.hpp"

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

StreamEvents* AcceptQueue::on_established(Stream& stream) {
  waiting_.push_back(std::make_unique<TcpSocket>(socket_, static_cast<ConnectionSlot&>(stream)));
  socket_.on_waiting();
  return waiting_.back().get();
}

}  // namespace sluice::sockets

// What a listening socket is: connections that are established and wait to be accepted.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "dataplane/shard/shard.hpp"

namespace sluice::sockets {

class TcpSocket;

class AcceptQueue final : public ListenerPolicy {
 public:
  // `socket` is the one that listens, and outlives the queue. `options.backlog` bounds those that
  // are half open; most_waiting those that are established.
  AcceptQueue(Shard& shard, TcpSocket& socket, const ListenOptions& options,
              std::uint32_t most_waiting);
  AcceptQueue(const AcceptQueue&) = delete;
  AcceptQueue& operator=(const AcceptQueue&) = delete;

  // The last call, unless the shard has gone: no more are let in, and those that wait are reset.
  void close();

  void set_most_waiting(std::uint32_t count) { most_waiting_ = count; }
  bool is_empty() const { return waiting_.empty(); }
  std::uint32_t waiting() const { return static_cast<std::uint32_t>(waiting_.size()); }
  std::uint32_t most_waiting() const { return most_waiting_; }
  // There must be one.
  std::unique_ptr<TcpSocket> take();

  // Linux lets in one more than was asked for.
  bool has_room() const override { return waiting_.size() <= most_waiting_; }
  void prepare(ConnectionSlot& slot) override;

 private:
  StreamEvents* on_established(Stream& stream);

  Shard& shard_;
  TcpSocket& socket_;
  ListenOptions options_;
  std::uint32_t most_waiting_;
  std::deque<std::unique_ptr<TcpSocket>> waiting_;
};

}  // namespace sluice::sockets

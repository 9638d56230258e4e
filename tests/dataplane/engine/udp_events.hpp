// What sockets of an engine do in tests.
#pragma once

#include <atomic>
#include <functional>
#include <utility>

#include "tests/dataplane/engine/engine_fixture.hpp"

namespace sluice {

class EchoDatagrams : public DatagramEvents {
 public:
  void on_datagram(DatagramSocket& socket, const Datagram& datagram) override {
    echoed += socket.send(datagram.flow, datagram.payload) ? 1 : 0;
  }
  std::atomic<int> echoed{0};
};

// Sends back in one piece what came in one piece.
class EchoPieces final : public EchoDatagrams {
 public:
  void on_datagrams(DatagramSocket& socket, const Datagram& several) override {
    pieces += 1;
    socket.send(several.flow, several.payload, several.segment_bytes);
  }
  std::atomic<int> pieces{0};
};

// Keeps what happens, and the socket of the (only) worker for work that is posted there.
class Postman final : public DatagramEvents {
 public:
  void on_bound(DatagramSocket& socket) override { bound.tell(&socket); }
  void on_datagram(DatagramSocket&, const Datagram& datagram) override {
    const Bytes bytes = datagram.payload.bytes();
    received.tell(ByteVector(bytes.begin(), bytes.end()));
  }
  void on_writable(DatagramSocket& socket) override {
    if (on_room) on_room(socket);
    writable.tell(true);
  }
  void on_refused(DatagramSocket&, const FlowKey& flow) override { refused.tell(flow); }

  Told<DatagramSocket*> bound;
  Told<ByteVector> received;
  Told<bool> writable;
  Told<FlowKey> refused;
  std::function<void(DatagramSocket&)> on_room;
};

// An application's own memory, sent by reference.
class OwnBytes final : FrameHome {
 public:
  explicit OwnBytes(ByteVector bytes) : bytes_(std::move(bytes)) {
    frame_.home = this;
    frame_.data = bytes_.data();
    frame_.capacity = static_cast<std::uint32_t>(bytes_.size());
  }
  Slice slice() { return {frame_, 0, frame_.capacity}; }
  void take_back(Frame&) override {}

 private:
  ByteVector bytes_;
  Frame frame_;
};

}  // namespace sluice

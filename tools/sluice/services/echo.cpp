#include "tools/sluice/services/services.hpp"

namespace sluice::services {
namespace {

class Echo final : public StreamEvents {
 public:
  // Reads only what can be sent: a peer that does not read its echo stops itself.
  void on_readable(Stream& stream) override {
    while (stream.send_space() > 0) {
      Slice bytes = stream.read(stream.send_space());
      if (bytes.empty()) return;
      const std::uint32_t offered = bytes.size();
      if (stream.send(std::move(bytes)) < offered) return stream.abort();  // out of memory
    }
  }
  void on_writable(Stream& stream) override { on_readable(stream); }
  void on_peer_closed(Stream& stream) override { stream.close(); }
};

class UdpEcho final : public DatagramEvents {
 public:
  void on_datagram(DatagramSocket& socket, const Datagram& datagram) override {
    if (is_answer(datagram)) return;
    socket.send(datagram.flow, datagram.payload, datagram.segment_bytes);
  }
  void on_datagrams(DatagramSocket& socket, const Datagram& several) override {
    on_datagram(socket, several);
  }
};

}  // namespace

StreamEvents& echo() {
  static Echo service;
  return service;
}

DatagramEvents& udp_echo() {
  static UdpEcho service;
  return service;
}

}  // namespace sluice::services

#include "tools/sluice/services/services.hpp"

namespace sluice::services {
namespace {

class Discard final : public StreamEvents {
 public:
  void on_readable(Stream& stream) override {
    while (!stream.read().empty()) {
    }
  }
  void on_peer_closed(Stream& stream) override { stream.close(); }
};

class UdpDiscard final : public DatagramEvents {
 public:
  void on_datagrams(DatagramSocket&, const Datagram&) override {}
};

}  // namespace

StreamEvents& discard() {
  static Discard service;
  return service;
}

DatagramEvents& udp_discard() {
  static UdpDiscard service;
  return service;
}

}  // namespace sluice::services

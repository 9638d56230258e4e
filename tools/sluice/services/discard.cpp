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

}  // namespace

StreamEvents& discard() {
  static Discard service;
  return service;
}

}  // namespace sluice::services

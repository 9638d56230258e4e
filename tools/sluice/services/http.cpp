#include <string_view>

#include "tools/sluice/services/services.hpp"

namespace sluice::services {
namespace {

constexpr std::string_view kPage =
    "HTTP/1.1 200 OK\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Length: 43\r\n"
    "Connection: close\r\n"
    "\r\n"
    "This page came over a TCP of sluice's own.\n";

// One request a connection. Its end is the first empty line; how much of that has been seen is all
// there is to remember, and fits the stream's context.
class Http final : public StreamEvents {
 public:
  void on_readable(Stream& stream) override {
    auto seen = reinterpret_cast<std::uintptr_t>(stream.context);
    for (Slice part = stream.read(); !part.empty(); part = stream.read()) {
      for (const std::uint8_t byte : part.bytes()) {
        if (seen < kEnd.size()) seen = next(seen, static_cast<char>(byte));
      }
    }
    const bool was_complete = stream.context == reinterpret_cast<void*>(kEnd.size());
    stream.context = reinterpret_cast<void*>(seen);
    if (seen < kEnd.size() || was_complete) return;
    stream.send({reinterpret_cast<const std::uint8_t*>(kPage.data()), kPage.size()});
    stream.shutdown_send();
  }
  void on_peer_closed(Stream& stream) override { stream.close(); }

 private:
  static constexpr std::string_view kEnd = "\r\n\r\n";

  static std::uintptr_t next(std::uintptr_t seen, char c) {
    if (c == kEnd[seen]) return seen + 1;
    return c == kEnd[0] ? 1 : 0;
  }
};

}  // namespace

StreamEvents& http() {
  static Http service;
  return service;
}

}  // namespace sluice::services

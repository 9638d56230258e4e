// Answers every HTTP request with its own connection's facts, on port 8080 of every engine address.
// As root: ip netns add x; ip netns exec x ./http_server; ip netns exec x curl 10.0.5.7:8080
#include <csignal>
#include <exception>
#include <iostream>
#include <string>

#include "dataplane/engine.hpp"

namespace {

class HttpServer : public sluice::StreamEvents {
 public:
  void on_open(sluice::Stream& stream) override { stream.context = new std::string; }

  void on_readable(sluice::Stream& stream) override {
    auto& request = *static_cast<std::string*>(stream.context);
    for (sluice::Slice part = stream.read(); !part.empty(); part = stream.read()) {
      request.append(reinterpret_cast<const char*>(part.data()), part.size());
      if (request.size() > kLongestRequest) return stream.abort();
    }
    if (request.find("\r\n\r\n") == std::string::npos) return;
    answer(stream);
    request.clear();
  }

  void on_peer_closed(sluice::Stream& stream) override { stream.close(); }

  void on_closed(sluice::Stream& stream, sluice::CloseReason) override {
    delete static_cast<std::string*>(stream.context);
  }

 private:
  static constexpr std::size_t kLongestRequest = 16'384;

  static void answer(sluice::Stream& stream) {
    const std::string body = "Hello " + stream.flow().remote.to_string() + ", your round trip is " +
                             std::to_string(stream.stats().smoothed_rtt_us) + " microseconds.\n";
    const std::string page = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " +
                             std::to_string(body.size()) + "\r\n\r\n" + body;
    stream.send({reinterpret_cast<const std::uint8_t*>(page.data()), page.size()});
  }
};

}  // namespace

int main() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigprocmask(SIG_BLOCK, &stop, nullptr);  // workers must not be interrupted by it
  try {
    HttpServer server;
    sluice::Engine engine(sluice::Config{});
    engine.listen({.address = {}, .port = 8080}, [&server](sluice::Stream&) { return &server; });
    engine.start();
    int signal = 0;
    sigwait(&stop, &signal);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}

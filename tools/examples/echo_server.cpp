// An echo server on port 7 of every engine address: run it as root in a namespace of its own
// (ip netns add x; ip netns exec x ./echo_server), then: ip netns exec x nc 10.0.5.101 7
#include <csignal>

#include "dataplane/engine.hpp"

struct Echo : sluice::StreamEvents {
  void on_readable(sluice::Stream& stream) override {
    while (stream.send_space() > 0) {  // read no more than can be sent back
      sluice::Slice bytes = stream.read(stream.send_space());
      if (bytes.empty()) return;
      stream.send(std::move(bytes));
    }
  }
  void on_writable(sluice::Stream& stream) override { on_readable(stream); }
  void on_peer_closed(sluice::Stream& stream) override { stream.close(); }
};

int main() {
  Echo echo;
  sluice::Engine engine(sluice::Config{});
  engine.listen({.address = {}, .port = 7}, [&echo](sluice::Stream&) { return &echo; });
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigprocmask(SIG_BLOCK, &stop, nullptr);  // workers must not be interrupted by it
  engine.start();
  int signal = 0;
  sigwait(&stop, &signal);
}

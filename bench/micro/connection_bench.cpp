// One TCP machine, fed by hand: a segment in, and what it has to say.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "dataplane/memory/frame_pool.hpp"
#include "proto/tcp/connection.hpp"

namespace sluice {
namespace {

constexpr std::uint32_t kPeerIss = 5000;

class Machine {
 public:
  Machine() {
    tcp::Identity identity;
    identity.iss = tcp::Seq(1000);
    identity.advertised_mss = 1460;
    wire::TcpHeader syn;
    syn.sequence = kPeerIss;
    syn.flags = wire::kSyn;
    syn.window = 65'535;
    syn.options.has_mss = true;
    syn.options.mss = 1460;
    syn.options.has_window_scale = true;
    syn.options.window_scale = 14;
    connection.open_passive(identity, tcp::make_segment(syn, {}), now);
    while (connection.next_segment(out, now)) {
    }
    next_ = kPeerIss + 1;
    gives(0, connection.snd_nxt().value());
  }

  // A segment from the peer with `bytes` of text; what it provokes is thrown away.
  void gives(std::uint32_t bytes, std::uint32_t ack, std::uint16_t gso_size = 0) {
    wire::TcpHeader header;
    header.sequence = next_;
    header.acknowledgment = ack;
    header.flags = wire::kAck;
    header.window = 65'535;
    Slice payload;
    if (bytes > 0) payload = Slice(*frames.take(), 0, bytes);
    tcp::Segment segment = tcp::make_segment(header, std::move(payload), gso_size);
    connection.on_segment(segment, now);
    next_ += bytes;
    benchmark::DoNotOptimize(connection.take_events());
  }
  void reads_all() {
    while (connection.readable() > 0) benchmark::DoNotOptimize(connection.read(UINT32_MAX).data());
  }
  std::uint32_t says_all() {
    std::uint32_t segments = 0;
    while (connection.next_segment(out, now)) ++segments;
    return segments;
  }

  FramePool frames{64, 65'536};
  FramePool blocks{1024, 4096};
  SliceNodePool nodes{4096};
  tcp::SentSegmentPool sent{2048};
  tcp::Resources resources{blocks, nodes, sent};
  tcp::Settings settings;
  tcp::Connection connection{settings, resources};
  tcp::OutSegment out;
  Instant now = Instant() + Duration::seconds(1);

 private:
  std::uint32_t next_ = kPeerIss;
};

// Argument: bytes of text in each segment. In, read, and the ACK when one is owed.
void receive_segment(benchmark::State& state) {
  Machine machine;
  const auto bytes = static_cast<std::uint32_t>(state.range(0));
  const std::uint16_t gso_size = bytes > 1460 ? 1460 : 0;
  for (auto _ : state) {
    machine.gives(bytes, machine.connection.snd_nxt().value(), gso_size);
    machine.reads_all();
    benchmark::DoNotOptimize(machine.says_all());
    machine.now = machine.now + Duration::microseconds(10);
  }
  state.SetBytesProcessed(state.range(0) * state.iterations());
}
BENCHMARK(receive_segment)->Arg(1)->Arg(1448)->Arg(65'000);

// send() of a frame by reference, the segments, and the ACK of all.
void send_segment(benchmark::State& state) {
  Machine machine;
  const auto bytes = static_cast<std::uint32_t>(state.range(0));
  const std::vector<std::uint8_t> text(bytes);
  for (auto _ : state) {
    if (bytes < 16'384) {
      machine.connection.send(text);
    } else {
      machine.connection.send(Slice(*machine.frames.take(), 0, bytes));
    }
    benchmark::DoNotOptimize(machine.says_all());
    machine.gives(0, machine.connection.snd_nxt().value());
    machine.says_all();
    machine.now = machine.now + Duration::microseconds(10);
  }
  state.SetBytesProcessed(state.range(0) * state.iterations());
}
BENCHMARK(send_segment)->Arg(1)->Arg(1448)->Arg(65'000);

// A request of 100 bytes in, a response of 100 bytes out, by copy.
void request_response(benchmark::State& state) {
  Machine machine;
  const std::vector<std::uint8_t> response(100);
  for (auto _ : state) {
    machine.gives(100, machine.connection.snd_nxt().value());
    machine.reads_all();
    machine.connection.send(Bytes(response));
    benchmark::DoNotOptimize(machine.says_all());
    machine.now = machine.now + Duration::microseconds(10);
  }
}
BENCHMARK(request_response);

}  // namespace
}  // namespace sluice

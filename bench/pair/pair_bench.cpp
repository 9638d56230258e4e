// Figures of the whole stack on one core, without the kernel: both ends of every connection.
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "bench/pair/apps.hpp"
#include "bench/pair/pair.hpp"

namespace sluice::bench {
namespace {

constexpr std::uint16_t kPort = 80;

void must(bool holds, benchmark::State& state, const char* what) {
  if (!holds) state.SkipWithError(what);
}

// --- bulk -------------------------------------------------------------------------------------

// Arguments: super-segments, sums, connections.
void bulk(benchmark::State& state) {
  PairOptions options;
  options.super_segments = state.range(0) != 0;
  options.checksums = state.range(1) != 0;
  Bulk sender;
  Reader reader;
  Pair pair(options);
  pair.listen(kPort, reader);
  for (std::int64_t i = 0; i < state.range(2); ++i) pair.connect(kPort, sender);
  for (int i = 0; i < 20'000; ++i) pair.turn();  // past slow start
  const std::uint64_t before = reader.received;
  const std::uint64_t packets_before = pair.client().packets();
  for (auto _ : state) must(pair.turn(), state, "nothing moves");
  const auto bytes = static_cast<double>(reader.received - before);
  const auto packets = static_cast<double>(pair.client().packets() - packets_before);
  state.counters["Gbit/s"] = benchmark::Counter(bytes * 8e-9, benchmark::Counter::kIsRate);
  state.counters["packets/s"] = benchmark::Counter(packets, benchmark::Counter::kIsRate);
  state.counters["retransmitted"] =
      static_cast<double>(pair.client().shard().stats().retransmitted);
}
BENCHMARK(bulk)
    ->ArgNames({"tso", "sums", "connections"})
    ->Args({1, 0, 1})
    ->Args({0, 0, 1})
    ->Args({0, 1, 1})
    ->Args({1, 0, 16})
    ->Args({0, 0, 16});

// --- requests ---------------------------------------------------------------------------------

constexpr std::uint32_t kMessage = 64;

class Asker final : public StreamEvents {
 public:
  void on_open(Stream& stream) override { ask(stream); }
  void on_readable(Stream& stream) override {
    while (stream.readable() > 0) came_ += stream.read().size();
    for (; came_ >= kMessage; came_ -= kMessage) {
      ++answers;
      ask(stream);
    }
  }
  std::uint64_t answers = 0;

 private:
  void ask(Stream& stream) { stream.send(Bytes(message_)); }
  // One stream at a time is between two of its messages: they fit one segment.
  std::uint64_t came_ = 0;
  std::array<std::uint8_t, kMessage> message_{};
};

class Answerer final : public StreamEvents {
 public:
  void on_readable(Stream& stream) override {
    std::uint64_t came = 0;
    while (stream.readable() > 0) came += stream.read().size();
    for (; came >= kMessage; came -= kMessage) stream.send(Bytes(message_));
  }

 private:
  std::array<std::uint8_t, kMessage> message_{};
};

// Argument: connections, each with one request of 64 bytes under way.
void request_response(benchmark::State& state) {
  Asker asker;
  Answerer answerer;
  Pair pair(PairOptions{});
  pair.listen(kPort, answerer);
  for (std::int64_t i = 0; i < state.range(0); ++i) pair.connect(kPort, asker);
  for (int i = 0; i < 1000; ++i) pair.turn();
  const std::uint64_t before = asker.answers;
  for (auto _ : state) must(pair.turn(), state, "nothing moves");
  state.counters["requests/s"] =
      benchmark::Counter(static_cast<double>(asker.answers - before), benchmark::Counter::kIsRate);
}
BENCHMARK(request_response)->ArgName("connections")->Arg(1)->Arg(16)->Arg(1000);

// --- connections ------------------------------------------------------------------------------

class Opener final : public StreamEvents {
 public:
  void on_open(Stream& stream) override { stream.close(); }
  void on_closed(Stream&, CloseReason) override { ++closed; }
  void on_connect_failed(std::string_view) override { ++failed; }
  std::uint64_t closed = 0;
  std::uint64_t failed = 0;
};

class Closer final : public StreamEvents {
 public:
  void on_peer_closed(Stream& stream) override { stream.close(); }
};

// Argument: connections under way at a time; each opens, closes in order and waits in TIME-WAIT.
void connect_close(benchmark::State& state) {
  Opener opener;
  Closer closer;
  Pair pair(PairOptions{});
  pair.listen(kPort, closer);
  const auto at_once = static_cast<std::uint64_t>(state.range(0));
  std::uint64_t started = 0;
  for (auto _ : state) {
    while (started - opener.closed < at_once) {
      pair.connect(kPort, opener);
      ++started;
    }
    pair.turn();
    if (opener.failed > 0) state.SkipWithError("connect failed");
  }
  state.counters["connections/s"] =
      benchmark::Counter(static_cast<double>(opener.closed), benchmark::Counter::kIsRate);
  while (opener.closed < started) pair.turn();
}
BENCHMARK(connect_close)->ArgName("at_once")->Arg(1)->Arg(64);

}  // namespace
}  // namespace sluice::bench

// Bytes to values and back: what every packet pays.
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "proto/flow.hpp"
#include "proto/wire/build.hpp"
#include "proto/wire/packet.hpp"

namespace sluice {
namespace {

wire::IpFields ip_fields(bool v4) {
  wire::IpFields ip;
  ip.source = *IpAddress::parse(v4 ? "10.1.0.2" : "fd01::2");
  ip.destination = *IpAddress::parse(v4 ? "10.2.0.2" : "fd02::2");
  return ip;
}

wire::TcpHeader tcp_header() {
  wire::TcpHeader tcp;
  tcp.source_port = 40'000;
  tcp.destination_port = 80;
  tcp.sequence = 1'000'000;
  tcp.acknowledgment = 2'000'000;
  tcp.flags = wire::kAck;
  tcp.window = 1000;
  tcp.options.has_timestamps = true;
  tcp.options.ts_value = 7;
  return tcp;
}

std::vector<std::uint8_t> make_packet(bool v4, std::uint32_t payload, bool complete) {
  const std::vector<std::uint8_t> bytes(payload, 0x5a);
  wire::Checksum sum;
  sum.add(bytes);
  wire::PayloadFacts facts;
  facts.length = payload;
  if (complete) facts.payload_sum = &sum;
  std::vector<std::uint8_t> packet(wire::kMaxHeaders);
  packet.resize(wire::build_tcp_packet(packet, ip_fields(v4), tcp_header(), facts));
  packet.insert(packet.end(), bytes.begin(), bytes.end());
  return packet;
}

// Arguments: IPv4 or not, payload bytes, sum to be verified or not.
void parse_packet(benchmark::State& state) {
  const auto bytes = make_packet(state.range(0) != 0, static_cast<std::uint32_t>(state.range(1)),
                                 state.range(2) != 0);
  const wire::VirtioNetHeader offload = wire::parse_virtio_net(bytes);
  const Bytes ip = Bytes(bytes).subspan(wire::kVirtioNetHeaderSize);
  wire::Packet packet;
  for (auto _ : state) {
    benchmark::DoNotOptimize(wire::parse_packet(ip, offload, packet));
    benchmark::DoNotOptimize(packet);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(ip.size()) * state.iterations());
}
BENCHMARK(parse_packet)
    ->ArgNames({"v4", "payload", "verify"})
    ->Args({1, 0, 0})
    ->Args({0, 0, 0})
    ->Args({1, 1448, 0})
    ->Args({1, 1448, 1})
    ->Args({0, 1448, 1})
    ->Args({1, 65'000, 1});

void build_tcp_packet(benchmark::State& state) {
  const wire::IpFields ip = ip_fields(state.range(0) != 0);
  const wire::TcpHeader tcp = tcp_header();
  wire::PayloadFacts facts;
  facts.length = 65'000;
  facts.gso_size = 1448;
  std::array<std::uint8_t, wire::kMaxHeaders> out;
  for (auto _ : state) {
    benchmark::DoNotOptimize(wire::build_tcp_packet(out, ip, tcp, facts));
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(build_tcp_packet)->ArgName("v4")->Arg(1)->Arg(0);

void checksum(benchmark::State& state) {
  const std::vector<std::uint8_t> bytes(static_cast<std::size_t>(state.range(0)), 0x5a);
  for (auto _ : state) {
    wire::Checksum sum;
    sum.add(bytes);
    benchmark::DoNotOptimize(sum.finished());
  }
  state.SetBytesProcessed(state.range(0) * state.iterations());
}
BENCHMARK(checksum)->Arg(20)->Arg(64)->Arg(1448)->Arg(65'000);

FlowKey flow_key(bool v4) {
  const wire::IpFields ip = ip_fields(v4);
  return {ip.source, ip.destination, 80, 40'000};
}

void steering_hash(benchmark::State& state) {
  const FlowKey flow = flow_key(state.range(0) != 0);
  const FlowHashKeys keys{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  for (auto _ : state) benchmark::DoNotOptimize(flow_hash(flow, keys));
}
BENCHMARK(steering_hash)->ArgName("v4")->Arg(1)->Arg(0);

void table_hash(benchmark::State& state) {
  const FlowKey flow = flow_key(state.range(0) != 0);
  const SipKey key{1, 2};
  for (auto _ : state) benchmark::DoNotOptimize(siphash(key, flow));
}
BENCHMARK(table_hash)->ArgName("v4")->Arg(1)->Arg(0);

}  // namespace
}  // namespace sluice

// What there is to say of a test, as values: the sessions fill them in, the reports print them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/sluice/perf/parameters.hpp"
#include "tools/sluice/perf/results.hpp"
#include "tools/sluice/perf/rtt_histogram.hpp"

namespace sluice::perf {

enum class Role : std::uint8_t { client, server };

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
};

// One stream of the test.
struct FlowFacts {
  int id = 0;          // as in the results
  int socket = 0;      // what stands in brackets: 5, 7, 9, ...
  bool sends = false;  // this side
  Endpoint local;
  Endpoint remote;
  std::string congestion;  // TCP: the algorithm of this side
};

// TCP's own view, of a stream that this side sends on.
struct TcpFacts {
  std::uint64_t retransmits = 0;        // since the stream was opened
  std::uint32_t congestion_window = 0;  // bytes
  std::uint32_t send_window = 0;        // bytes, the peer's
  std::uint32_t rtt_us = 0;             // smoothed
  std::uint32_t rtt_variation_us = 0;
  std::uint32_t path_mtu = 0;
};

// What a stream has moved, since counting began with TEST_RUNNING.
struct FlowCount {
  std::uint64_t bytes = 0;
  std::uint64_t packets = 0;  // datagrams sent; or the highest number that was seen
  std::int64_t lost = 0;      // datagrams, of those that were received
  std::uint64_t out_of_order = 0;
  double jitter_seconds = 0;    // now
  std::optional<TcpFacts> tcp;  // when this side sends
  RttHistogram rtt;             // smoothed, sampled since the count before this one
};

// Once both sides know what is to be tested.
struct ConnectFacts {
  Role role = Role::client;
  Parameters parameters;
  std::string cookie;  // 36 characters
  std::int64_t unix_seconds = 0;
  Endpoint peer;                   // what was asked to be connected to; or who was accepted
  std::uint32_t control_mss = 0;   // of the control connection
  bool block_follows_mss = false;  // a client's: nobody asked for a size of datagrams
};

// Once the streams are up.
struct StartFacts {
  std::uint32_t send_buffer = 0;  // bytes, as they turned out
  std::uint32_t receive_buffer = 0;
  double interval_seconds = 1;   // 0: only the end
  std::vector<FlowFacts> flows;  // in the order of their ids
};

// Between two counts.
struct IntervalFacts {
  double start = 0;  // seconds; from TEST_RUNNING, or from the end of the omitted ones
  double end = 0;
  bool omitted = false;
  std::vector<FlowCount> from;  // as StartFacts::flows
  std::vector<FlowCount> to;
};

struct EndFacts {
  double seconds = 0;  // measured, without the omitted ones
  CpuUse cpu;
  std::vector<FlowCount> base;   // where counting began: nothing, or the end of the omitted seconds
  std::vector<FlowCount> total;  // as StartFacts::flows
  // Of each stream over its whole life, where this side sends; microseconds and bytes.
  struct Extremes {
    std::uint32_t max_congestion_window = 0;
    std::uint32_t max_send_window = 0;
    std::uint32_t min_rtt_us = 0;
    std::uint32_t max_rtt_us = 0;
    std::uint32_t mean_rtt_us = 0;
  };
  std::vector<Extremes> extremes;
  std::optional<Results> peer;  // empty when they were not exchanged: the test was cut short
  std::string congestion;       // of this side; empty for UDP
};

}  // namespace sluice::perf

// What each side has measured of one test: the second JSON document on the control connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace sluice::perf {

// Percent of one CPU.
struct CpuUse {
  double total = 0;
  double user = 0;
  double system = 0;
};

struct StreamResult {
  int id = 0;                     // 1, 3, 4, 5, ... in the order of creation, on both sides
  std::uint64_t bytes = 0;        // without those of the omitted seconds
  std::int64_t retransmits = -1;  // -1: not known here
  double jitter_seconds = 0;      // of datagrams received
  std::int64_t lost = 0;          // datagrams; with those of the omitted seconds
  std::uint64_t packets = 0;      // datagrams sent, or the highest number seen; likewise
  std::int64_t omitted_lost = 0;  // of the two, those of the omitted seconds
  std::uint64_t omitted_packets = 0;
  double seconds = 0;  // 0: it was not said
};

struct Results {
  CpuUse cpu;
  int sender_has_retransmits = -1;  // 1: yes; 0: a sender that cannot tell; -1: only a receiver
  std::optional<std::string> congestion_used;
  std::optional<std::string> server_output_text;
  std::optional<nlohmann::ordered_json> server_output_json;
  std::vector<StreamResult> streams;

  const StreamResult* find(int id) const;
};

}  // namespace sluice::perf

// The two named sets of defaults.
#include "dataplane/sockets/stack_config.hpp"

namespace sluice::sockets {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;  // in microseconds

// What both have in common.
sluice_config common_profile() {
  sluice_config config{};
  config.size = sizeof config;
  config.mtu = 1500;
  config.max_sockets = 65'536;
  config.max_connections = 65'536;
  config.max_time_waits = 65'536;
  config.max_memory = 256ULL << 20;
  config.ttl = 64;
  config.first_ephemeral_port = 32'768;
  config.last_ephemeral_port = 60'999;
  config.sack = 1;
  config.timestamps = 1;
  config.window_scaling = 1;
  config.ecn = SLUICE_ECN_ACCEPT;
  config.window_scale = -1;
  config.nagle = 1;
  config.congestion = "cubic";
  config.initial_window = 10;
  config.receive_buffer = 131'072;
  config.max_receive_buffer = 15 << 20;
  config.send_buffer = 87'040;
  config.max_send_buffer = 4 << 20;
  config.autotune_receive = 1;
  config.autotune_send = 1;
  config.initial_rto_us = 1 * kSecond;
  config.syn_retries = 6;
  config.syn_ack_retries = 5;
  config.data_retries = 15;
  config.delayed_ack_us = 40'000;
  config.fin_wait_2_us = 60 * kSecond;
  config.keepalive_idle_us = 7200 * kSecond;
  config.keepalive_interval_us = 75 * kSecond;
  config.keepalive_probes = 9;
  return config;
}

sluice_config linux_profile() {
  sluice_config config = common_profile();
  config.min_rto_us = 200'000;
  config.max_rto_us = 120 * kSecond;
  config.quick_acks = 16;
  config.time_wait_us = 60 * kSecond;
  return config;
}

sluice_config strict_profile() {
  sluice_config config = common_profile();
  config.strict = 1;
  config.min_rto_us = 1 * kSecond;  // RFC 6298 R6298-4
  config.max_rto_us = 60 * kSecond;
  config.quick_acks = 0;
  config.time_wait_us = 240 * kSecond;   // RFC 9293 MUST-13
  config.first_ephemeral_port = 49'152;  // RFC 6335 6
  config.last_ephemeral_port = 65'535;
  return config;
}

}  // namespace

bool make_profile(std::string_view name, sluice_config& config) {
  if (name == "linux") {
    config = linux_profile();
  } else if (name == "strict") {
    config = strict_profile();
  } else {
    return false;
  }
  return true;
}

}  // namespace sluice::sockets

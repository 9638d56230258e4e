// The two named sets of defaults: TCP's own (proto/tcp/profile.hpp), and what lies around it.
#include "proto/tcp/profile.hpp"
#include "dataplane/sockets/stack_config.hpp"

namespace sluice::sockets {
namespace {

std::uint64_t microseconds(Duration duration) {
  return static_cast<std::uint64_t>(duration.us());
}

void put_buffers(const tcp::Settings& tcp, sluice_config& config) {
  config.receive_buffer = tcp.initial_receive_buffer_bytes;
  config.max_receive_buffer = tcp.receive_buffer_bytes;
  config.send_buffer = tcp.initial_send_buffer_bytes;
  config.max_send_buffer = tcp.send_buffer_bytes;
  config.autotune_receive = tcp.autotune_receive;
  config.autotune_send = tcp.autotune_send;
  config.initial_receive_window = tcp.initial_receive_window;
}

void put_times(const tcp::Settings& tcp, sluice_config& config) {
  config.initial_rto_us = microseconds(tcp.initial_rto);
  config.min_rto_us = microseconds(tcp.min_rto);
  config.max_rto_us = microseconds(tcp.max_rto);
  config.quick_acks = tcp.quick_acks;
  config.delayed_ack_us = microseconds(tcp.delayed_ack);
  config.time_wait_us = microseconds(tcp.time_wait);
  config.fin_wait_2_us = microseconds(tcp.fin_wait_2_timeout);
  config.keepalive_idle_us = microseconds(tcp.keepalive_idle);
  config.keepalive_interval_us = microseconds(tcp.keepalive_interval);
  config.keepalive_probes = tcp.keepalive_probes;
}

sluice_config config_of(const tcp::Settings& tcp) {
  sluice_config config{};
  config.size = sizeof config;
  config.mtu = 1500;
  config.max_sockets = 65'536;
  config.max_connections = 65'536;
  config.max_time_waits = 65'536;
  config.max_memory = 256ULL << 20;
  config.ttl = 64;
  config.sack = tcp.sack;
  config.timestamps = tcp.timestamps;
  config.window_scaling = tcp.window_scaling;
  config.ecn = static_cast<std::uint8_t>(tcp.ecn);
  config.window_scale =
      tcp.window_scale ? static_cast<std::int8_t>(*tcp.window_scale) : std::int8_t{-1};
  config.nagle = tcp.nagle;
  config.congestion = tcp::algorithm_name(tcp.congestion).data();  // of a literal
  config.initial_window = tcp.initial_window_segments;
  put_buffers(tcp, config);
  put_times(tcp, config);
  return config;
}

sluice_config linux_profile() {
  sluice_config config = config_of(tcp::linux_settings());
  config.syn_retries = 6;
  config.syn_ack_retries = 5;
  config.data_retries = 15;
  config.first_ephemeral_port = 32'768;
  config.last_ephemeral_port = 60'999;
  return config;
}

sluice_config strict_profile() {
  sluice_config config = config_of(tcp::strict_settings());
  config.strict = 1;
  // RFC 9293 MUST-23: three minutes and more; SHLD-11: 100 s and more.
  config.syn_retries = 7;
  config.syn_ack_retries = 7;
  config.data_retries = 12;
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

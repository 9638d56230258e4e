#include "dataplane/sockets/stack_config.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "proto/base/rng.hpp"
#include "proto/tcp/profile.hpp"

namespace sluice::sockets {
namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kLongestUs = 24ULL * 3600 * 1'000'000 * 365;  // a year

// The retries end it.
constexpr Duration kNoTimeout = Duration::seconds(365 * 24 * 3600);

struct AddressList {
  std::vector<IpAddress> own;
  bool any = false;
  std::string problem;
};

void read_word(std::string_view word, AddressList& list) {
  if (word == "any") {
    list.any = true;
    return;
  }
  const std::optional<IpAddress> address = IpAddress::parse(word);
  if (address && is_one_hosts(*address)) {
    list.own.push_back(*address);
  } else if (list.problem.empty()) {
    list.problem = "addresses: \"" + std::string(word) +
                   "\" is no address of a host: write \"192.0.2.1 2001:db8::1\", or \"any\"";
  }
}

AddressList read_addresses(const char* text) {
  AddressList list;
  std::string_view rest = text == nullptr ? "" : text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of(" ,"), rest.size());
    if (end > 0) read_word(rest.substr(0, end), list);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (list.own.empty() && !list.any && list.problem.empty()) {
    list.problem = "addresses: there is none: write \"192.0.2.1 2001:db8::1\", or \"any\"";
  }
  return list;
}

bool has_v6(const AddressList& list) {
  return list.any || std::any_of(list.own.begin(), list.own.end(),
                                 [](const IpAddress& address) { return address.is_v6(); });
}

// Keeps the first complaint.
class Ranges {
 public:
  explicit Ranges(std::string problem) : problem_(std::move(problem)) {}

  void check(const char* name, std::uint64_t value, std::uint64_t least, std::uint64_t most) {
    if (value >= least && value <= most) return;
    complain(std::string(name) + ": " + std::to_string(value) + " is not between " +
             std::to_string(least) + " and " + std::to_string(most));
  }
  void check_switch(const char* name, std::uint8_t value) { check(name, value, 0, 1); }
  void complain(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
  }
  std::string take() { return std::move(problem_); }

 private:
  std::string problem_;
};

void check_stack(const sluice_config& config, bool with_v6, Ranges& ranges) {
  ranges.check("mtu", config.mtu, with_v6 ? 1280 : 68, 65'535);
  ranges.check("max_sockets", config.max_sockets, 1, 1 << 24);
  ranges.check("max_connections", config.max_connections, 1, 1 << 24);
  ranges.check("max_time_waits", config.max_time_waits, 1, 1 << 24);
  ranges.check("max_memory", config.max_memory, 1024 * kKiB, 1024 * 1024 * 1024 * kKiB);
  ranges.check_switch("strict", config.strict);
  ranges.check_switch("checksum_offload", config.checksum_offload);
  ranges.check_switch("segmentation_offload", config.segmentation_offload);
  if (config.segmentation_offload > config.checksum_offload) {
    ranges.complain("segmentation_offload: needs checksum_offload, too");
  }
  ranges.check("ttl", config.ttl, 1, 255);
  ranges.check("first_ephemeral_port", config.first_ephemeral_port, 1, 65'535);
  ranges.check("last_ephemeral_port", config.last_ephemeral_port, config.first_ephemeral_port,
               65'535);
}

void check_tcp(const sluice_config& config, Ranges& ranges) {
  ranges.check_switch("sack", config.sack);
  ranges.check_switch("timestamps", config.timestamps);
  ranges.check_switch("window_scaling", config.window_scaling);
  ranges.check_switch("nagle", config.nagle);
  ranges.check("ecn", config.ecn, SLUICE_ECN_OFF, SLUICE_ECN_ASK);
  if (config.window_scale < -1 || config.window_scale > tcp::kMaxWindowScale) {
    ranges.complain("window_scale: " + std::to_string(config.window_scale) +
                    " is not between -1 and 14");
  }
  ranges.check("initial_window", config.initial_window, 1, 100);
  tcp::Algorithm algorithm{};
  if (config.congestion == nullptr || !tcp::parse_algorithm(config.congestion, algorithm)) {
    ranges.complain("congestion: no such algorithm: write \"cubic\", \"newreno\" or \"bbr\"");
  }
}

void check_buffers(const sluice_config& config, Ranges& ranges) {
  constexpr std::uint64_t kLeast = 4 * kKiB;
  constexpr std::uint64_t kMost = 1024 * 1024 * kKiB;
  ranges.check("receive_buffer", config.receive_buffer, kLeast, kMost);
  ranges.check("max_receive_buffer", config.max_receive_buffer, config.receive_buffer, kMost);
  ranges.check("send_buffer", config.send_buffer, kLeast, kMost);
  ranges.check("max_send_buffer", config.max_send_buffer, config.send_buffer, kMost);
  ranges.check_switch("autotune_receive", config.autotune_receive);
  ranges.check_switch("autotune_send", config.autotune_send);
  ranges.check("initial_receive_window", config.initial_receive_window, 0, kMost);
}

void check_times(const sluice_config& config, Ranges& ranges) {
  ranges.check("min_rto_us", config.min_rto_us, 1, kLongestUs);
  ranges.check("max_rto_us", config.max_rto_us, config.min_rto_us, kLongestUs);
  ranges.check("initial_rto_us", config.initial_rto_us, 1, config.max_rto_us);
  ranges.check("syn_retries", config.syn_retries, 0, 255);
  ranges.check("syn_ack_retries", config.syn_ack_retries, 0, 255);
  ranges.check("data_retries", config.data_retries, 0, 255);
  ranges.check("quick_acks", config.quick_acks, 0, 65'535);
  ranges.check("delayed_ack_us", config.delayed_ack_us, 1, 499'999);
  ranges.check("time_wait_us", config.time_wait_us, 0, kLongestUs);
  ranges.check("fin_wait_2_us", config.fin_wait_2_us, 0, kLongestUs);
  ranges.check("keepalive_idle_us", config.keepalive_idle_us, 1, kLongestUs);
  ranges.check("keepalive_interval_us", config.keepalive_interval_us, 1, kLongestUs);
  ranges.check("keepalive_probes", config.keepalive_probes, 1, 255);
}

Duration microseconds(std::uint64_t count) {
  return Duration::microseconds(static_cast<std::int64_t>(count));
}

void read_buffers(const sluice_config& config, tcp::Settings& tcp) {
  tcp.receive_buffer_bytes = config.max_receive_buffer;
  tcp.send_buffer_bytes = config.max_send_buffer;
  tcp.initial_receive_buffer_bytes = config.receive_buffer;
  tcp.initial_send_buffer_bytes = config.send_buffer;
  tcp.autotune_receive = config.autotune_receive != 0;
  tcp.autotune_send = config.autotune_send != 0;
  tcp.initial_receive_window = config.initial_receive_window;
}

void read_times(const sluice_config& config, tcp::Settings& tcp) {
  tcp.initial_rto = microseconds(config.initial_rto_us);
  tcp.min_rto = microseconds(config.min_rto_us);
  tcp.max_rto = microseconds(config.max_rto_us);
  tcp.user_timeout = tcp::patience_of(config.data_retries, tcp.min_rto, tcp.max_rto);
  tcp.connect_timeout = tcp.handshake_timeout = kNoTimeout;
  tcp.syn_retries = config.syn_retries;
  tcp.syn_ack_retries = config.syn_ack_retries;
  tcp.quick_acks = config.quick_acks;
  tcp.delayed_ack = microseconds(config.delayed_ack_us);
  tcp.fin_wait_2_timeout = microseconds(config.fin_wait_2_us);
  tcp.time_wait = microseconds(config.time_wait_us);
  tcp.keepalive_idle = microseconds(config.keepalive_idle_us);
  tcp.keepalive_interval = microseconds(config.keepalive_interval_us);
  tcp.keepalive_probes = config.keepalive_probes;
}

tcp::Settings make_settings(const sluice_config& config) {
  tcp::Settings tcp = config.strict != 0 ? tcp::strict_settings() : tcp::linux_settings();
  if (config.segmentation_offload == 0) tcp.max_payload_bytes = 0;
  tcp.timestamps = config.timestamps != 0;
  tcp.window_scaling = config.window_scaling != 0;
  tcp.window_scale.reset();
  if (config.window_scale >= 0) tcp.window_scale = static_cast<std::uint8_t>(config.window_scale);
  tcp.sack = config.sack != 0;
  tcp::parse_algorithm(config.congestion, tcp.congestion);
  tcp.ecn = static_cast<tcp::Ecn>(config.ecn);
  tcp.nagle = config.nagle != 0;
  tcp.initial_window_segments = config.initial_window;
  read_buffers(config, tcp);
  read_times(config, tcp);
  return tcp;
}

SipKey read_key(const std::uint8_t* bytes) {
  return {load_be64(bytes), load_be64(bytes + 8)};
}

// 48 bytes of keys, then the seed.
ShardSecrets make_secrets(const sluice_config& config, const Entropy& entropy) {
  Entropy bytes = entropy;
  Rng rng(config.seed);
  if (config.seed != 0) {
    for (std::size_t at = 0; at < bytes.size(); at += 8) store_be64(&bytes[at], rng.next());
  }
  if (config.secrets != nullptr) std::memcpy(bytes.data(), config.secrets, 48);
  return {read_key(&bytes[0]), read_key(&bytes[16]), read_key(&bytes[32]), load_be64(&bytes[48])};
}

}  // namespace

sluice_config read_config(const sluice_config& given) {
  sluice_config config;
  make_profile("linux", config);
  std::memcpy(&config, &given, std::min(given.size, sizeof config));
  return config;
}

std::string find_problem(const sluice_config& config) {
  const AddressList addresses = read_addresses(config.addresses);
  Ranges ranges(addresses.problem);
  check_stack(config, has_v6(addresses), ranges);
  check_tcp(config, ranges);
  check_buffers(config, ranges);
  check_times(config, ranges);
  return ranges.take();
}

bool needs_entropy(const sluice_config& config) {
  return config.seed == 0;
}

StackOptions make_options(const sluice_config& config, const Entropy& entropy) {
  StackOptions options;
  const AddressList addresses = read_addresses(config.addresses);
  ShardOptions& shard = options.shard;
  shard.addresses = addresses.own;
  shard.any_address = addresses.any;
  shard.mtu = config.mtu;
  shard.checksum_offload = config.checksum_offload != 0;
  shard.datagram_offload = config.segmentation_offload != 0;
  shard.max_connections = config.max_connections;
  shard.max_time_waits = config.max_time_waits;
  shard.hop_limit = config.ttl;
  shard.tcp = make_settings(config);
  shard.secrets = make_secrets(config, entropy);
  options.max_sockets = config.max_sockets;
  options.max_memory = config.max_memory;
  options.ports = {config.first_ephemeral_port, config.last_ephemeral_port};
  return options;
}

}  // namespace sluice::sockets

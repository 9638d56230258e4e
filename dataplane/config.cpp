#include "dataplane/config.hpp"

#include <algorithm>
#include <bit>
#include <string_view>

#include "dataplane/io/tun.hpp"
#include "dataplane/shard/local_addresses.hpp"

namespace sluice {
namespace {

using Problems = std::vector<std::string>;

void check_range(Problems& problems, std::string_view name, std::uint64_t value, std::uint64_t low,
                 std::uint64_t high) {
  if (value >= low && value <= high) return;
  problems.push_back(std::string(name) + " is " + std::to_string(value) + ": must be " +
                     std::to_string(low) + " to " + std::to_string(high));
}

void check_address(Problems& problems, const Cidr& cidr) {
  const IpAddress& address = cidr.address;
  const std::string text = cidr.to_string();
  if (address.is_multicast() || address.is_loopback() || address.is_unspecified()) {
    problems.push_back("address " + text + " is no address of a host");
  } else if (!is_host_address(cidr, address)) {
    const bool first = address == cidr.network();
    problems.push_back("address " + text + " is the network's " + (first ? "own" : "broadcast") +
                       " address: give the kernel another one");
  } else if (cidr.prefix_length == (address.is_v4() ? 32 : 128)) {
    problems.push_back("address " + text + " leaves no other address for the engine: use a " +
                       "shorter prefix");
  }
}

void check_addresses(Problems& problems, const std::vector<Cidr>& addresses) {
  if (addresses.empty()) problems.emplace_back("addresses is empty: give at least one");
  for (const Cidr& cidr : addresses) check_address(problems, cidr);
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (addresses[i].address != addresses[j].address) continue;
      problems.push_back("address " + addresses[i].to_string() + " is given twice");
    }
  }
}

void check_mtu(Problems& problems, const Config& config) {
  const bool v6 = std::any_of(config.addresses.begin(), config.addresses.end(),
                              [](const Cidr& cidr) { return cidr.address.is_v6(); });
  const std::uint32_t low = v6 ? 1280 : io::kMinMtu;
  if (config.mtu >= low && config.mtu <= io::kMaxMtu) return;
  problems.push_back("MTU is " + std::to_string(config.mtu) + ": must be " + std::to_string(low) +
                     (v6 ? " (the least that IPv6 allows)" : "") + " to " +
                     std::to_string(io::kMaxMtu));
}

void check_name(Problems& problems, const std::string& name) {
  const bool odd = std::any_of(name.begin(), name.end(), [](unsigned char c) {
    return c <= ' ' || c == '/' || c == ':' || c == '%' || c >= 127;
  });
  if (name.empty() || name.size() > io::kMaxInterfaceName || odd || name == "." || name == "..") {
    problems.push_back("TUN name '" + name + "' is not one of an interface: 1 to " +
                       std::to_string(io::kMaxInterfaceName) +
                       " characters, without spaces, '/', ':' or '%'");
  }
}

void check_workers(Problems& problems, const Config& config) {
  check_range(problems, "workers", config.workers, 1, kMaxWorkers);
  if (config.steering == SteeringMode::misroute && config.workers < 2) {
    problems.emplace_back("misroute needs a wrong worker to send packets to: at least 2 workers");
  }
  if (!config.pin.empty() && config.pin.size() != config.workers) {
    problems.push_back("pin names " + std::to_string(config.pin.size()) + " CPUs for " +
                       std::to_string(config.workers) + " workers: give one for each, or none");
  }
  if (!config.tun_descriptors.empty() && config.tun_descriptors.size() != config.workers) {
    problems.push_back("tun_descriptors holds " + std::to_string(config.tun_descriptors.size()) +
                       " queues for " + std::to_string(config.workers) +
                       " workers: give one for each");
  }
}

void check_memory(Problems& problems, const Config& config) {
  check_range(problems, "max_connections", config.max_connections, 1, 1 << 24);
  check_range(problems, "max_time_waits", config.max_time_waits, 1, 1 << 24);
  check_range(problems, "frames", config.frames, 128, 65'536);
  check_range(problems, "frames_in_ring", config.frames_in_ring, 1, config.frames / 2);
  if (!std::has_single_bit(config.frames_in_ring)) {
    problems.push_back("frames_in_ring is " + std::to_string(config.frames_in_ring) +
                       ": must be a power of two");
  }
  check_range(problems, "blocks", config.blocks, 64, 1 << 24);
  check_range(problems, "slice_nodes", config.slice_nodes, 64, 1 << 26);
  check_range(problems, "tx_slots", config.tx_slots, 16, 4096);
}

void check_tcp(Problems& problems, const tcp::Settings& tcp) {
  check_range(problems, "receive_buffer_bytes", tcp.receive_buffer_bytes, 4096, 1 << 30);
  check_range(problems, "send_buffer_bytes", tcp.send_buffer_bytes, 4096, 1 << 30);
  check_range(problems, "initial_receive_buffer_bytes", tcp.initial_receive_buffer_bytes, 4096,
              1 << 30);
  check_range(problems, "initial_send_buffer_bytes", tcp.initial_send_buffer_bytes, 4096, 1 << 30);
  check_range(problems, "initial_window_segments", tcp.initial_window_segments, 1, 64);
  const auto check_duration = [&problems](std::string_view name, Duration value, Duration low,
                                          Duration high) {
    if (value >= low && value <= high) return;
    problems.push_back(std::string(name) + " is " + std::to_string(value.ms()) + " ms: must be " +
                       std::to_string(low.ms()) + " to " + std::to_string(high.ms()) + " ms");
  };
  const Duration ms = Duration::milliseconds(1);
  const Duration day = Duration::seconds(86'400);
  check_duration("min_rto", tcp.min_rto, ms, tcp.max_rto);
  check_duration("initial_rto", tcp.initial_rto, tcp.min_rto, tcp.max_rto);
  check_duration("max_rto", tcp.max_rto, Duration::seconds(1), day);
  check_duration("delayed_ack", tcp.delayed_ack, ms, Duration::milliseconds(499));  // MUST-40
  check_duration("user_timeout", tcp.user_timeout, ms, day);
  check_duration("connect_timeout", tcp.connect_timeout, ms, day);
  check_duration("handshake_timeout", tcp.handshake_timeout, ms, day);
  check_duration("fin_wait_2_timeout", tcp.fin_wait_2_timeout, ms, day);
  check_duration("time_wait", tcp.time_wait, ms, day);
}

void check_link(Problems& problems, std::string_view direction, const LinkOptions& link) {
  const auto complain = [&](std::string_view what) {
    problems.push_back("link " + std::string(direction) + ": " + std::string(what));
  };
  for (const double share : {link.loss, link.reorder, link.duplicate, link.corrupt}) {
    if (!(share >= 0 && share <= 1)) complain("loss and its kin are shares from 0 to 1");
  }
  if (!(link.burst_loss >= 0 && link.burst_loss < 1 && link.burst_length >= 1)) {
    complain("burst_loss must be below 1, and burst_length at least 1");
  }
  const Duration hour = Duration::seconds(3600);
  for (const Duration delay : {link.delay, link.jitter, link.reorder_delay}) {
    if (delay < Duration() || delay > hour) complain("delays must be 0 to 1 hour");
  }
  if (link.queue_bytes != 0 && link.rate_bits == 0) {
    complain("a queue forms only before a rate: give one");
  }
}

}  // namespace

std::vector<std::string> Config::validate() const {
  Problems problems;
  if (tun_descriptors.empty()) check_name(problems, tun_name);
  check_addresses(problems, addresses);
  check_mtu(problems, *this);
  check_range(problems, "queue_length", queue_length, 1, io::kMaxQueueLength);
  check_workers(problems, *this);
  check_memory(problems, *this);
  check_tcp(problems, tcp);
  check_link(problems, "in", link_in);
  check_link(problems, "out", link_out);
  if ((tso || uso) && !checksum) {
    problems.emplace_back("tso and uso need checksum: switch all off, or none");
  }
  return problems;
}

std::vector<Cidr> Config::default_addresses() {
  return {Cidr::parse("10.0.5.100/24").value(), Cidr::parse("fd05::100/64").value()};
}

}  // namespace sluice

#include "tools/sluice/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "tools/sluice/quantity.hpp"

namespace sluice {
namespace {

std::vector<Cidr> parse_addresses(const std::vector<std::string>& texts) {
  std::vector<Cidr> addresses;
  for (const std::string& text : texts) {
    const auto cidr = Cidr::parse(text);
    if (!cidr)
      fail(
          fmt::format("--address {}: not an address with its prefix, "
                      "such as 10.0.5.100/24 or fd05::100/64",
                      text));
    addresses.push_back(*cidr);
  }
  return addresses;
}

// "32M" is what a buffer may grow to, "1M:32M" also says where it starts.
void set_buffer(std::string_view text, std::uint32_t& start, std::uint32_t& limit) {
  const auto parse = [](std::string_view part) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(parse_size(part), UINT32_MAX));
  };
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos) start = parse(text.substr(0, colon));
  limit = parse(text.substr(colon == std::string_view::npos ? 0 : colon + 1));
}

void add_buffer_option(CLI::App& command, const std::string& name, const std::string& text,
                       std::uint32_t& start, std::uint32_t& limit) {
  const auto set = [name, &start, &limit](const std::string& value) {
    try {
      set_buffer(value, start, limit);
    } catch (const BadQuantity& error) {
      throw CLI::ValidationError(name, error.what());
    }
  };
  command.add_option_function<std::string>(name, set, text)->type_name("[START:]LIMIT");
}

void add_offload_options(CLI::App& command, Config& config) {
  const auto without = [&command](const char* name, std::initializer_list<bool*> offloads,
                                  const char* text) {
    const std::vector<bool*> all = offloads;
    const auto clear = [all] {
      for (bool* const offload : all) *offload = false;
    };
    command.add_flag_callback(name, clear, text);
  };
  without("--no-tso", {&config.tso}, "Without segmentation offload");
  without("--no-uso", {&config.uso}, "Without segmentation offload for UDP");
  without("--no-csum", {&config.checksum, &config.tso, &config.uso},
          "Without checksum (and so segmentation) offload");
  without("--no-offload-test", {&config.test_offloads},
          "Trust the device's offloads without trying them first");
}

void add_steering_options(CLI::App& command, Config& config) {
  auto* const no_steering = command.add_flag_callback(
      "--no-steering", [&config] { config.steering = SteeringMode::learned; },
      "Leave the choice of a worker to the kernel's learning, without eBPF");
  command
      .add_flag_callback(
          "--misroute", [&config] { config.steering = SteeringMode::misroute; },
          "For tests: steer every packet to a wrong worker, which hands it over")
      ->excludes(no_steering);
}

}  // namespace

void add_device_options(CLI::App& command, Config& config, std::string& netns) {
  command.add_option("--tun", config.tun_name, "Name of the TUN device it makes")
      ->capture_default_str();
  const auto set_addresses = [&config](const std::vector<std::string>& texts) {
    config.addresses = parse_addresses(texts);
  };
  command
      .add_option_function<std::vector<std::string>>(
          "--address", set_addresses,
          "The kernel's address with its prefix (CIDR); all other addresses of the network lie "
          "behind the device. Repeatable; replaces the defaults 10.0.5.100/24 and fd05::100/64")
      ->type_name("CIDR");
  command.add_option("--mtu", config.mtu, "Largest IP packet, in bytes")->capture_default_str();
  command
      .add_option("--netns", netns,
                  "Network namespace to run in; made, and removed at the end, when absent")
      ->type_name("NAME");
}

void add_engine_options(CLI::App& command, Config& config) {
  command.add_option("--workers", config.workers, "Threads, each with a queue of the device")
      ->capture_default_str();
  command
      .add_option("--queue-length", config.queue_length,
                  "Packets from the kernel that may wait for the engine")
      ->capture_default_str();
  const auto set_io = [&config](const std::string& name) {
    config.io = name == "poll" ? IoBackend::poll : IoBackend::uring;
  };
  command.add_option_function<std::string>("--io", set_io, "How packets are read and written")
      ->check(CLI::IsMember({"uring", "poll"}))
      ->default_str("uring");
  command.add_option("--pin", config.pin, "CPU of each worker, separated by commas")
      ->delimiter(',')
      ->type_name("LIST");
  command.add_flag("--busy-poll", config.busy_poll, "Never sleep: one CPU for each worker");
  add_offload_options(command, config);
  add_steering_options(command, config);
  command.add_option("--pcap", config.pcap, "Record all packets, both ways, for tcpdump or tshark")
      ->type_name("FILE");
}

void add_congestion_option(CLI::App& command, Config& config) {
  tcp::Settings& tcp = config.tcp;
  const auto set_congestion = [&tcp](const std::string& name) {
    if (tcp::parse_algorithm(name, tcp.congestion)) return;
    throw CLI::ValidationError("--congestion",
                               fmt::format("'{}' is none of {}", name, tcp::algorithm_names()));
  };
  command
      .add_option_function<std::string>(
          "--congestion", set_congestion,
          fmt::format("Congestion control of what is sent: {}", tcp::algorithm_names()))
      ->type_name("NAME")
      ->default_str("cubic");
}

void add_buffer_options(CLI::App& command, Config& config) {
  tcp::Settings& tcp = config.tcp;
  add_buffer_option(command, "--receive-buffer",
                    "Largest receive window of a connection, such as 32M, which is the default. It "
                    "follows path and reader from START on; 2M:2M is of one size",
                    tcp.initial_receive_buffer_bytes, tcp.receive_buffer_bytes);
  add_buffer_option(command, "--send-buffer",
                    "Likewise what a connection may hold that is not acknowledged; by default "
                    "1M:32M",
                    tcp.initial_send_buffer_bytes, tcp.send_buffer_bytes);
}

void fail(const std::string& what) {
  std::string line;
  for (const char c : what + "\n") {
    line += c;
    if (c != '\n') continue;
    fmt::print(stderr, "sluice: {}", line);
    line.clear();
  }
  throw CLI::RuntimeError(1);
}

sigset_t block_signals(std::initializer_list<int> numbers) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : numbers) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

}  // namespace sluice

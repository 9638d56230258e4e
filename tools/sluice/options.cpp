#include "tools/sluice/options.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <vector>

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

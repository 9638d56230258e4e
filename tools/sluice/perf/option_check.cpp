#include "tools/sluice/perf/option_check.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>

#include "tools/sluice/options.hpp"

namespace sluice::perf {
namespace {

constexpr std::uint64_t kDatagramBitsPerSecond = 1U << 20;  // without -b

[[noreturn]] void refuse(ErrorCode code) {
  parameter_error(error_text(code));
}

bool is_given(const CLI::App& command, const std::string& name) {
  return command.get_option(name)->count() > 0;
}

// The two families are grouped with a client's options, but are for a server, too.
bool is_for_both(const CLI::Option& option) {
  return option.check_lname("version4") || option.check_lname("version6");
}

void refuse_group(const CLI::App& command, const std::string& group, ErrorCode code) {
  for (const CLI::Option* const option : command.get_options()) {
    if (option->get_group() != group || option->count() == 0 || is_for_both(*option)) continue;
    parameter_error(fmt::format("{}: {}", error_text(code), option->get_name(false, true)));
  }
}

void check_role(const CLI::App& command, const Options& options) {
  const bool server = is_given(command, "--server");
  const bool client = is_given(command, "--client");
  if (server && client) parameter_error(error_text(ErrorCode::both_roles) + ": -s and -c");
  if (!server && !client) refuse(ErrorCode::no_role);
  if (options.role == Role::server) {
    refuse_group(command, kClientGroup, ErrorCode::client_only);
  } else {
    refuse_group(command, kServerGroup, ErrorCode::server_only);
  }
}

void check_exclusions(const CLI::App& command, const Options& options) {
  if (is_given(command, "--reverse") && is_given(command, "--bidir")) {
    refuse(ErrorCode::reverse_and_both);
  }
  if (is_given(command, "--version4") && is_given(command, "--version6")) {
    parameter_error("only one of -4 and -6 may be specified");
  }
  const Parameters& parameters = options.parameters;
  const int ends = static_cast<int>(is_given(command, "--time")) +
                   static_cast<int>(parameters.bytes > 0) + static_cast<int>(parameters.blocks > 0);
  if (ends > 1) refuse(ErrorCode::end_conditions);
  const bool only_sends = parameters.direction == Direction::forward;
  if (options.role == Role::client && only_sends && is_given(command, "--rcv-timeout")) {
    refuse(ErrorCode::receive_timeout_of_sender);
  }
}

void settle_block(const CLI::App& command, Parameters& parameters) {
  const bool udp = parameters.protocol == Protocol::udp;
  const bool by_default = !is_given(command, "--length") || parameters.block_bytes == 0;
  if (by_default) {
    parameters.block_bytes = udp ? 0 : Parameters().block_bytes;
    return;
  }
  const bool fits =
      parameters.block_bytes >= kMinDatagramBytes && parameters.block_bytes <= kMaxDatagramBytes;
  if (!udp || fits) return;
  parameter_error(
      fmt::format("{}: -l {}", error_text(ErrorCode::datagram_bytes), parameters.block_bytes));
}

void settle_parameters(const CLI::App& command, Options& options) {
  Parameters& parameters = options.parameters;
  if (parameters.bytes > 0 || parameters.blocks > 0) parameters.seconds = 0;
  settle_block(command, parameters);
  if (parameters.protocol == Protocol::udp && !is_given(command, "--bitrate")) {
    parameters.bits_per_second = kDatagramBitsPerSecond;
  }
  const std::uint32_t last_port = options.client_port + parameters.all_streams() - 1;
  if (options.client_port > 0 && last_port > UINT16_MAX) {
    parameter_error(fmt::format("{}: the last stream of --cport {} would have {}",
                                error_text(ErrorCode::port), options.client_port, last_port));
  }
}

// A client and a server of ours meet in one namespace.
void settle_device(const CLI::App& command, Config& config) {
  if (!is_given(command, "--tun")) config.tun_name = "tun2";
  if (is_given(command, "--address")) return;
  config.addresses.clear();
  for (const char* const address : {"10.0.6.100/24", "fd06::100/64"}) {
    config.addresses.push_back(Cidr::parse(address).value());
  }
}

}  // namespace

void parameter_error(const std::string& what) {
  fail("parameter error - " + what);
}

void settle(const CLI::App& command, Options& options) {
  check_role(command, options);
  check_exclusions(command, options);
  if (options.role == Role::server) return;
  if (options.host.empty()) parameter_error("-c needs the name or address of a server");
  settle_parameters(command, options);
  settle_device(command, options.config);
}

}  // namespace sluice::perf

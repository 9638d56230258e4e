#include "tests/scripts/runner/settings.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <map>
#include <variant>

namespace sluice::script {
namespace {

using Member = std::variant<std::uint8_t sluice_config::*, std::int8_t sluice_config::*,
                            std::uint16_t sluice_config::*, std::uint32_t sluice_config::*,
                            std::uint64_t sluice_config::*>;

#define SLUICE_MEMBER(name) \
  { #name, &sluice_config::name }

// Each number in a sluice_config goes by its own name.
const std::map<std::string_view, Member>& members() {
  static const std::map<std::string_view, Member> kMembers = {SLUICE_MEMBER(mtu),
                                                              SLUICE_MEMBER(strict),
                                                              SLUICE_MEMBER(max_sockets),
                                                              SLUICE_MEMBER(max_connections),
                                                              SLUICE_MEMBER(max_time_waits),
                                                              SLUICE_MEMBER(max_memory),
                                                              SLUICE_MEMBER(seed),
                                                              SLUICE_MEMBER(ttl),
                                                              SLUICE_MEMBER(first_ephemeral_port),
                                                              SLUICE_MEMBER(last_ephemeral_port),
                                                              SLUICE_MEMBER(sack),
                                                              SLUICE_MEMBER(timestamps),
                                                              SLUICE_MEMBER(window_scaling),
                                                              SLUICE_MEMBER(ecn),
                                                              SLUICE_MEMBER(window_scale),
                                                              SLUICE_MEMBER(nagle),
                                                              SLUICE_MEMBER(initial_window),
                                                              SLUICE_MEMBER(receive_buffer),
                                                              SLUICE_MEMBER(max_receive_buffer),
                                                              SLUICE_MEMBER(send_buffer),
                                                              SLUICE_MEMBER(max_send_buffer),
                                                              SLUICE_MEMBER(autotune_receive),
                                                              SLUICE_MEMBER(autotune_send),
                                                              SLUICE_MEMBER(initial_receive_window),
                                                              SLUICE_MEMBER(initial_rto_us),
                                                              SLUICE_MEMBER(min_rto_us),
                                                              SLUICE_MEMBER(max_rto_us),
                                                              SLUICE_MEMBER(syn_retries),
                                                              SLUICE_MEMBER(syn_ack_retries),
                                                              SLUICE_MEMBER(data_retries),
                                                              SLUICE_MEMBER(quick_acks),
                                                              SLUICE_MEMBER(delayed_ack_us),
                                                              SLUICE_MEMBER(time_wait_us),
                                                              SLUICE_MEMBER(fin_wait_2_us),
                                                              SLUICE_MEMBER(keepalive_idle_us),
                                                              SLUICE_MEMBER(keepalive_interval_us),
                                                              SLUICE_MEMBER(keepalive_probes)};
  return kMembers;
}

[[noreturn]] void refuse(const Option& option, std::string_view wanted) {
  throw SyntaxError(option.place,
                    fmt::format("--{} needs {}, not '{}'", option.name, wanted, option.value));
}

template <typename T>
T number(const Option& option) {
  T value{};
  const char* const end = option.value.data() + option.value.size();
  const auto [rest, error] = std::from_chars(option.value.data(), end, value);
  if (error == std::errc() && rest == end) return value;
  refuse(option, fmt::format("a number from {} to {}", +std::numeric_limits<T>::min(),
                             +std::numeric_limits<T>::max()));
}

IpAddress address(const Option& option) {
  const auto parsed = IpAddress::parse(option.value);
  if (!parsed) refuse(option, "an address");
  return *parsed;
}

IpVersion ip_version(const Option& option) {
  if (option.value == "ipv4") return IpVersion::v4;
  if (option.value == "ipv6") return IpVersion::v6;
  if (option.value == "ipv4-mapped-ipv6") return IpVersion::v4_mapped;
  refuse(option, "ipv4, ipv6 or ipv4-mapped-ipv6");
}

}  // namespace

class SettingsReader {
 public:
  explicit SettingsReader(Settings& settings) : settings_(settings) {}

  void read(const std::vector<Option>& options) {
    for (const Option& option : options) before_the_profile(option);
    const int error =
        sluice_config_init(&config(), sizeof(sluice_config), settings_.profile.c_str());
    if (error != 0) throw SyntaxError({}, "no profile is called '" + settings_.profile + "'");
    config().seed = 1;
    for (const Option& option : options) apply(option);
    settle_addresses(options);
  }

 private:
  sluice_config& config() { return settings_.config; }

  // What others build upon, wherever it stands.
  void before_the_profile(const Option& option) {
    if (option.name == "profile") settings_.profile = option.value;
    if (option.name == "ip_version") settings_.ip_version = ip_version(option);
  }

  void apply(const Option& option) {
    if (option.name == "profile" || option.name == "ip_version") return;
    if (const auto found = members().find(option.name); found != members().end()) {
      std::visit([this, &option](auto member) { set(member, option); }, found->second);
    } else if (!apply_to_runner(option) && !apply_to_addresses(option)) {
      throw SyntaxError(option.place, fmt::format("there is no option --{}", option.name));
    }
  }

  template <typename T>
  void set(T sluice_config::*member, const Option& option) {
    config().*member = number<T>(option);
  }

  bool apply_to_runner(const Option& option) {
    if (option.name == "tolerance_usecs") {
      settings_.tolerance = Duration::microseconds(number<std::uint32_t>(option));
    } else if (option.name == "tcp_ts_tick_usecs") {
      settings_.timestamp_tick_us = number<std::uint32_t>(option);
    } else if (option.name == "bind_port") {
      settings_.bind_port = number<std::uint16_t>(option);
    } else if (option.name == "connect_port") {
      settings_.connect_port = number<std::uint16_t>(option);
    } else if (option.name == "remote_port") {
      settings_.remote_port = number<std::uint16_t>(option);
    } else {
      return false;
    }
    return true;
  }

  bool apply_to_addresses(const Option& option) {
    if (option.name == "local_ip") {
      settings_.local = address(option);
    } else if (option.name == "remote_ip") {
      settings_.remote = address(option);
    } else if (option.name == "addresses") {
      settings_.addresses_ = option.value;
    } else if (option.name == "congestion") {
      settings_.congestion_ = option.value;
      config().congestion = settings_.congestion_.c_str();
    } else {
      return false;
    }
    return true;
  }

  // packetdrill's own defaults.
  void settle_addresses(const std::vector<Option>& options) {
    const bool is_v6 = settings_.is_v6();
    if (settings_.local.is_unspecified()) {
      settings_.local = *IpAddress::parse(is_v6 ? "fd3d:0a0b:17d6::1" : "192.168.0.1");
    }
    if (settings_.remote.is_unspecified()) {
      settings_.remote = *IpAddress::parse(is_v6 ? "2001:db8::1" : "192.0.2.1");
    }
    if (settings_.addresses_.empty()) settings_.addresses_ = settings_.local.to_string();
    config().addresses = settings_.addresses_.c_str();
    const std::string problem = sluice_config_problem(&config());
    if (!problem.empty()) {
      throw SyntaxError(options.empty() ? Place{} : options.back().place, problem);
    }
  }

  Settings& settings_;
};

void read_settings(const std::vector<Option>& options, Settings& settings) {
  SettingsReader(settings).read(options);
}

}  // namespace sluice::script

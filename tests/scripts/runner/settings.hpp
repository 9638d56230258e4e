// What the lines --name=value of a script set.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/sluice.h"
#include "proto/base/time.hpp"
#include "proto/wire/address.hpp"
#include "tests/scripts/runner/script.hpp"

namespace sluice::script {

enum class IpVersion : std::uint8_t { v4, v6, v4_mapped };  // the last: AF_INET6 sockets over IPv4

struct Settings {
  std::string profile = "linux";
  IpVersion ip_version = IpVersion::v4;
  IpAddress local, remote;
  std::uint16_t bind_port = 8080;      // where bind(..., ...) binds
  std::uint16_t connect_port = 8080;   // where connect(..., ...) connects to
  std::uint16_t remote_port = 40'000;  // of a peer that connects to us
  // How far from its time an event may be. What needs any is the wheel of timers: its ticks last
  // 65.5 us, it is late rather than early, and what one retry lost is lost to the next as well.
  Duration tolerance = Duration::milliseconds(1);
  std::uint32_t timestamp_tick_us = 1000;  // of TS val; 0: it is not compared

  // Valid as long as this object is neither copied nor changed.
  sluice_config config{};

  bool is_v6() const { return ip_version == IpVersion::v6; }

 private:
  friend class SettingsReader;
  std::string addresses_, congestion_;
};

// `settings` is filled in place, since the config points into it. Throws SyntaxError: an option or
// a value that there is not.
void read_settings(const std::vector<Option>& options, Settings& settings);

}  // namespace sluice::script

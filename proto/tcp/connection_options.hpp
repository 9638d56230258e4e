// What an application may choose for one connection, beside what all share (Settings).
#pragma once

#include <cstdint>

#include "proto/tcp/constants.hpp"

namespace sluice::tcp {

struct ConnectionOptions {
  explicit ConnectionOptions(const Settings& settings)
      : keepalive_interval(settings.keepalive_interval),
        user_timeout(settings.user_timeout),
        fin_wait_2_timeout(settings.fin_wait_2_timeout),
        keepalive_probes(settings.keepalive_probes),
        syn_retries(settings.syn_retries) {}

  Duration keepalive_idle;  // zero: off (RFC 9293 MUST-25)
  Duration keepalive_interval;
  Duration user_timeout;
  Duration fin_wait_2_timeout;
  std::uint32_t keepalive_probes;
  std::uint32_t syn_retries;
  std::uint32_t max_segment = 0;     // payload bytes with TCP's options; zero: as the path allows
  std::uint32_t receive_buffer = 0;  // bytes, for good; zero: grown as the path deserves it
  std::uint32_t send_buffer = 0;     // likewise
  std::uint32_t defer_accept = 0;    // timeouts of a SYN-ACK; zero: not
  std::uint32_t unsent_low_water = UINT32_MAX;  // bytes that may wait to be sent
  bool has_user_timeout = false;                // it was set here: it bounds a SYN's patience, too
};

}  // namespace sluice::tcp

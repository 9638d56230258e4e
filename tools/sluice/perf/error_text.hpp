// Why a test failed, in the numbers that peers send each other and the words that iperf3 prints.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::perf {

enum class ErrorCode : std::int32_t {
  none = 0,
  // Of the command line.
  both_roles = 1,
  no_role = 2,
  server_only = 3,
  client_only = 4,
  duration = 5,
  streams = 6,
  block_bytes = 7,
  buffer_bytes = 8,
  interval = 9,
  mss = 10,
  omit = 12,
  not_implemented = 13,
  burst = 15,
  end_conditions = 16,
  log_file = 17,
  no_sctp = 18,
  datagram_bytes = 20,
  tos = 21,
  format = 24,
  reverse_and_both = 25,
  port = 26,
  rate_above_limit = 27,
  idle_timeout = 30,
  receive_timeout = 31,
  receive_timeout_of_sender = 32,
  send_timeout = 33,
  // Of the control connection.
  new_test = 100,
  init_test = 101,
  listen = 102,
  connect = 103,
  accept = 104,
  send_cookie = 105,
  receive_cookie = 106,
  control_write = 107,
  control_read = 108,
  control_closed = 109,
  unknown_message = 110,
  send_message = 111,
  receive_message = 112,
  send_parameters = 113,
  receive_parameters = 114,
  package_results = 115,
  send_results = 116,
  receive_results = 117,
  select = 118,
  client_terminated = 119,
  server_terminated = 120,
  busy = 121,
  set_nodelay = 122,
  set_mss = 123,
  set_buffer = 124,
  set_tos = 125,
  set_traffic_class = 126,
  set_flow_label = 127,
  protocol = 131,
  affinity = 132,
  set_congestion = 134,
  pid_file = 135,
  set_pacing = 140,
  buffer_not_set = 141,
  not_authorized = 142,
  no_traffic = 144,
  dont_fragment = 145,
  // Of the streams.
  create_stream = 200,
  init_stream = 201,
  stream_listen = 202,
  stream_connect = 203,
  stream_accept = 204,
  stream_write = 205,
  stream_read = 206,
  stream_closed = 207,
  stream_id = 208,
};

// "unable to connect to server: Connection refused". `system_errno` is named where iperf3 does so,
// unless it is 0. The code may be any number, as it may come from the peer.
std::string error_text(ErrorCode code, int system_errno = 0);

}  // namespace sluice::perf

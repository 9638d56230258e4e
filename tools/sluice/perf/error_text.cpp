#include "tools/sluice/perf/error_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>

namespace sluice::perf {
namespace {

struct Text {
  ErrorCode code;
  bool names_errno;
  std::string_view text;
};

using enum ErrorCode;

constexpr auto kTexts = std::to_array<Text>({
    {none, false, "no error"},
    {both_roles, false, "cannot be both server and client"},
    {no_role, false, "must either be a client (-c) or server (-s)"},
    {server_only, false, "some option you are trying to set is server only"},
    {client_only, false, "some option you are trying to set is client only"},
    {duration, false, "test duration too long (maximum = 86400 seconds)"},
    {streams, false, "number of parallel streams too large (maximum = 128)"},
    {block_bytes, false, "block size too large (maximum = 1048576 bytes)"},
    {buffer_bytes, false, "socket buffer size too large (maximum = 536870912 bytes)"},
    {interval, false, "invalid report interval (min = 0.1, max = 60 seconds)"},
    {mss, false, "TCP MSS too large (maximum = 9216 bytes)"},
    {omit, false, "bogus value for --omit"},
    {not_implemented, false, "an option you are trying to set is not implemented yet"},
    {burst, false, "invalid burst count (maximum = 1000)"},
    {end_conditions, false, "only one test end condition (-t, -n, -k) may be specified"},
    {log_file, true, "unable to open log file"},
    {no_sctp, false, "no SCTP support available"},
    {datagram_bytes, false, "block size invalid (minimum = 16 bytes, maximum = 65507 bytes)"},
    {tos, false, "bad TOS value (must be between 0 and 255 inclusive)"},
    {format, false, "bad format specifier (valid formats are in the set [kmgtKMGT])"},
    {reverse_and_both, false, "cannot be both reverse and bidirectional"},
    {port, false, "port number must be between 1 and 65535 inclusive"},
    {rate_above_limit, false, "total required bandwidth is larger than server limit"},
    {idle_timeout, false, "idle timeout parameter is not positive or larger than allowed limit"},
    {receive_timeout, true, "receive timeout value is incorrect or not in range"},
    {receive_timeout_of_sender, true, "client receive timeout is valid only in receiving mode"},
    {send_timeout, true, "send timeout value is incorrect or not in range"},
    {new_test, true, "unable to create a new test"},
    {init_test, true, "test initialization failed"},
    {listen, true, "unable to start listener for connections"},
    {connect, true, "unable to connect to server"},
    {accept, true, "unable to accept connection from client"},
    {send_cookie, true, "unable to send cookie to server"},
    {receive_cookie, true, "unable to receive cookie at server"},
    {control_write, true, "unable to write to the control socket"},
    {control_read, true, "unable to read from the control socket"},
    {control_closed, false, "control socket has closed unexpectedly"},
    {unknown_message, false, "received an unknown control message"},
    {send_message, true, "unable to send control message"},
    {receive_message, true, "unable to receive control message"},
    {send_parameters, true, "unable to send parameters to server"},
    {receive_parameters, true, "unable to receive parameters from client"},
    {package_results, true, "unable to package results"},
    {send_results, true, "unable to send results"},
    {receive_results, true, "unable to receive results"},
    {select, true, "select failed"},
    {client_terminated, false, "the client has terminated"},
    {server_terminated, false, "the server has terminated"},
    {busy, false, "the server is busy running a test. try again later"},
    {set_nodelay, true, "unable to set TCP/SCTP NODELAY"},
    {set_mss, true, "unable to set TCP/SCTP MSS"},
    {set_buffer, true, "unable to set socket buffer size"},
    {set_tos, true, "unable to set IP TOS"},
    {set_traffic_class, true, "unable to set IPv6 traffic class"},
    {set_flow_label, false, "unable to set IPv6 flow label"},
    {protocol, false, "protocol does not exist"},
    {affinity, true, "unable to set CPU affinity"},
    {set_congestion, false,
     "unable to set TCP_CONGESTION: Supplied congestion control algorithm not supported on this "
     "host"},
    {pid_file, true, "unable to write PID file"},
    {set_pacing, true, "unable to set socket pacing"},
    {buffer_not_set, false, "socket buffer size not set correctly"},
    {not_authorized, false, "test authorization failed"},
    {no_traffic, false, "idle timeout for receiving data"},
    {dont_fragment, false, "unable to set IP Do-Not-Fragment flag"},
    {create_stream, true, "unable to create a new stream"},
    {init_stream, true, "unable to initialize stream"},
    {stream_listen, true, "unable to start stream listener"},
    {stream_connect, true, "unable to connect stream"},
    {stream_accept, true, "unable to accept stream connection"},
    {stream_write, true, "unable to write to stream socket"},
    {stream_read, true, "unable to read from stream socket"},
    {stream_closed, false, "stream socket has closed unexpectedly"},
    {stream_id, false, "stream has an invalid id"},
});

}  // namespace

std::string error_text(ErrorCode code, int system_errno) {
  const auto* const found = std::ranges::find(kTexts, code, &Text::code);
  const bool is_known = found != kTexts.end();
  std::string text = is_known ? std::string(found->text)
                              : fmt::format("int_errno={}", static_cast<std::int32_t>(code));
  if (system_errno == 0 || (is_known && !found->names_errno)) return text;
  return text + ": " + std::generic_category().message(system_errno);
}

}  // namespace sluice::perf

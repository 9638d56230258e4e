#include "tests/scripts/runner/calls.hpp"

#include <fmt/format.h>

#include <map>

namespace sluice::script {
namespace {

using Simple = Outcome (*)(World&, const Arguments&);

struct Signature {
  Simple call;  // null: it needs more than its arguments
  std::size_t least, most;
};

const std::map<std::string_view, Signature>& signatures() {
  static const std::map<std::string_view, Signature> kSignatures = {
      {"socket", {call_socket, 3, 3}},
      {"bind", {call_bind, 3, 3}},
      {"listen", {call_listen, 2, 2}},
      {"accept", {call_accept, 3, 3}},
      {"accept4", {call_accept, 4, 4}},
      {"connect", {call_connect, 3, 3}},
      {"shutdown", {call_shutdown, 2, 2}},
      {"close", {call_close, 1, 1}},
      {"getsockname", {call_getsockname, 3, 3}},
      {"getpeername", {call_getpeername, 3, 3}},
      {"setsockopt", {call_setsockopt, 5, 5}},
      {"getsockopt", {call_getsockopt, 5, 5}},
      {"fcntl", {call_fcntl, 2, 3}},
      {"ioctl", {call_ioctl, 3, 3}},
      {"poll", {nullptr, 3, 3}},
      {"write", {nullptr, 3, 3}},
      {"send", {nullptr, 4, 4}},
      {"sendto", {nullptr, 6, 6}},
      {"writev", {nullptr, 3, 3}},
      {"sendmsg", {nullptr, 3, 3}},
      {"read", {call_read, 3, 3}},
      {"recv", {call_read, 4, 4}},
      {"recvfrom", {call_read, 6, 6}},
      {"readv", {call_read, 3, 3}},
      {"recvmsg", {call_read, 3, 3}},
  };
  return kSignatures;
}

Place place_of(const Call& call) {
  return call.arguments.empty() ? call.result.place : call.arguments.front().place;
}

}  // namespace

Outcome make_call(World& world, const Call& call, Progress& progress) {
  const auto found = signatures().find(call.name);
  if (found == signatures().end()) {
    throw SyntaxError(place_of(call), fmt::format("there is no system call {}", call.name));
  }
  const Arguments arguments(world, call, place_of(call));
  arguments.expect_count(found->second.least, found->second.most);
  if (found->second.call != nullptr) return found->second.call(world, arguments);
  if (call.name == "poll") return call_poll(world, arguments, progress);
  return call_write(world, arguments, progress);
}

}  // namespace sluice::script

// System calls of a script, on the sockets of sluice.h.
#pragma once

#include <cstdint>
#include <string>

#include "tests/scripts/runner/arguments.hpp"
#include "tests/scripts/runner/script.hpp"
#include "tests/scripts/runner/world.hpp"

namespace sluice::script {

// How far a call has come that waits, and is tried again and again.
struct Progress {
  bool waits = false;        // the script says until when
  Duration begin;            // when it was called
  std::int64_t written = 0;  // bytes that were taken before
};

// What one try of a call gave.
struct Outcome {
  std::int64_t result = 0;  // or a negative errno value, as sluice.h returns it
  bool again = false;       // it would have to wait
  std::string wrong;        // what is not as expected in what it filled in; empty: nothing
};

// Throws SyntaxError: no such call, or arguments that it cannot have.
Outcome make_call(World& world, const Call& call, Progress& progress);

// The calls by what they are about; each is given the arguments of its own name.
Outcome call_socket(World& world, const Arguments& arguments);
Outcome call_bind(World& world, const Arguments& arguments);
Outcome call_listen(World& world, const Arguments& arguments);
Outcome call_accept(World& world, const Arguments& arguments);
Outcome call_connect(World& world, const Arguments& arguments);
Outcome call_shutdown(World& world, const Arguments& arguments);
Outcome call_close(World& world, const Arguments& arguments);
Outcome call_getsockname(World& world, const Arguments& arguments);
Outcome call_getpeername(World& world, const Arguments& arguments);

Outcome call_setsockopt(World& world, const Arguments& arguments);
Outcome call_getsockopt(World& world, const Arguments& arguments);
Outcome call_fcntl(World& world, const Arguments& arguments);
Outcome call_ioctl(World& world, const Arguments& arguments);
Outcome call_poll(World& world, const Arguments& arguments, const Progress& progress);

// write, send, sendto, writev, sendmsg
Outcome call_write(World& world, const Arguments& arguments, Progress& progress);
// read, recv, recvfrom, readv, recvmsg
Outcome call_read(World& world, const Arguments& arguments);

// The ends of a connection, looked up once it has both; null before.
const Endpoints* ends_of(World& world, Descriptor& descriptor);

}  // namespace sluice::script

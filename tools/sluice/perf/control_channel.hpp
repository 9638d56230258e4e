// The control connection of a test: states, documents and errors on a stream.
//
//     auto state = flat(co_await channel.read_state().within(Duration::seconds(10)));
//
// Nothing is read ahead: bytes behind those that were asked for stay in the stream.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/coroutine.hpp"
#include "tools/sluice/perf/error_text.hpp"
#include "tools/sluice/perf/state.hpp"

namespace sluice::perf {

// Exactly so many bytes, however they come: also the cookie in front of a data stream. What came
// before the stream ended is lost. `stream` outlives the task.
co::Task<co::Result<std::string>> read_exactly(co::Stream& stream, std::uint32_t count);

// The limit of a task, and what the task came to, in one.
template <class T>
co::Result<T> flat(co::Result<co::Result<T>> result) {
  if (!result) return result.outcome();
  return *std::move(result);
}

// On the core of its stream, as are all tasks that it gives, which it outlives. One may read and
// one may write at a time.
class ControlChannel {
 public:
  // Sends without delay (TCP_NODELAY), as each message is answered. As nothing is said while a test
  // runs, a peer that is idle is asked whether it is still there (SO_KEEPALIVE).
  explicit ControlChannel(co::Stream stream);

  // What the peer says of itself in State::server_error. Its errno is 0 when it is not said.
  struct PeerError {
    ErrorCode code = ErrorCode::none;
    int system_errno = 0;
  };

  // Any value of a byte.
  co::Task<co::Result<State>> read_state();
  // Without its length. Throws BadDocument when it is longer than `max_bytes`, before anything is
  // allocated.
  co::Task<co::Result<std::string>> read_document(std::uint32_t max_bytes);
  // Behind State::server_error.
  co::Task<co::Result<PeerError>> read_error();

  co::Task<co::Result<>> write(std::string bytes);
  co::Task<co::Result<>> write_state(State state);
  co::Task<co::Result<>> write_document(std::string_view text);
  // With its state in front.
  co::Task<co::Result<>> write_error(ErrorCode code, int system_errno);

  co::Stream& stream() { return stream_; }

 private:
  co::Stream stream_;
};

}  // namespace sluice::perf

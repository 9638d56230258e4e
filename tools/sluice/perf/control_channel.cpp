#include "tools/sluice/perf/control_channel.hpp"

#include <fmt/format.h>

#include <array>

#include "proto/base/bytes.hpp"
#include "tools/sluice/perf/document.hpp"

namespace sluice::perf {
namespace {

constexpr std::uint32_t kIntegerBytes = 4;  // big-endian
constexpr Duration kIdle = Duration::seconds(5);

std::uint32_t integer_in(std::string_view bytes) {
  return load_be32(reinterpret_cast<const std::uint8_t*>(bytes.data()));
}

std::string integer_bytes(std::uint32_t value) {
  std::array<std::uint8_t, kIntegerBytes> bytes{};
  store_be32(bytes.data(), value);
  return {bytes.begin(), bytes.end()};
}

std::string state_bytes(State state) {
  return {static_cast<char>(state)};
}

}  // namespace

co::Task<co::Result<std::string>> read_exactly(co::Stream& stream, std::uint32_t count) {
  std::string bytes;
  while (bytes.size() < count) {
    auto more = co_await stream.read(count - static_cast<std::uint32_t>(bytes.size()));
    if (!more) co_return more.outcome();
    bytes.append(reinterpret_cast<const char*>(more->data()), more->size());
  }
  co_return bytes;
}

ControlChannel::ControlChannel(co::Stream stream) : stream_(std::move(stream)) {
  if (stream_.raw() == nullptr) return;
  stream_.raw()->set_nodelay(true);
  stream_.raw()->set_keepalive(kIdle);
}

co::Task<co::Result<State>> ControlChannel::read_state() {
  auto byte = co_await read_exactly(stream_, 1);
  if (!byte) co_return byte.outcome();
  co_return static_cast<State>(byte->front());
}

co::Task<co::Result<std::string>> ControlChannel::read_document(std::uint32_t max_bytes) {
  auto length = co_await read_exactly(stream_, kIntegerBytes);
  if (!length) co_return length.outcome();
  const std::uint32_t bytes = integer_in(*length);
  if (bytes > max_bytes) {
    throw BadDocument(
        fmt::format("a document of {} bytes: at most {} are taken", bytes, max_bytes));
  }
  co_return co_await read_exactly(stream_, bytes);
}

co::Task<co::Result<ControlChannel::PeerError>> ControlChannel::read_error() {
  auto code = co_await read_exactly(stream_, kIntegerBytes);
  if (!code) co_return code.outcome();
  PeerError error;
  error.code = static_cast<ErrorCode>(integer_in(*code));
  // Stock 3.12 closes without one when authorization has failed.
  auto system_errno = co_await read_exactly(stream_, kIntegerBytes);
  if (system_errno) error.system_errno = static_cast<int>(integer_in(*system_errno));
  co_return error;
}

co::Task<co::Result<>> ControlChannel::write(std::string bytes) {
  co_return co_await stream_.write(std::string_view(bytes));
}

co::Task<co::Result<>> ControlChannel::write_state(State state) {
  return write(state_bytes(state));
}

co::Task<co::Result<>> ControlChannel::write_document(std::string_view text) {
  return write(integer_bytes(static_cast<std::uint32_t>(text.size())) + std::string(text));
}

co::Task<co::Result<>> ControlChannel::write_error(ErrorCode code, int system_errno) {
  return write(state_bytes(State::server_error) + integer_bytes(static_cast<std::uint32_t>(code)) +
               integer_bytes(static_cast<std::uint32_t>(system_errno)));
}

}  // namespace sluice::perf

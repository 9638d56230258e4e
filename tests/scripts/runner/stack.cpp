#include "tests/scripts/runner/stack.hpp"

#include <fmt/format.h>

#include <limits>
#include <stdexcept>

#include "tests/scripts/runner/symbols.hpp"

namespace sluice::script {
namespace {

// Some time after the machine's start; whole milliseconds, of which TS val are made.
constexpr std::uint64_t kStartNs = 1'000'000'000'000;
constexpr std::size_t kLongestPacket = 65'535;
constexpr int kManyStillSteps = 10'000;

}  // namespace

Stack::Stack(const sluice_config& config) : buffer_(kLongestPacket) {
  sluice_stack* stack = nullptr;
  const int error = sluice_stack_create(&config, &stack);
  if (error != 0) {
    throw std::runtime_error("sluice_stack_create returned " + error_text(-error));
  }
  stack_.reset(stack);
  sluice_advance(stack, clock());
}

std::uint64_t Stack::clock() const {
  return kStartNs + static_cast<std::uint64_t>(now_.ns());
}

void Stack::input(Bytes packet) {
  collect();
  sluice_input(get(), packet.data(), packet.size(), clock());
  collect();
}

void Stack::collect() {
  while (true) {
    const ssize_t length = sluice_output(get(), buffer_.data(), buffer_.size(), clock());
    if (length < 0) {
      throw std::runtime_error("sluice_output returned " + error_text(static_cast<int>(-length)));
    }
    if (length == 0) return;
    outputs_.push_back({now_, Octets(buffer_.begin(), buffer_.begin() + length)});
  }
}

std::optional<Duration> Stack::next_deadline() const {
  const std::uint64_t deadline = sluice_next_deadline(get());
  if (deadline == std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
  const auto ns = static_cast<std::int64_t>(deadline - std::min(deadline, kStartNs));
  return std::max(now_, Duration::nanoseconds(ns));
}

bool Stack::step(Duration limit) {
  collect();
  const auto deadline = next_deadline();
  const bool reached = !deadline || *deadline > limit;
  const Duration next = reached ? std::max(now_, limit) : *deadline;
  still_steps_ = next > now_ || reached ? 0 : still_steps_ + 1;
  if (still_steps_ > kManyStillSteps) {
    throw std::runtime_error(fmt::format("the stack's deadline stands still at {:.6f}",
                                         static_cast<double>(now_.ns()) / 1e9));
  }
  now_ = next;
  sluice_advance(get(), clock());
  collect();
  return !reached;
}

const Stack::Output* Stack::front() {
  collect();
  return outputs_.empty() ? nullptr : &outputs_.front();
}

Stack::Output Stack::take_front() {
  Output output = std::move(outputs_.front());
  outputs_.pop_front();
  return output;
}

}  // namespace sluice::script

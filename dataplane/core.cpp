#include "dataplane/core.hpp"

#include <algorithm>
#include <stdexcept>

namespace sluice {
namespace {

constexpr int kTimersPerTurn = 256;

thread_local Core* current_core = nullptr;

}  // namespace

Core::~Core() {
  if (current_core == this) current_core = nullptr;
}

Core* Core::current() {
  return current_core;
}

Core& Core::here() {
  if (current_core != nullptr) return *current_core;
  throw std::logic_error("not on the core of a worker: bring it there with Engine::post");
}

void Core::enter() {
  current_core = this;
}

void Core::arm(Timer& timer, Duration from_now) {
  if (from_now >= Instant::never() - now_) return timer.disarm();
  wheel_.arm(timer, now_ + std::max(from_now, Duration()));
}

void Core::on_time() {
  for (int fired = 0; fired < kTimersPerTurn; ++fired) {
    WheelNode* const node = wheel_.pop_due(now_);
    if (node == nullptr) return;
    static_cast<Timer&>(*node).on_timer();
  }
}

void Core::begin_stop() {
  is_stopping_ = true;
  residents_.for_each([](Resident& resident) { resident.on_stopping(); });
}

void Core::end() {
  has_ended_ = true;
  while (!residents_.empty()) residents_.pop_front().on_core_end();
  wheel_.clear();
}

}  // namespace sluice

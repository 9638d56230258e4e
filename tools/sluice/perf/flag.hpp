// Something happens once, and a coroutine of the same core waits for it.
#pragma once

#include "dataplane/coroutine.hpp"

namespace sluice::perf {

class Flag;

class [[nodiscard]] FlagWait final : public co::Limited<FlagWait> {
 public:
  explicit FlagWait(Flag& flag) : Limited(true), flag_(&flag) {}
  ~FlagWait() { detach(); }

  bool await_ready() const;
  bool await_suspend(std::coroutine_handle<> waiting);
  co::Result<> await_resume();

 private:
  friend class Flag;
  void detach() override;

  Flag* flag_;
};

class Flag {
 public:
  Flag() = default;
  Flag(const Flag&) = delete;
  Flag& operator=(const Flag&) = delete;

  // Whoever waits goes on before this returns.
  void raise();
  bool is_raised() const { return is_raised_; }
  // For one at a time. The flag outlives who waits.
  FlagWait raised() { return FlagWait(*this); }

 private:
  friend class FlagWait;

  bool is_raised_ = false;
  FlagWait* waiting_ = nullptr;
};

}  // namespace sluice::perf

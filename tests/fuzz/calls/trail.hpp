// The calls that were made, and how a run ends when one of them breaks its promise.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace sluice::calls {

struct Call {
  const char* name = "";
  std::uint32_t stack = 0;
  std::int64_t handle = 0;  // or whatever comes first
  std::int64_t second = 0;
  std::int64_t third = 0;
  std::uint64_t now_ns = 0;
  std::int64_t result = 0;
};

class Trail {
 public:
  // A new world begins; `how` is the command line that repeats it.
  void begin(std::string how);
  void note(const Call& call);
  // The result is a promised one: at least 0, or one of `errors`, negative. -EBADF, -EINVAL and
  // -EBUSY are everybody's, -ENOMEM while memory is refused.
  void judge(const Call& call, std::span<const int> errors);
  // Prints what was called last, and ends the program.
  [[noreturn]] void fail(const std::string& what) const;

  void refuses_memory(bool on) { refuses_memory_ = on; }
  std::uint64_t calls() const { return calls_; }
  // One line for each call and result that there was.
  std::string summary() const;

 private:
  static constexpr std::size_t kRemembered = 40;

  // How often a call had which result; without allocation, so that leaks show.
  struct Results {
    const char* name = nullptr;
    std::uint64_t good = 0;
    std::array<std::uint64_t, 256> errors{};  // by errno value
  };

  std::string how_;
  std::array<Call, kRemembered> last_;
  std::uint64_t calls_ = 0;
  std::uint64_t calls_before_ = 0;  // in other worlds
  bool refuses_memory_ = false;
  std::array<Results, 40> results_{};
};

// "EINVAL"; "" for what is none.
std::string name_of_error(std::int64_t result);

}  // namespace sluice::calls

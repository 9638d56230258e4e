// A million calls of the C interface, in random order and with random arguments and packets, all
// from one seed: each misuse must return its errno, the bytes that arrive must be those that were
// sent, and nothing may be left when stacks are destroyed. Meant for AddressSanitizer and
// UndefinedBehaviorSanitizer (CONTRIBUTING.md).
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include "tests/fuzz/calls/world.hpp"
#include "tests/support/replace_new.hpp"

namespace sluice::calls {
namespace {

constexpr const char* kUsage =
    "usage: sluice_calls [--calls N] [--seed N] [--seconds N] [--verbose]\n"
    "  --calls    how many calls to make (1000000)\n"
    "  --seed     of the first world (1); each further one has the next number\n"
    "  --seconds  ends after so long, whatever is left (no limit)\n"
    "  --verbose  prints how often each call returned what\n";

constexpr std::uint64_t kCallsOfAWorld = 4000;

struct Arguments {
  std::uint64_t calls = 1'000'000;
  std::uint64_t seed = 1;
  std::uint64_t seconds = 1 << 30;
  bool verbose = false;
};

bool read_number(const char* text, std::uint64_t& number) {
  const char* const end = text + std::strlen(text);
  const auto [behind, error] = std::from_chars(text, end, number);
  return error == std::errc() && behind == end;
}

std::optional<Arguments> read_arguments(int count, char** texts) {
  Arguments read;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = texts[i];
    if (name == "--verbose") {
      read.verbose = true;
      continue;
    }
    std::uint64_t* const value = name == "--calls"     ? &read.calls
                                 : name == "--seed"    ? &read.seed
                                 : name == "--seconds" ? &read.seconds
                                                       : nullptr;
    if (value == nullptr || ++i == count || !read_number(texts[i], *value)) return {};
  }
  return read;
}

void run_world(Trail& trail, std::uint64_t seed, std::uint64_t calls) {
  calls = std::min(calls, kCallsOfAWorld);
  trail.begin("sluice_calls --seed " + std::to_string(seed) + " --calls " + std::to_string(calls));
  const std::uint64_t before = test::allocations.live;
  World(trail, seed, calls).run();
  const std::uint64_t left = test::allocations.live - before;
  if (left != 0) trail.fail(std::to_string(left) + " allocations were never given back");
}

int run(const Arguments& arguments) {
  const auto begin = std::chrono::steady_clock::now();
  Trail trail;
  std::uint64_t seed = arguments.seed;
  while (trail.calls() < arguments.calls) {
    run_world(trail, seed++, arguments.calls - trail.calls());
    const auto spent = std::chrono::steady_clock::now() - begin;
    if (spent >= std::chrono::seconds(arguments.seconds)) break;
  }
  if (arguments.verbose) std::fputs(trail.summary().c_str(), stdout);
  std::printf("%llu calls in %llu worlds, no finding\n",
              static_cast<unsigned long long>(trail.calls()),
              static_cast<unsigned long long>(seed - arguments.seed));
  return 0;
}

}  // namespace
}  // namespace sluice::calls

int main(int count, char** texts) {
  const auto arguments = sluice::calls::read_arguments(count, texts);
  if (!arguments) {
    std::fputs(sluice::calls::kUsage, stderr);
    return 2;
  }
  return sluice::calls::run(*arguments);
}

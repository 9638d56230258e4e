#include "tests/scripts/runner/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <list>

#include "tests/scripts/runner/calls.hpp"
#include "tests/scripts/runner/compare.hpp"
#include "tests/scripts/runner/notation.hpp"
#include "tests/scripts/runner/run_code.hpp"
#include "tests/scripts/runner/symbols.hpp"
#include "tests/scripts/runner/wire_tap.hpp"

namespace sluice::script {
namespace {

// How long a packet that may come at any time (*) is waited for.
constexpr Duration kPatience = Duration::seconds(3600);
// How far a message looks ahead for a packet that did not come in time.
constexpr Duration kForesight = Duration::seconds(200);

// Not as the script says.
class Mismatch : public std::runtime_error {
 public:
  Mismatch(int at, const std::string& what) : std::runtime_error(what), line(at) {}
  int line;
};

std::string seconds(Duration time) {
  return fmt::format("{:.6f}", static_cast<double>(time.ns()) / 1e9);
}

const Packet* expected_packet(const Event& event) {
  const auto* packet = std::get_if<Packet>(&event.what);
  return packet != nullptr && packet->direction == Direction::out ? packet : nullptr;
}

std::string result_text(std::int64_t result) {
  return result < 0 ? "-1 " + error_text(static_cast<int>(-result)) : fmt::format("{}", result);
}

std::string wanted_text(const Call& call) {
  return call.error ? "-1 " + error_text(*call.error) : to_string(call.result);
}

bool is_as_wanted(const Call& call, std::int64_t result) {
  if (call.error) return result == -*call.error;
  return call.result.is_any() ? result >= 0 : result == call.result.number;
}

struct Span {
  Duration from, to;
};

class Run {
 public:
  Run(const Script& script, const Settings& settings, const RunOptions& options)
      : script_(script),
        options_(options),
        tolerance_(settings.tolerance),
        world_(settings),
        tap_(world_) {}

  void all() {
    for (std::size_t i = 0; i < script_.events.size(); ++i) one(i);
    finish();
  }

 private:
  // A call that has not returned.
  struct Waiting {
    const Call* call;
    int line;
    Duration until;
    Progress progress;
  };

  // --- when -------------------------------------------------------------------------------------

  Span when(const Event& event) const {
    const EventTime& time = event.time;
    if (time.kind == EventTime::Kind::any) return {Duration(), now() + kPatience};
    const Duration base = base_of(event);
    if (base + time.from < last_) {
      throw Mismatch(event.place.line, fmt::format("time runs backwards: {} comes after {}",
                                                   seconds(base + time.from), seconds(last_)));
    }
    return {base + time.from, base + time.to};
  }
  Duration base_of(const Event& event) const {
    return event.time.kind == EventTime::Kind::relative ? last_ : Duration();
  }
  Duration now() const { return world_.stack.now(); }

  // Lets time pass; calls that wait are tried as it does. A packet that comes does not stop it.
  void advance_to(Duration time) {
    bool moves = true;
    while (moves || now() < time) {
      moves = world_.stack.step(next_stop(time));
      retry_waiting();
    }
  }
  // No further than where a call must return, and where it is too late for that.
  Duration next_stop(Duration time) const {
    for (const Waiting& waiting : waiting_) {
      for (const Duration stop : {waiting.until, waiting.until + tolerance_ * 2}) {
        if (stop > now()) time = std::min(time, stop);
      }
    }
    return time;
  }

  // --- events -----------------------------------------------------------------------------------

  void one(std::size_t index) {
    const Event& event = script_.events[index];
    const Span span = when(event);
    if (const Packet* packet = expected_packet(event)) {
      const Duration came = expect(event, *packet, span);
      last_ = span.from == span.to ? span.from : came;
      return;
    }
    advance_to(span.from);
    last_ = span.from;
    complain_of_strays(index);
    note(event);
    if (const auto* call = std::get_if<Call>(&event.what)) {
      start(event, *call);
    } else if (const auto* code = std::get_if<Code>(&event.what)) {
      run(event, *code);
    } else {
      tap_.send(std::get<Packet>(event.what));
    }
    retry_waiting();
  }

  void note(const Event& event) const {
    if (!options_.verbose) return;
    std::string text = "%{ ... }%";
    if (const auto* packet = std::get_if<Packet>(&event.what)) text = to_string(*packet);
    if (const auto* call = std::get_if<Call>(&event.what)) text = call->source;
    options_.say(fmt::format("{} {}", seconds(now()), text));
  }

  void run(const Event& event, const Code& code) {
    try {
      run_code(world_, code, options_.say);
    } catch (const AssertionFailed& failure) {
      throw Mismatch(failure.place.line, failure.what());
    } catch (const NothingToAsk& problem) {
      throw Mismatch(event.place.line, problem.what());
    }
  }

  // --- packets ----------------------------------------------------------------------------------

  // Returns when it came.
  Duration expect(const Event& event, const Packet& packet, Span span) {
    const Duration latest = span.to + tolerance_;
    await_packet(latest);
    if (!tap_.has_packet()) fail_missing(event, packet, span);
    const Seen seen = take(event, &packet);
    const std::string wanted = wanted_time(event, span);
    std::vector<std::string> differing = differences(packet, seen.packet);
    const bool in_time = seen.time + tolerance_ >= span.from && seen.time <= latest;
    if (options_.verbose) {
      options_.say(seconds(seen.time) + " " + to_string(shown_as(packet, seen.packet)));
    }
    if (differing.empty() && in_time && seen.wrong.empty()) return seen.time;
    std::string what =
        differing.empty() ? "" : "in " + fmt::format("{}", fmt::join(differing, ", "));
    if (!in_time) what += fmt::format("{}in time", what.empty() ? "" : " and ");
    std::string text = what.empty() ? seen.wrong : "the packet differs " + what;
    throw Mismatch(event.place.line, text + "\n" +
                                         beside(wanted, packet, seconds(seen.time),
                                                shown_as(packet, seen.packet), differing));
  }

  std::string wanted_time(const Event& event, Span span) const {
    if (event.time.kind == EventTime::Kind::any) return "*";
    return span.from == span.to ? seconds(span.from) : seconds(span.from) + "~" + seconds(span.to);
  }

  Seen take(const Event& event, const Packet* expected) {
    try {
      return tap_.take(expected);
    } catch (const Malformed& malformed) {
      throw Mismatch(event.place.line, fmt::format("at {} came a packet that is no good: {}",
                                                   seconds(now()), malformed.what()));
    }
  }

  // Time passes until something has come out, at most to `latest`.
  void await_packet(Duration latest) {
    while (!tap_.has_packet() && now() < latest) {
      world_.stack.step(next_stop(latest));
      retry_waiting();
    }
  }

  [[noreturn]] void fail_missing(const Event& event, const Packet& packet, Span span) {
    std::string text = fmt::format("the packet did not come\n    {:<9}{} {}\n", "expected",
                                   wanted_time(event, span), to_string(packet));
    const Duration horizon = now() + kForesight;
    while (!tap_.has_packet() && now() < horizon) world_.stack.step(horizon);
    if (tap_.has_packet()) {
      const Seen seen = take(event, nullptr);
      text += fmt::format("    {:<9}{} {}\n", "next is", seconds(seen.time),
                          to_string(shown_as(packet, seen.packet)));
    }
    throw Mismatch(event.place.line, text);
  }

  // A packet that came before this event, and which no line expected, is too early for all lines
  // that follow.
  void complain_of_strays(std::size_t index) {
    if (!tap_.has_packet()) return;
    const bool is_last = index + 1 == script_.events.size();
    if (!is_last && tap_.time_of_next() + tolerance_ >= last_) return;
    const auto next = std::find_if(
        script_.events.begin() + static_cast<std::ptrdiff_t>(index), script_.events.end(),
        [](const Event& event) { return expected_packet(event) != nullptr; });
    if (next != script_.events.end() && next->time.kind == EventTime::Kind::any) return;
    fail_stray(script_.events[index]);
  }

  [[noreturn]] void fail_stray(const Event& event) {
    const Seen seen = take(event, nullptr);
    Packet plain;
    plain.direction = Direction::out;
    plain.ports = seen.packet.ports;
    throw Mismatch(event.place.line,
                   fmt::format("a packet came that no line expects\n    {:<9}{} {}\n", "came",
                               seconds(seen.time), to_string(shown_as(plain, seen.packet))));
  }

  // --- calls ------------------------------------------------------------------------------------

  void start(const Event& event, const Call& call) {
    Waiting waiting{&call, event.place.line, Duration(), Progress()};
    waiting.progress.waits = call.until.has_value();
    waiting.progress.begin = now();
    const Duration base =
        event.time.kind == EventTime::Kind::relative ? last_ - event.time.from : Duration();
    waiting.until = base + call.until.value_or(event.time.from);
    if (!attempt(waiting)) waiting_.push_back(waiting);
  }

  // Returns whether the call has returned.
  bool attempt(Waiting& waiting) {
    const Call& call = *waiting.call;
    const Outcome outcome = make_call(world_, call, waiting.progress);
    const bool late = now() > waiting.until + tolerance_;
    if (outcome.again && waiting.progress.waits && !late) return false;
    if (waiting.progress.waits && (late || now() + tolerance_ < waiting.until)) {
      fail_call_time(waiting, outcome);
    }
    if (!is_as_wanted(call, outcome.result)) {
      throw Mismatch(waiting.line, fmt::format("{} returned {}, expected {}", call.source,
                                               result_text(outcome.result), wanted_text(call)));
    }
    if (!outcome.wrong.empty()) {
      throw Mismatch(waiting.line, fmt::format("{}: {}", call.source, outcome.wrong));
    }
    return true;
  }

  [[noreturn]] void fail_call_time(const Waiting& waiting, const Outcome& outcome) const {
    const std::string what =
        outcome.again ? "has not returned" : "returned " + result_text(outcome.result);
    throw Mismatch(waiting.line,
                   fmt::format("{} {} at {}, expected {} at {}", waiting.call->source, what,
                               seconds(now()), wanted_text(*waiting.call), seconds(waiting.until)));
  }

  void retry_waiting() {
    waiting_.remove_if([this](Waiting& waiting) { return attempt(waiting); });
  }

  // --- the end ----------------------------------------------------------------------------------

  void finish() {
    while (!waiting_.empty()) advance_to(waiting_.front().until + tolerance_ * 2);
    if (script_.events.empty()) return;
    const Event& last = script_.events.back();
    if (expected_packet(last) != nullptr && tap_.has_packet()) fail_stray(last);
  }

  const Script& script_;
  const RunOptions& options_;
  const Duration tolerance_;
  World world_;
  WireTap tap_;
  Duration last_;  // of the event before
  std::list<Waiting> waiting_;
};

std::string with_place(const Script& script, Place place, const std::string& what) {
  return fmt::format("{}:{}:{}: {}", script.name, place.line, place.column, what);
}

}  // namespace

std::string run_script(const Script& script, const RunOptions& options) {
  try {
    Settings settings;
    read_settings(script.options, settings);
    Run(script, settings, options).all();
  } catch (const Mismatch& mismatch) {
    return fmt::format("{}:{}: {}", script.name, mismatch.line, mismatch.what());
  } catch (const SyntaxError& error) {
    return with_place(script, error.place, error.what());
  } catch (const std::runtime_error& error) {
    return fmt::format("{}: {}", script.name, error.what());
  }
  return {};
}

std::string run_text(const std::string& name, std::string_view text, const RunOptions& options) {
  try {
    return run_script(parse_script(name, text), options);
  } catch (const SyntaxError& error) {
    return fmt::format("{}:{}:{}: {}", name, error.place.line, error.place.column, error.what());
  }
}

}  // namespace sluice::script

// A script: what to set up, and then what happens when.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "proto/base/time.hpp"
#include "tests/scripts/runner/expression.hpp"
#include "tests/scripts/runner/packet.hpp"
#include "tests/scripts/runner/value.hpp"

namespace sluice::script {

struct Option {
  std::string name;
  std::string value;
  Place place;
};

struct EventTime {
  enum class Kind : std::uint8_t { absolute, relative, any };

  Kind kind = Kind::absolute;
  Duration from, to;  // `to` is another than `from` in a range
};

struct Call {
  std::string name;
  std::vector<Value> arguments;
  Value result;
  std::optional<int> error;
  // 0.1...0.2: a call that waits; the time at which it returns, of the event time's kind.
  std::optional<Duration> until;
  std::string source;  // "accept(3, ..., ...)", as written
};

struct Code {
  std::vector<Statement> statements;
};

struct Event {
  Place place;
  EventTime time;
  std::variant<Packet, Call, Code> what;
};

struct Script {
  std::string name;  // of the file
  std::vector<Option> options;
  std::vector<Event> events;
};

// Throws SyntaxError.
Script parse_script(std::string name, std::string_view text);

}  // namespace sluice::script

#include <fmt/format.h>

#include <cmath>

#include "tests/scripts/runner/parse_call.hpp"
#include "tests/scripts/runner/parse_packet.hpp"
#include "tests/scripts/runner/reader.hpp"
#include "tests/scripts/runner/script.hpp"

namespace sluice::script {
namespace {

constexpr Number kLongest = 1e8;  // seconds: three years, far below what 63 bits of ns hold

class ScriptParser {
 public:
  explicit ScriptParser(std::string_view text) : reader_(text) {}

  Script parse() {
    while (reader_.peek().kind == Token::Kind::option) parse_option();
    while (!reader_.at_end()) script_.events.push_back(parse_event());
    return std::move(script_);
  }

 private:
  void parse_option() {
    const Token token = reader_.take();
    script_.options.push_back({token.text, token.value, token.place});
    if (token.text == "ip_version") is_v6_ = token.value == "ipv6";
  }

  Duration parse_seconds() {
    const Token token = reader_.take();
    const bool is_number = token.kind == Token::Kind::integer || token.kind == Token::Kind::decimal;
    if (!is_number) {
      throw SyntaxError(token.place, fmt::format("expected a time in seconds such as 0.1, found {}",
                                                 describe(token)));
    }
    const Number seconds = std::stold(token.text);
    if (seconds > kLongest) throw SyntaxError(token.place, "a time beyond three years");
    return Duration::nanoseconds(std::llround(seconds * 1e9L));
  }

  EventTime parse_time() {
    EventTime time;
    if (reader_.accept_sign("*")) {
      time.kind = EventTime::Kind::any;
      return time;
    }
    const bool relative = reader_.accept_sign("+");
    time.kind = relative ? EventTime::Kind::relative : EventTime::Kind::absolute;
    time.from = time.to = parse_seconds();
    if (!reader_.at_sign("~")) return time;
    const Place place = reader_.take().place;
    if (relative) reader_.expect_sign("+", "in front of the end of a relative range");
    time.to = parse_seconds();
    if (time.to < time.from) throw SyntaxError(place, "the range runs backwards");
    return time;
  }

  Event parse_event() {
    Event event;
    event.place = reader_.peek().place;
    refuse_what_is_misplaced();
    event.time = parse_time();
    const bool is_range =
        event.time.kind == EventTime::Kind::any || event.time.from != event.time.to;
    if (is_range && !reader_.at_sign(">")) {
      reader_.fail("only a packet that comes out ('>') may come at * or in a range of times");
    }
    if (reader_.at_sign("<") || reader_.at_sign(">")) {
      event.what = parse_packet_line(reader_, is_v6_);
    } else if (reader_.peek().kind == Token::Kind::code) {
      const Token token = reader_.take();
      event.what = Code{parse_code(token.text, token.place)};
    } else {
      event.what = parse_timed_call(event.time);
    }
    if (!reader_.at_end() && !reader_.peek().first_on_line) {
      reader_.fail(fmt::format("expected the end of the line, found {}", describe(reader_.peek())));
    }
    return event;
  }

  void refuse_what_is_misplaced() const {
    if (reader_.peek().kind == Token::Kind::option) {
      reader_.fail("options stand in front of the first event");
    }
    if (reader_.peek().kind == Token::Kind::command) {
      reader_.fail("commands are not run: set up the stack by --name=value lines");
    }
  }

  Call parse_timed_call(const EventTime& time) {
    std::optional<Duration> until;
    const Place place = reader_.peek().place;
    if (reader_.accept_sign("...")) until = parse_seconds();
    if (until && *until < time.from) throw SyntaxError(place, "the call ends before it begins");
    refuse_what_is_misplaced();
    Call call = parse_call(reader_);
    call.until = until;
    return call;
  }

  Reader reader_;
  Script script_;
  bool is_v6_ = false;
};

}  // namespace

Script parse_script(std::string name, std::string_view text) {
  Script script = ScriptParser(text).parse();
  script.name = std::move(name);
  return script;
}

}  // namespace sluice::script

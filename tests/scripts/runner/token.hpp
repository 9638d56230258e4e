// What a script is made of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/scripts/runner/place.hpp"

namespace sluice::script {

struct Token {
  enum class Kind : std::uint8_t {
    word,     // letters, digits and underscores
    integer,  // `number` is its value
    decimal,  // with a point; `text` is as written
    string,   // `text` is what stands between the quotes
    code,     // `text` is what stands between %{ and }%, from `place` on
    command,  // `text` is what stands between backquotes
    option,   // --name=value: `text` is the name, `value` the rest
    sign,     // punctuation: one character, or one of kLongSigns
    end,
  };

  Kind kind = Kind::end;
  std::string text;
  std::string value;
  std::uint64_t number = 0;
  Place place;
  std::size_t begin = 0, end = 0;  // offsets in the text
  bool first_on_line = false;
  bool behind_space = false;  // something blank stands in front of it
};

inline constexpr std::string_view kLongSigns[] = {"...", "==", "!=", "<=", ">=", "<<"};

// Comments (// and # to the end of the line, /* */) are left out. The last token is the end.
// Throws SyntaxError.
std::vector<Token> tokenize(std::string_view text, Place start = {});

// How a message names it: "'ack'", "the number 7", "the end of the script".
std::string describe(const Token& token);

}  // namespace sluice::script

// What %{ ... }% holds: Python's expressions, as far as scripts need them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/scripts/runner/place.hpp"

namespace sluice::script {

// The mantissa of 64 bits holds each counter exactly, and division is Python's.
using Number = long double;

// One operation, or a leaf: a number, a text or a name.
struct Expression {
  enum class Kind : std::uint8_t {
    number,
    text,
    name,
    negate,
    invert,      // not
    both,        // and
    either,      // or
    compare,     // chained: a < b < c; `operators` stand between
    arithmetic,  // operators[0] is one of + - * / % & | ^ <<, or ">>"
    call,        // abs, min, max: `text` is the function
  };

  Kind kind = Kind::number;
  Number number = 0;
  std::string text;
  std::vector<std::string> operators;
  std::vector<Expression> operands;
  Place place;
};

struct Statement {
  enum class Kind : std::uint8_t {
    assertion,  // operands: what must hold, then what to say otherwise
    print,      // operands: what to say
    select,     // fd = ...: of which socket tcpi_ names tell from now on
  };

  Kind kind = Kind::assertion;
  std::vector<Expression> operands;
  std::string source;  // of the first operand, as written
  Place place;
};

// Knows what a name stands for; nothing for one that is unknown.
using Names = std::function<std::optional<Number>(std::string_view name)>;

// Throws SyntaxError.
std::vector<Statement> parse_code(std::string_view text, Place start);

// A text, or a number as text. Throws SyntaxError: an unknown name, a number instead of a text, a
// division by zero.
Number evaluate(const Expression& expression, const Names& names);
std::string evaluate_to_text(const Expression& expression, const Names& names);

// Each name that the expression mentions, once, in order.
std::vector<std::string> names_in(const Expression& expression);

std::string to_string(Number number);  // without a point where it is whole

}  // namespace sluice::script

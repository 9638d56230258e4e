#include "tests/scripts/runner/expression.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace sluice::script {
namespace {

using Kind = Expression::Kind;

Number compare(const std::string& sign, Number a, Number b) {
  if (sign == "==") return a == b;
  if (sign == "!=") return a != b;
  if (sign == "<=") return a <= b;
  if (sign == ">=") return a >= b;
  return sign == "<" ? a < b : a > b;
}

class Evaluation {
 public:
  explicit Evaluation(const Names& names) : names_(names) {}

  Number number(const Expression& e) const {
    switch (e.kind) {
      case Kind::number: return e.number;
      case Kind::name: return known(e);
      case Kind::negate: return -number(e.operands[0]);
      case Kind::invert: return number(e.operands[0]) == 0;
      case Kind::both: return all(e);
      case Kind::either: return any(e);
      case Kind::compare: return chain(e);
      case Kind::arithmetic: return calculate(e);
      case Kind::call: return call(e);
      case Kind::text: break;
    }
    throw SyntaxError(e.place, "a text stands where a number is needed");
  }

 private:
  Number known(const Expression& e) const {
    const auto value = names_(e.text);
    if (!value) throw SyntaxError(e.place, fmt::format("nothing is called '{}'", e.text));
    return *value;
  }

  Number all(const Expression& e) const {
    return std::all_of(e.operands.begin(), e.operands.end(),
                       [this](const Expression& one) { return number(one) != 0; });
  }
  Number any(const Expression& e) const {
    return std::any_of(e.operands.begin(), e.operands.end(),
                       [this](const Expression& one) { return number(one) != 0; });
  }
  Number chain(const Expression& e) const {
    for (std::size_t i = 0; i < e.operators.size(); ++i) {
      if (compare(e.operators[i], number(e.operands[i]), number(e.operands[i + 1])) == 0) return 0;
    }
    return 1;
  }

  Number calculate(const Expression& e) const {
    const Number a = number(e.operands[0]);
    const Number b = number(e.operands[1]);
    const char sign = e.operators[0][0];
    if ((sign == '/' || sign == '%') && b == 0) throw SyntaxError(e.place, "division by zero");
    switch (sign) {
      case '+': return a + b;
      case '-': return a - b;
      case '*': return a * b;
      case '/': return a / b;
      case '%': return a - b * std::floor(a / b);  // of b's sign, as in Python
      default: return bits(sign, a, b);
    }
  }

  static Number bits(char sign, Number a, Number b) {
    const auto x = static_cast<std::uint64_t>(a);
    const auto y = static_cast<std::uint64_t>(b);
    switch (sign) {
      case '&': return static_cast<Number>(x & y);
      case '|': return static_cast<Number>(x | y);
      case '^': return static_cast<Number>(x ^ y);
      case '<': return static_cast<Number>(y < 64 ? x << y : 0);
      default: return static_cast<Number>(y < 64 ? x >> y : 0);
    }
  }

  Number call(const Expression& e) const {
    std::vector<Number> values;
    for (const Expression& operand : e.operands) values.push_back(number(operand));
    if (e.text == "abs") return std::abs(values.front());
    const auto [least, largest] = std::minmax_element(values.begin(), values.end());
    return e.text == "min" ? *least : *largest;
  }

  const Names& names_;
};

// 'cwnd %d' % tcpi_cwnd
std::string filled(const Expression& e, const Names& names) {
  std::string text = evaluate_to_text(e.operands[0], names);
  const std::size_t at = text.find('%');
  if (at != std::string::npos) text.replace(at, 2, evaluate_to_text(e.operands[1], names));
  return text;
}

void collect_names(const Expression& e, std::vector<std::string>& names) {
  if (e.kind == Kind::name && std::find(names.begin(), names.end(), e.text) == names.end()) {
    names.push_back(e.text);
  }
  for (const Expression& operand : e.operands) collect_names(operand, names);
}

}  // namespace

Number evaluate(const Expression& expression, const Names& names) {
  return Evaluation(names).number(expression);
}

std::string evaluate_to_text(const Expression& expression, const Names& names) {
  if (expression.kind == Kind::text) return expression.text;
  const bool fills = expression.kind == Kind::arithmetic && expression.operators[0] == "%" &&
                     expression.operands[0].kind == Kind::text;
  return fills ? filled(expression, names) : to_string(evaluate(expression, names));
}

std::vector<std::string> names_in(const Expression& expression) {
  std::vector<std::string> names;
  collect_names(expression, names);
  return names;
}

std::string to_string(Number number) {
  const bool whole = number == std::floor(number);
  return whole ? fmt::format("{:.0f}", number) : fmt::format("{}", static_cast<double>(number));
}

}  // namespace sluice::script

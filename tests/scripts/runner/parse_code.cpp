// Recursive descent, from what binds loosest (or) to what binds tightest, in Python's order.
#include <fmt/format.h>

#include <span>

#include "tests/scripts/runner/expression.hpp"
#include "tests/scripts/runner/reader.hpp"

namespace sluice::script {
namespace {

using Kind = Expression::Kind;

class CodeParser {
 public:
  CodeParser(std::string_view text, Place start) : reader_(text, start) {}

  std::vector<Statement> all() {
    std::vector<Statement> statements;
    while (!reader_.at_end()) {
      if (reader_.accept_sign(";")) continue;
      statements.push_back(statement());
      const bool ended = reader_.at_end() || reader_.at_sign(";") || reader_.peek().first_on_line;
      if (!ended) {
        reader_.fail(
            fmt::format("expected the statement's end, found {}", describe(reader_.peek())));
      }
    }
    return statements;
  }

 private:
  using Level = Expression (CodeParser::*)();

  Statement statement() {
    Statement result;
    result.place = reader_.peek().place;
    if (reader_.accept_word("assert")) {
      result.kind = Statement::Kind::assertion;
    } else if (reader_.accept_word("print")) {
      result.kind = Statement::Kind::print;
    } else if (reader_.at_word("fd") && reader_.at_sign("=", 1)) {
      result.kind = Statement::Kind::select;
      reader_.take();
      reader_.take();
    } else {
      reader_.fail(
          fmt::format("expected assert, print or fd = ..., found {}", describe(reader_.peek())));
    }
    const Token first = reader_.peek();
    result.operands.push_back(either());
    result.source = reader_.source_since(first);
    while (reader_.accept_sign(",")) result.operands.push_back(either());
    return result;
  }

  Expression leaf(Kind kind, const Token& token) const {
    Expression e;
    e.kind = kind;
    e.place = token.place;
    e.text = token.text;
    return e;
  }

  // a SIGN b SIGN c, of one level, from the left.
  Expression from_left(std::span<const std::string_view> signs, Level tighter) {
    Expression left = (this->*tighter)();
    while (true) {
      const Token token = reader_.peek();
      const std::string sign = accept_one_of(signs);
      if (sign.empty()) return left;
      Expression e = leaf(Kind::arithmetic, token);
      e.operators.push_back(sign);
      e.operands.push_back(std::move(left));
      e.operands.push_back((this->*tighter)());
      left = std::move(e);
    }
  }

  std::string accept_one_of(std::span<const std::string_view> signs) {
    for (const std::string_view sign : signs) {
      if (sign == ">>" ? accept_right_shift() : reader_.accept_sign(sign)) return std::string(sign);
    }
    return {};
  }

  // Two tokens: where packets are written, '>>' would be two directions.
  bool accept_right_shift() {
    if (!reader_.at_sign(">") || !reader_.at_sign(">", 1)) return false;
    reader_.take();
    reader_.take();
    return true;
  }

  Expression words(Kind kind, std::string_view word, Level tighter) {
    Expression e = leaf(kind, reader_.peek());
    e.operands.push_back((this->*tighter)());
    while (reader_.accept_word(word)) e.operands.push_back((this->*tighter)());
    return e.operands.size() == 1 ? std::move(e.operands[0]) : e;
  }

  Expression either() { return words(Kind::either, "or", &CodeParser::both); }
  Expression both() { return words(Kind::both, "and", &CodeParser::inverted); }

  Expression inverted() {
    const Token token = reader_.peek();
    if (!reader_.accept_word("not")) return compared();
    Expression e = leaf(Kind::invert, token);
    e.operands.push_back(inverted());
    return e;
  }

  Expression compared() {
    static constexpr std::string_view kSigns[] = {"==", "!=", "<=", ">=", "<", ">"};
    Expression e = leaf(Kind::compare, reader_.peek());
    e.operands.push_back(bit_or());
    while (true) {
      const std::string sign = accept_one_of(kSigns);
      if (sign.empty()) return e.operators.empty() ? std::move(e.operands[0]) : e;
      e.operators.push_back(sign);
      e.operands.push_back(bit_or());
    }
  }

  Expression bit_or() {
    static constexpr std::string_view kSigns[] = {"|"};
    return from_left(kSigns, &CodeParser::bit_xor);
  }
  Expression bit_xor() {
    static constexpr std::string_view kSigns[] = {"^"};
    return from_left(kSigns, &CodeParser::bit_and);
  }
  Expression bit_and() {
    static constexpr std::string_view kSigns[] = {"&"};
    return from_left(kSigns, &CodeParser::shifted);
  }
  Expression shifted() {
    static constexpr std::string_view kSigns[] = {"<<", ">>"};
    return from_left(kSigns, &CodeParser::sum);
  }
  Expression sum() {
    static constexpr std::string_view kSigns[] = {"+", "-"};
    return from_left(kSigns, &CodeParser::product);
  }
  Expression product() {
    static constexpr std::string_view kSigns[] = {"*", "/", "%"};
    return from_left(kSigns, &CodeParser::negated);
  }

  Expression negated() {
    const Token token = reader_.peek();
    if (!reader_.accept_sign("-")) return primary();
    Expression e = leaf(Kind::negate, token);
    e.operands.push_back(negated());
    return e;
  }

  Expression primary() {
    const Token token = reader_.take();
    switch (token.kind) {
      case Token::Kind::integer: return number(token, static_cast<Number>(token.number));
      case Token::Kind::decimal: return number(token, std::stold(token.text));
      case Token::Kind::string: return leaf(Kind::text, token);
      case Token::Kind::word: return name_or_call(token);
      case Token::Kind::sign:
        if (token.text == "(") return bracketed();
        break;
      case Token::Kind::code:
      case Token::Kind::command:
      case Token::Kind::option:
      case Token::Kind::end: break;
    }
    throw SyntaxError(token.place, fmt::format("expected a value, found {}", describe(token)));
  }

  Expression number(const Token& token, Number value) const {
    Expression e = leaf(Kind::number, token);
    e.number = value;
    return e;
  }

  Expression bracketed() {
    Expression inner = either();
    reader_.expect_sign(")", "behind what is in brackets");
    return inner;
  }

  Expression name_or_call(const Token& token) {
    if (token.text == "True" || token.text == "False") {
      return number(token, token.text == "True" ? 1 : 0);
    }
    if (!reader_.accept_sign("(")) return leaf(Kind::name, token);
    if (token.text != "abs" && token.text != "min" && token.text != "max") {
      throw SyntaxError(token.place,
                        fmt::format("'{}' is no function: they are abs, min and max", token.text));
    }
    Expression e = leaf(Kind::call, token);
    do {
      e.operands.push_back(either());
    } while (reader_.accept_sign(","));
    reader_.expect_sign(")", "behind the arguments");
    return e;
  }

  Reader reader_;
};

}  // namespace

std::vector<Statement> parse_code(std::string_view text, Place start) {
  return CodeParser(text, start).all();
}

}  // namespace sluice::script

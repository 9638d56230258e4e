#include "tests/scripts/runner/expression.hpp"

#include <gtest/gtest.h>

namespace sluice::script {
namespace {

const Names kNames = [](std::string_view name) -> std::optional<Number> {
  if (name == "seven") return 7;
  if (name == "largest") return static_cast<Number>(~std::uint64_t{0});
  return std::nullopt;
};

Expression expression_of(std::string_view text) {
  return parse_code("print " + std::string(text), {}).at(0).operands.at(0);
}

std::string value_of(std::string_view text) {
  return evaluate_to_text(expression_of(text), kNames);
}

std::string complaint(std::string_view code) {
  try {
    for (const Statement& statement : parse_code(code, {3, 5})) {
      for (const Expression& operand : statement.operands) evaluate_to_text(operand, kNames);
    }
  } catch (const SyntaxError& error) {
    return std::to_string(error.place.line) + ":" + std::to_string(error.place.column) + ": " +
           error.what();
  }
  return "none";
}

TEST(Expressions, BindAsInPython) {
  EXPECT_EQ(value_of("1 + 2 * 3"), "7");
  EXPECT_EQ(value_of("(1 + 2) * 3"), "9");
  EXPECT_EQ(value_of("10 - 3 - 2"), "5");
  EXPECT_EQ(value_of("-2 * -3"), "6");
  EXPECT_EQ(value_of("1 | 6 & 3"), "3");
  EXPECT_EQ(value_of("1 << 4 + 1"), "32");
  EXPECT_EQ(value_of("256 >> 4"), "16");
  EXPECT_EQ(value_of("6 ^ 3"), "5");
  EXPECT_EQ(value_of("1 == 1 and 2 != 2 or 3 >= 3"), "1");
  EXPECT_EQ(value_of("not 1 == 2"), "1");
  EXPECT_EQ(value_of("1 & 3 == 3"), "0") << "& binds tighter than ==";
}

TEST(Expressions, ComparisonsChain) {
  EXPECT_EQ(value_of("1 < 2 < 3"), "1");
  EXPECT_EQ(value_of("3 > 2 > 2"), "0");
  EXPECT_EQ(value_of("1 <= seven <= 7"), "1");
}

TEST(Expressions, DivideAsInPython) {
  EXPECT_EQ(value_of("7 / 2"), "3.5");
  EXPECT_EQ(value_of("7 % 3"), "1");
  EXPECT_EQ(value_of("-7 % 3"), "2");
}

TEST(Expressions, KnowNamesAndFunctions) {
  EXPECT_EQ(value_of("seven + 1"), "8");
  EXPECT_EQ(value_of("abs(3 - seven)"), "4");
  EXPECT_EQ(value_of("min(seven, 3)"), "3");
  EXPECT_EQ(value_of("max(seven, 3)"), "7");
  EXPECT_EQ(value_of("True"), "1");
}

TEST(Expressions, HoldCountersOf64Bits) {
  EXPECT_EQ(value_of("largest"), "18446744073709551615");
  EXPECT_EQ(value_of("largest == 18446744073709551615"), "1");
}

TEST(Expressions, FillTexts) {
  EXPECT_EQ(value_of("'cwnd=%d' % seven"), "cwnd=7");
  EXPECT_EQ(value_of("\"plain\""), "plain");
}

TEST(Expressions, TellWhichNamesTheyUse) {
  EXPECT_EQ(names_in(expression_of("seven + largest * seven")),
            (std::vector<std::string>{"seven", "largest"}));
}

TEST(Code, HasStatementsBySemicolonOrLine) {
  const auto statements = parse_code("assert 1; print 2\nassert (3 ==\n 3), 'text'\n fd = 4", {});
  ASSERT_EQ(statements.size(), 4u);
  EXPECT_EQ(statements[1].kind, Statement::Kind::print);
  EXPECT_EQ(statements[2].operands.size(), 2u);
  EXPECT_EQ(statements[2].source, "(3 ==\n 3)");
  EXPECT_EQ(statements[3].kind, Statement::Kind::select);
}

TEST(Code, MistakesAreNamed) {
  EXPECT_EQ(complaint("assert eight"), "3:12: nothing is called 'eight'");
  EXPECT_EQ(complaint("assert 1 /\n 0"), "3:14: division by zero");
  EXPECT_EQ(complaint("assert 1 2"), "3:14: expected the statement's end, found the number 2");
  EXPECT_EQ(complaint("assert"), "3:11: expected a value, found the end of the script");
  EXPECT_EQ(complaint("assert 'a' + 1"), "3:12: a text stands where a number is needed");
  EXPECT_EQ(complaint("assert len(1)"), "3:12: 'len' is no function: they are abs, min and max");
  EXPECT_EQ(complaint("x = 1"), "3:5: expected assert, print or fd = ..., found 'x'");
}

}  // namespace
}  // namespace sluice::script

#include "tests/scripts/runner/token.hpp"

#include <gtest/gtest.h>

namespace sluice::script {
namespace {

using Kind = Token::Kind;

std::string kinds_of(std::string_view text) {
  std::string kinds;
  for (const Token& token : tokenize(text)) {
    kinds += "widsc`o.e"[static_cast<std::size_t>(token.kind)];
  }
  return kinds;
}

std::string complaint(std::string_view text) {
  try {
    tokenize(text);
  } catch (const SyntaxError& error) {
    return std::to_string(error.place.line) + ":" + std::to_string(error.place.column) + ": " +
           error.what();
  }
  return "";
}

TEST(Tokens, KnowWordsNumbersAndSigns) {
  EXPECT_EQ(kinds_of("+.1 < S. 0:0(0) win 0x10"), ".d.w.i.i.i.wie");
  EXPECT_EQ(kinds_of("%{ a }% `b` \"c\" --d=e"), "c`soe");
}

TEST(Tokens, ARangeOfTimesIsNoDecimalPoint) {
  const auto tokens = tokenize("0...0.25 accept");
  ASSERT_EQ(tokens.size(), 5u);
  EXPECT_EQ(tokens[0].kind, Kind::integer);
  EXPECT_EQ(tokens[1].text, "...");
  EXPECT_EQ(tokens[2].text, "0.25");
  EXPECT_EQ(tokens[2].kind, Kind::decimal);
}

TEST(Tokens, SayWhereTheyStand) {
  const auto tokens = tokenize("// one\n  two /* three\nfour */ five\n# six\n");
  ASSERT_EQ(tokens.size(), 3u);
  EXPECT_EQ(tokens[0].place, (Place{2, 3}));
  EXPECT_TRUE(tokens[0].first_on_line);
  EXPECT_EQ(tokens[1].text, "five");
  EXPECT_EQ(tokens[1].place, (Place{3, 9}));
  EXPECT_TRUE(tokens[2].kind == Kind::end);
}

TEST(Tokens, AreFirstOnALineOrNot) {
  const auto tokens = tokenize("a b\nc");
  EXPECT_TRUE(tokens[0].first_on_line);
  EXPECT_FALSE(tokens[1].first_on_line);
  EXPECT_TRUE(tokens[2].first_on_line);
}

TEST(Tokens, KnowTheValueOfANumber) {
  EXPECT_EQ(tokenize("4294967295")[0].number, 4'294'967'295u);
  EXPECT_EQ(tokenize("0xff")[0].number, 255u);
}

TEST(Tokens, AnOptionsValueEndsAtASpaceOrAQuote) {
  const auto tokens = tokenize("--mtu=1500\n--addresses=\"192.0.2.1 ::1\"\n--quiet\n");
  EXPECT_EQ(tokens[0].text, "mtu");
  EXPECT_EQ(tokens[0].value, "1500");
  EXPECT_EQ(tokens[1].value, "192.0.2.1 ::1");
  EXPECT_EQ(tokens[2].value, "");
}

TEST(Tokens, CodeKnowsWhereItBegins) {
  const auto tokens = tokenize("0 %{\nassert 1 }%");
  EXPECT_EQ(tokens[1].text, "\nassert 1 ");
  EXPECT_EQ(tokens[1].place, (Place{1, 5}));
}

TEST(Tokens, RefuseWhatHasNoEnd) {
  EXPECT_EQ(complaint("a\n \"b"), "2:2: a quote without its \"");
  EXPECT_EQ(complaint("/* b"), "1:1: /* without its */");
  EXPECT_EQ(complaint("%{ assert 1"), "1:3: %{ without its }%");
  EXPECT_EQ(complaint("12ab"), "1:1: '12ab' is no number");
  EXPECT_EQ(complaint("99999999999999999999"), "1:1: '99999999999999999999' is no number");
}

}  // namespace
}  // namespace sluice::script

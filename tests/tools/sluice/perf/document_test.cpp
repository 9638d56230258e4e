// Documents that mean harm: none may cost more than its size.
#include "tools/sluice/perf/document.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "proto/base/rng.hpp"
#include "tools/sluice/perf/parameters_json.hpp"
#include "tools/sluice/perf/results_json.hpp"

namespace sluice::perf {
namespace {

std::string repeated(std::string_view part, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += part;
  return text;
}

// Far more than any needs on a slow machine with sanitizers; far less than one that is quadratic.
void expect_refused_soon(const std::string& text) {
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_THROW(parse_document(text), BadDocument);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20));
}

TEST(Document, ThatNestsTooDeepIsRefused) {
  expect_refused_soon(repeated("[", 8'192));
  expect_refused_soon(repeated("{\"a\":", 1'600));
  expect_refused_soon("{\"a\":" + repeated("[", 8U << 20) + repeated("]", 8U << 20) + "}");
  EXPECT_NO_THROW(parse_document("{\"a\":" + repeated("[", 31) + repeated("]", 31) + "}"));
  EXPECT_THROW(parse_document("{\"a\":" + repeated("[", 32) + repeated("]", 32) + "}"),
               BadDocument);
}

TEST(Document, OfTooManyValuesIsRefused) {
  expect_refused_soon("{\"a\":[0" + repeated(",0", 8U << 20) + "]}");
  expect_refused_soon("{\"a\":[[]" + repeated(",[]", 4U << 20) + "]}");
  std::string members = "{\"\":0";
  for (int i = 0; i < 1'000'000; ++i) members += ",\"" + std::to_string(i) + "\":0";
  expect_refused_soon(members + "}");
}

TEST(Document, TakesTheMembersOfARealOne) {
  EXPECT_NO_THROW(parse_document("{\"a\":[0" + repeated(",{\"b\":1,\"c\":2}", 100'000) + "]}"));
}

TEST(Document, CountsNoMarksInsideStrings) {
  const std::string marks = repeated(R"([{,\"\\)", 1'000);
  const Json document = parse_document("{\"a\":\"" + marks + "\"}");
  EXPECT_EQ(document["a"].get<std::string>().size(), 5'000U);
}

TEST(Document, IsAnObject) {
  for (const char* const text :
       {"", " ", "null", "7", "[]", "\"{}\"", "{", "{}}", "{\"a\"}", "{\"a\":1,}", "{\"a\":NaN}",
        "{\"a\":1e999}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\n\"}", "\xef\xbb\xbf", "}{", "]",
        "{\"a\":\"\\"}) {
    EXPECT_THROW(parse_document(text), BadDocument) << text;
  }
  EXPECT_EQ(parse_document(" {} ").size(), 0U);
}

TEST(Document, GivesItsMembers) {
  const Json document = parse_document(
      R"({"Big":18446744073709551615,"huge":99999999999999999999999,"low":-1e300,"cut":-2.9,)"
      R"("most":9223372036854775807,"yes":true,"null":null,"text":"x"})");
  const Members members(document);
  EXPECT_EQ(members.integer("big"), -1);
  EXPECT_EQ(members.integer("HUGE"), -1);
  EXPECT_EQ(members.integer("low"), INT64_MIN);
  EXPECT_EQ(members.integer("cut"), -2);
  EXPECT_EQ(members.integer("most"), INT64_MAX);
  EXPECT_EQ(members.integer("text"), std::nullopt);
  EXPECT_EQ(members.integer("absent"), std::nullopt);
  EXPECT_EQ(members.number("null"), 0);
  EXPECT_EQ(members.number("text"), std::nullopt);
  EXPECT_EQ(members.text("text"), "x");
  EXPECT_TRUE(members.is_set("yes"));
  EXPECT_FALSE(members.is_set("null"));
}

// What comes of any bytes: values, or BadDocument.
void feed(const std::string& text) {
  const auto swallow = [&text](const std::function<void()>& parse) {
    try {
      parse();
    } catch (const BadDocument& error) {
      const std::string_view line = error.what();
      EXPECT_EQ(line.find('\n'), std::string_view::npos) << text;
      EXPECT_LT(line.size(), 200U);
    }
  };
  swallow([&text] { parse_parameters(text); });
  swallow([&text] { parse_results(text); });
}

TEST(Document, IsNeverTrusted) {
  const std::string whole = print_document(to_json(Parameters()));
  for (std::size_t length = 0; length < whole.size(); ++length) feed(whole.substr(0, length));
  Results results;
  results.streams = {{.id = 1}, {.id = 3}};
  for (const std::string& good : {whole, print_document(to_json(results))}) {
    Rng rng(6);
    for (int seed = 0; seed < 3'000; ++seed) {
      std::string bad = good;
      const std::uint64_t changes = 1 + rng.next() % 8;
      for (std::uint64_t i = 0; i < changes; ++i) {
        bad[rng.next() % bad.size()] = static_cast<char>(rng.next());
      }
      feed(bad);
    }
  }
}

TEST(Document, MayBeRandomBytes) {
  Rng rng(7);
  for (int seed = 0; seed < 2'000; ++seed) {
    std::string text(rng.next() % 300, '\0');
    for (char& byte : text) byte = static_cast<char>(rng.next());
    feed(text);
    for (char& byte : text) byte = "{}[]\",:\\0189e-.ntf "[rng.next() % 20];
    feed(text);
  }
}

}  // namespace
}  // namespace sluice::perf

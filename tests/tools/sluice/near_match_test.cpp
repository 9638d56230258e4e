// What somebody may have meant.
#include "tools/sluice/near_match.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

const std::vector<std::string> kNames = {
    "--parallel", "--bidir", "--time",  "--tun",   "--version4", "--verbose", "--udp",        "run",
    "perf",       "--queue", "--trace", "--title", "--tos",      "--json",    "--json-stream"};

TEST(NearMatch, FindsALetterTooManyOrTooFew) {
  EXPECT_EQ(near_match("--paralel", kNames), "--parallel");
  EXPECT_EQ(near_match("--bidirr", kNames), "--bidir");
  EXPECT_EQ(near_match("--tme", kNames), "--time");
}

TEST(NearMatch, FindsLettersChangedOrSwapped) {
  EXPECT_EQ(near_match("--pararlel", kNames), "--parallel");
  EXPECT_EQ(near_match("--qeuue", kNames), "--queue");
  EXPECT_EQ(near_match("pref", kNames), "perf");
  EXPECT_EQ(near_match("rum", kNames), "run");
}

TEST(NearMatch, FindsWhatWasCutShort) {
  EXPECT_EQ(near_match("--para", kNames), "--parallel");
  EXPECT_EQ(near_match("--js", kNames), "--json");
}

TEST(NearMatch, GuessesNoFurther) {
  for (const char* const typed :
       {"", "-", "-q", "--", "--no-such-flag", "word", "4", "--mtu-size"}) {
    EXPECT_EQ(near_match(typed, kNames), "") << typed;
  }
}

class UnexpectedWord : public testing::Test {
 protected:
  UnexpectedWord() {
    auto* const perf = app_.add_subcommand("perf");
    perf->add_flag("--bidir");
    perf->add_flag("--daemon")->group("");
    app_.add_subcommand("run");
  }
  std::string of(const std::string& line) {
    try {
      app_.parse(line);
    } catch (const CLI::ExtrasError&) {
      return unexpected_word(app_);
    }
    return "all was expected";
  }

  CLI::App app_{"sluice"};
};

TEST_F(UnexpectedWord, IsNamedWithWhatMayBeMeant) {
  EXPECT_EQ(of("perf --bidirr"), "'--bidirr' is not known: did you mean --bidir?");
  EXPECT_EQ(of("perf --bidr=1 word"), "'--bidr=1' is not known: did you mean --bidir?");
  EXPECT_EQ(of("prf"), "'prf' is not known: did you mean perf?");
  EXPECT_EQ(of("run --bidirr"), "'--bidirr' is not known") << "of another command";
  EXPECT_EQ(of("perf --deamon"), "'--deamon' is not known") << "not for use";
}

}  // namespace
}  // namespace sluice

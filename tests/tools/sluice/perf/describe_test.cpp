#include "tools/sluice/perf/describe.hpp"

#include <gtest/gtest.h>

namespace sluice::perf {
namespace {

std::string told(const std::string& asked, std::size_t place) {
  Parameters parameters;
  parameters.congestion = asked;
  return describe_flow(place, Role::server, parameters, {}, "bbr").congestion;
}

TEST(Describe, NamesTheAlgorithmThatIsUsed) {
  EXPECT_EQ(told("", 0), "bbr");
  EXPECT_EQ(told("reno", 0), "reno");
  EXPECT_EQ(told("cubic,newreno", 1), "newreno");
  EXPECT_EQ(told("vegas", 0), "bbr");
  EXPECT_EQ(told("cubic,\x1b[31m", 1), "bbr");
}

}  // namespace
}  // namespace sluice::perf

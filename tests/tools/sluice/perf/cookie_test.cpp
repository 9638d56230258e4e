// The cookie of a test.
#include "tools/sluice/perf/cookie.hpp"

#include <gtest/gtest.h>

#include <set>

namespace sluice::perf {
namespace {

TEST(Cookie, IsOfTheCharactersThatStockClientsUse) {
  std::set<char> seen;
  for (int i = 0; i < 200; ++i) {
    const std::string cookie = make_cookie();
    ASSERT_EQ(cookie.size(), 36U);
    ASSERT_EQ(cookie.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567"), std::string::npos);
    seen.insert(cookie.begin(), cookie.end());
  }
  EXPECT_EQ(seen.size(), 32U);
  EXPECT_NE(make_cookie(), make_cookie());
}

TEST(Cookie, IsSentWithANul) {
  const std::string cookie = make_cookie();
  const std::string message = cookie_message(cookie);
  ASSERT_EQ(message.size(), kCookieBytes);
  EXPECT_EQ(message.back(), '\0');
  EXPECT_EQ(cookie_in(message), cookie);
}

TEST(Cookie, EndsAtTheFirstNul) {
  EXPECT_EQ(cookie_in(std::string_view("ab\0cd\0", 6)), "ab");
  const std::string unended(kCookieBytes, 'a');
  EXPECT_EQ(cookie_in(unended), unended);
  EXPECT_EQ(cookie_message("a").size(), kCookieBytes);
}

}  // namespace
}  // namespace sluice::perf

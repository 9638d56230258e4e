// What tells the connections of one test from those of others: text, behind which a NUL is sent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::perf {

inline constexpr std::uint32_t kCookieBytes = 37;  // as sent

// One that nobody can guess: 36 of the characters a to z and 2 to 7.
std::string make_cookie();
// As sent.
std::string cookie_message(std::string_view cookie);
// Of the bytes that came, those in front of the first NUL: what stock peers compare.
std::string_view cookie_in(std::string_view message);

}  // namespace sluice::perf

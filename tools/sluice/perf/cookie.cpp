#include "tools/sluice/perf/cookie.hpp"

#include <array>

#include "dataplane/io/entropy.hpp"

namespace sluice::perf {

std::string make_cookie() {
  constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
  std::array<std::uint8_t, kCookieBytes - 1> random;
  io::fill_random(random);
  std::string cookie;
  for (const std::uint8_t byte : random) cookie += kAlphabet[byte % kAlphabet.size()];
  return cookie;
}

std::string cookie_message(std::string_view cookie) {
  std::string message(cookie);
  message.resize(kCookieBytes, '\0');
  return message;
}

std::string_view cookie_in(std::string_view message) {
  return message.substr(0, message.find('\0'));
}

}  // namespace sluice::perf

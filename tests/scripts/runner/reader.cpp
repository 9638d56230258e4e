#include "tests/scripts/runner/reader.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::script {

const Token& Reader::peek(std::size_t ahead) const {
  return tokens_[std::min(next_ + ahead, tokens_.size() - 1)];
}

Token Reader::take() {
  Token token = peek();
  ++next_;
  return token;
}

std::string Reader::source_since(const Token& first) const {
  if (next_ == 0) return {};
  const Token& last = tokens_[std::min(next_, tokens_.size()) - 1];
  return text_.substr(first.begin, last.end - first.begin);
}

bool Reader::at_sign(std::string_view sign, std::size_t ahead) const {
  return peek(ahead).kind == Token::Kind::sign && peek(ahead).text == sign;
}

bool Reader::at_word(std::string_view word) const {
  return peek().kind == Token::Kind::word && peek().text == word;
}

bool Reader::accept_sign(std::string_view sign) {
  if (!at_sign(sign)) return false;
  ++next_;
  return true;
}

bool Reader::accept_word(std::string_view word) {
  if (!at_word(word)) return false;
  ++next_;
  return true;
}

void Reader::fail(const std::string& what) const {
  throw SyntaxError(peek().place, what);
}

void Reader::expect_sign(std::string_view sign, std::string_view what) {
  if (accept_sign(sign)) return;
  fail(fmt::format("expected '{}' {}, found {}", sign, what, describe(peek())));
}

std::string Reader::expect_word(std::string_view what) {
  if (peek().kind != Token::Kind::word) {
    fail(fmt::format("expected {}, found {}", what, describe(peek())));
  }
  return take().text;
}

std::uint64_t Reader::expect_number(std::string_view what, std::uint64_t largest) {
  if (peek().kind != Token::Kind::integer) {
    fail(fmt::format("expected {}, found {}", what, describe(peek())));
  }
  if (peek().number > largest) fail(fmt::format("{} is at most {}", what, largest));
  return take().number;
}

}  // namespace sluice::script

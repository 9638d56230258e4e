// Tokens, one after the other; what the parsers are made of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/scripts/runner/token.hpp"

namespace sluice::script {

class Reader {
 public:
  // Throws SyntaxError.
  explicit Reader(std::string_view text, Place start = {})
      : text_(text), tokens_(tokenize(text, start)) {}

  // The token that comes next, or one behind it; the end repeats itself.
  const Token& peek(std::size_t ahead = 0) const;
  Token take();
  // What is written from `first` up to the token that comes next, without the space in front of it.
  std::string source_since(const Token& first) const;
  bool at_end() const { return peek().kind == Token::Kind::end; }

  bool at_sign(std::string_view sign, std::size_t ahead = 0) const;
  bool at_word(std::string_view word) const;
  bool accept_sign(std::string_view sign);
  bool accept_word(std::string_view word);

  // These throw SyntaxError; `what` is named as that which should stand here.
  [[noreturn]] void fail(const std::string& what) const;
  void expect_sign(std::string_view sign, std::string_view what);
  std::string expect_word(std::string_view what);
  std::uint64_t expect_number(std::string_view what, std::uint64_t largest);

 private:
  std::string text_;
  std::vector<Token> tokens_;
  std::size_t next_ = 0;
};

}  // namespace sluice::script

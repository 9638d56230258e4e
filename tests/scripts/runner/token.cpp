#include "tests/scripts/runner/token.hpp"

#include <fmt/format.h>

#include <cctype>
#include <charconv>

namespace sluice::script {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

class Lexer {
 public:
  Lexer(std::string_view text, Place start) : rest_(text), size_(text.size()), place_(start) {}

  std::vector<Token> all() {
    std::vector<Token> tokens;
    do {
      begin_token();
      token_.place = place_;
      token_.begin = size_ - rest_.size();
      read();
      token_.end = size_ - rest_.size();
      tokens.push_back(token_);
    } while (token_.kind != Token::Kind::end);
    return tokens;
  }

 private:
  using Kind = Token::Kind;

  [[noreturn]] void fail(Place where, const std::string& what) const {
    throw SyntaxError(where, what);
  }
  char at(std::size_t offset) const { return offset < rest_.size() ? rest_[offset] : '\0'; }

  std::string_view take(std::size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    for (const char c : taken) {
      place_.column = c == '\n' ? 1 : place_.column + 1;
      place_.line += c == '\n' ? 1 : 0;
    }
    rest_.remove_prefix(taken.size());
    return taken;
  }

  template <typename Fits>
  std::string_view take_while(Fits fits) {
    std::size_t count = 0;
    while (count < rest_.size() && fits(rest_[count])) ++count;
    return take(count);
  }

  // What stands up to `closing`, which is taken as well; `opening` has been taken.
  std::string_view take_up_to(std::string_view closing, std::string_view opening) {
    const std::size_t end = rest_.find(closing);
    if (end == std::string_view::npos) {
      fail(token_.place, fmt::format("{} without its {}", opening, closing));
    }
    const std::string_view inner = take(end);
    take(closing.size());
    return inner;
  }

  bool skip_one() {
    if (rest_.starts_with("//") || at(0) == '#') {
      take_while([](char c) { return c != '\n'; });
      return true;
    }
    if (rest_.starts_with("/*")) {
      token_.place = place_;
      take(2);
      take_up_to("*/", "/*");
      return true;
    }
    return !take_while(is_blank).empty();
  }

  void begin_token() {
    token_ = {};
    const int line = last_line_;
    while (skip_one()) token_.behind_space = true;
    token_.first_on_line = place_.line != line;
    last_line_ = place_.line;
  }

  void read() {
    if (rest_.empty()) return;
    const char c = at(0);
    if (is_digit(c) || (c == '.' && is_digit(at(1)))) return read_number();
    if (is_word(c)) return set(Kind::word, take_while(is_word));
    if (rest_.starts_with("%{")) return read_code();
    if (rest_.starts_with("--") && is_word(at(2))) return read_option();
    if (c == '"' || c == '\'') return read_quoted(Kind::string);
    if (c == '`') return read_quoted(Kind::command);
    read_sign();
  }

  void set(Kind kind, std::string_view text) {
    token_.kind = kind;
    token_.text = text;
    last_line_ = place_.line;
  }

  void read_number() {
    if (rest_.starts_with("0x")) return read_integer(2, 16);
    std::size_t count = 0;
    while (is_digit(at(count))) ++count;
    if (at(count) != '.' || !is_digit(at(count + 1))) return read_integer(0, 10);
    for (++count; is_digit(at(count));) ++count;
    set(Kind::decimal, take(count));
  }

  void read_integer(std::size_t prefix, int base) {
    const std::string_view text = take_while(is_word);
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + prefix, end, token_.number, base);
    if (error != std::errc() || rest != end) {
      fail(token_.place, fmt::format("'{}' is no number", text));
    }
    set(Kind::integer, text);
  }

  void read_code() {
    take(2);
    token_.place = place_;
    set(Kind::code, take_up_to("}%", "%{"));
  }

  void read_option() {
    take(2);
    set(Kind::option, take_while(is_word));
    if (at(0) != '=') return;
    take(1);
    if (at(0) == '"') {
      take(1);
      token_.value = take_up_to("\"", "a quote");
    } else {
      token_.value = take_while([](char c) { return !is_blank(c); });
    }
    last_line_ = place_.line;
  }

  void read_quoted(Kind kind) {
    const std::string quote(take(1));
    set(kind, take_up_to(quote, "a quote"));
  }

  void read_sign() {
    for (const std::string_view sign : kLongSigns) {
      if (rest_.starts_with(sign)) return set(Kind::sign, take(sign.size()));
    }
    set(Kind::sign, take(1));
  }

  std::string_view rest_;
  std::size_t size_;  // of the whole text
  Place place_;
  int last_line_ = 0;  // where the token before ended
  Token token_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view text, Place start) {
  return Lexer(text, start).all();
}

std::string describe(const Token& token) {
  switch (token.kind) {
    case Token::Kind::integer:
    case Token::Kind::decimal: return "the number " + token.text;
    case Token::Kind::string: return "the text \"" + token.text + "\"";
    case Token::Kind::code: return "code";
    case Token::Kind::command: return "a command";
    case Token::Kind::option: return "the option --" + token.text;
    case Token::Kind::end: return "the end of the script";
    case Token::Kind::word:
    case Token::Kind::sign: break;
  }
  return "'" + token.text + "'";
}

}  // namespace sluice::script

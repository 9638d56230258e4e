#include "tools/sluice/perf/document.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace sluice::perf {
namespace {

constexpr std::size_t kMaxDepth = 32;
constexpr std::uint32_t kMaxMembers = 256;  // of an object: looking one up takes as many steps
constexpr std::uint32_t kMaxValues = 1U << 20;

// Looks at the brackets and commas of a document, before anything is made of it.
class Shape {
 public:
  void check(std::string_view text) {
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '"') in_string = !in_string;
      if (in_string) {
        if (text[i] == '\\') ++i;
        continue;
      }
      on_mark(text[i]);
    }
  }

 private:
  struct Level {
    bool is_object = false;
    std::uint32_t values = 1;
  };

  void on_mark(char mark) {
    switch (mark) {
      case '{':
      case '[': open(mark == '{'); break;
      case '}':
      case ']':
        if (depth_ > 0) --depth_;
        break;
      case ',': on_value(); break;
      default: break;
    }
  }
  void open(bool is_object) {
    if (depth_ == kMaxDepth) throw BadDocument("a JSON document that nests too deep");
    levels_[depth_++] = {.is_object = is_object};
    count();
  }
  void on_value() {
    count();
    if (depth_ == 0) return;
    Level& level = levels_[depth_ - 1];
    if (++level.values > kMaxMembers && level.is_object) {
      throw BadDocument("a JSON object with too many members");
    }
  }
  void count() {
    if (++values_ > kMaxValues) throw BadDocument("a JSON document with too many values");
  }

  std::array<Level, kMaxDepth> levels_{};
  std::size_t depth_ = 0;
  std::uint32_t values_ = 0;
};

Json try_parse(std::string_view text) {
  return Json::parse(text, nullptr, false);
}

// What is no UTF-8 goes the way of any string that is printed.
std::string with_replacements(std::string_view text) {
  return try_parse(print_document(Json(text))).get<std::string>();
}

bool equal_but_for_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::int64_t whole(double value) {
  constexpr double kLimit = 0x1p63;
  if (value >= kLimit) return -1;
  if (value < -kLimit) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(value);
}

}  // namespace

Json parse_document(std::string_view text) {
  Shape().check(text);
  Json document = try_parse(text);
  if (document.is_discarded()) document = try_parse(with_replacements(text));
  if (!document.is_object()) throw BadDocument("a document that is no JSON object");
  return document;
}

std::string print_document(const Json& document) {
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const Json* Members::find(std::string_view key) const {
  for (const auto& [name, value] : object_.items()) {
    if (equal_but_for_case(name, key)) return &value;
  }
  return nullptr;
}

bool Members::is_set(std::string_view key) const {
  const Json* const value = find(key);
  if (value == nullptr) return false;
  return value->is_boolean() ? value->get<bool>() : integer(key).value_or(0) != 0;
}

std::optional<std::int64_t> Members::integer(std::string_view key) const {
  const Json* const value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_number_unsigned()) {
    const auto number = value->get<std::uint64_t>();
    return number > INT64_MAX ? -1 : static_cast<std::int64_t>(number);
  }
  if (value->is_number_integer()) return value->get<std::int64_t>();
  if (value->is_number_float()) return whole(value->get<double>());
  return std::nullopt;
}

std::optional<double> Members::number(std::string_view key) const {
  const Json* const value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_null()) return 0;
  if (!value->is_number()) return std::nullopt;
  return value->get<double>();
}

std::optional<std::string> Members::text(std::string_view key) const {
  const Json* const value = find(key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return value->get<std::string>();
}

}  // namespace sluice::perf

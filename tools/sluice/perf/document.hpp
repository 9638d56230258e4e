// The JSON of peers: written by another version, or by somebody who means harm.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace sluice::perf {

// One line that says what is wrong with a document.
class BadDocument : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

using Json = nlohmann::ordered_json;

// The object that is `text`. Bytes that are no UTF-8 are replaced: stock peers send titles as they
// were typed. What is accepted costs time and memory in proportion to its size: throws BadDocument
// when it is no object, when values nest too deep, are too many, or an object has too many members.
Json parse_document(std::string_view text);
// Compact, as it is sent.
std::string print_document(const Json& document);

// The members of an object, which outlives it. Stock peers look them up without regard to case,
// and take a member of a wrong type for absent.
class Members {
 public:
  explicit Members(const Json& object) : object_(object) {}

  // Null when it is absent.
  const Json* find(std::string_view key) const;
  // True, or a number that is not 0.
  bool is_set(std::string_view key) const;
  // Also of a number in floating point, which is cut. Above 2^63 it is -1: versions 3.12 and 3.13
  // print that as 2^64 - 1.
  std::optional<std::int64_t> integer(std::string_view key) const;
  // null is 0: stock peers print infinity and NaN so.
  std::optional<double> number(std::string_view key) const;
  std::optional<std::string> text(std::string_view key) const;

 private:
  const Json& object_;
};

}  // namespace sluice::perf

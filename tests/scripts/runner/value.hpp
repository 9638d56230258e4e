// An argument or a result of a system call, as the script writes it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/scripts/runner/place.hpp"

namespace sluice::script {

struct Value {
  enum class Kind : std::uint8_t {
    any,     // ...
    number,  // 7, 0x10, SOL_SOCKET, MSG_PEEK|MSG_DONTWAIT, htons(8080)
    text,    // "reno", inet_addr("192.0.2.1")
    list,    // [1, 2] and {..., 1000}
    fields,  // {fd=3, events=POLLIN}
  };

  Kind kind = Kind::any;
  std::int64_t number = 0;
  std::string text;
  std::vector<Value> items;  // of a list
  std::vector<std::pair<std::string, Value>> fields;
  Place place;

  bool is_any() const { return kind == Kind::any; }
  // Null when there is no such field.
  const Value* field(const std::string& name) const;
};

// "[{fd=3, events=1}]": names of constants are not told any more, but for `...`.
std::string to_string(const Value& value);

}  // namespace sluice::script

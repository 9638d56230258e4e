// Socket options that are an int, as rows of a table.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>

#include "proto/base/bytes.hpp"

namespace sluice::sockets {

// How long a value may be: IP takes a byte for an int.
enum class ValueLength : std::uint8_t { whole_int, byte_will_do };

struct OptionValue {
  int value = 0;
  int error = 0;  // a negative errno value when there is none
};

// Null: it cannot be read, or set. `set` returns 0, or a negative errno value.
template <class S>
struct IntOption {
  int level;
  int name;
  OptionValue (*get)(S& socket);
  int (*set)(S& socket, int value);
  ValueLength length = ValueLength::whole_int;
};

template <class S>
const IntOption<S>* find_option(std::span<const IntOption<S>> table, int level, int name) {
  const auto row = std::find_if(table.begin(), table.end(), [=](const IntOption<S>& option) {
    return option.level == level && option.name == name;
  });
  return row == table.end() ? nullptr : &*row;
}

// Copies as much as there is room for, and says how much that was.
inline void put_value(const void* from, std::size_t size, MutableBytes& value) {
  value = value.first(std::min(value.size(), size));
  if (!value.empty()) std::memcpy(value.data(), from, value.size());
}

// A whole struct; false when the caller gave less.
template <class Value>
bool take_value(Bytes from, Value& value) {
  if (from.size() < sizeof value) return false;
  std::memcpy(&value, from.data(), sizeof value);
  return true;
}

template <class S>
int set_int(const IntOption<S>& option, S& socket, Bytes given) {
  if (option.set == nullptr) return -ENOPROTOOPT;
  int value = 0;
  if (option.length == ValueLength::byte_will_do && given.size() < sizeof value) {
    if (!given.empty()) value = given[0];
  } else if (!take_value(given, value)) {
    return -EINVAL;
  }
  return option.set(socket, value);
}

template <class S>
int get_int(const IntOption<S>& option, S& socket, MutableBytes& room) {
  if (option.get == nullptr) return -ENOPROTOOPT;
  const auto [value, error] = option.get(socket);
  if (error != 0) return error;
  const bool as_byte = option.length == ValueLength::byte_will_do && room.size() < sizeof value &&
                       value >= 0 && value <= 255;
  put_value(&value, as_byte ? 1 : sizeof value, room);
  return 0;
}

}  // namespace sluice::sockets

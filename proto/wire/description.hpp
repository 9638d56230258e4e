// The lines of a description: sections, fields below them, and bytes in hex.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/base/bytes.hpp"
#include "proto/wire/checksum.hpp"
#include "proto/wire/text.hpp"

namespace sluice::wire {

class Description {
 public:
  // Each begins a line, which goes on with what is written to the returned text.
  Text& section(std::string_view title);
  Text& field(std::string_view name);

  // A number with its name, if it has one: "6 (TCP)".
  void named(std::string_view field_name, std::uint64_t number, std::string_view name);
  // A sum field. `covered` adds up to zero, the field and any pseudo header included, when right.
  void checksum(std::uint16_t value, const Checksum& covered);
  // Lines of 16 bytes: offset, hex, ASCII.
  void hex(Bytes bytes);

  std::string take();

 private:
  void begin_line();

  Text text_;
};

}  // namespace sluice::wire

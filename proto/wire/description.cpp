#include "proto/wire/description.hpp"

#include <algorithm>

namespace sluice::wire {
namespace {

constexpr std::size_t kNameColumns = 17;
constexpr std::size_t kBytesInLine = 16;

// What a field must hold so that all that is covered, the field included, adds up to zero.
std::uint16_t right_value(std::uint16_t value, const Checksum& covered) {
  Checksum rest = covered;
  rest.add_u16(static_cast<std::uint16_t>(~value));  // takes the field out of the sum again
  return rest.finished();
}

}  // namespace

void Description::begin_line() {
  if (!text_.empty()) text_ << "\n";
}

Text& Description::section(std::string_view title) {
  begin_line();
  return text_ << title;
}

Text& Description::field(std::string_view name) {
  begin_line();
  text_ << "  " << name;
  text_.pad(name.size() < kNameColumns ? kNameColumns - name.size() : 1);
  return text_;
}

void Description::named(std::string_view field_name, std::uint64_t number, std::string_view name) {
  field(field_name) << number;
  if (!name.empty()) text_ << " (" << name << ")";
}

void Description::checksum(std::uint16_t value, const Checksum& covered) {
  field("checksum") << Hex{value, 4};
  if (covered.finished() == 0) {
    text_ << " (right)";
  } else {
    text_ << " (wrong: " << Hex{right_value(value, covered), 4} << " is right)";
  }
}

void Description::hex(Bytes bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += kBytesInLine) {
    const Bytes line = bytes.subspan(at, std::min(kBytesInLine, bytes.size() - at));
    begin_line();
    text_ << "  " << Hex{at, 4} << "  " << line;
    text_.pad(3 * (kBytesInLine - line.size()) + 2);
    for (const std::uint8_t byte : line) {
      const char shown = byte >= ' ' && byte <= '~' ? static_cast<char>(byte) : '.';
      text_ << std::string_view(&shown, 1);
    }
  }
}

std::string Description::take() {
  begin_line();
  return text_.take();
}

}  // namespace sluice::wire

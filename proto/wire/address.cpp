#include "proto/wire/address.hpp"

#include <algorithm>
#include <charconv>

namespace sluice {
namespace {

using Groups = std::array<std::uint16_t, 8>;
using AddressBytes = std::array<std::uint8_t, 16>;

constexpr unsigned kMappedPrefix = 96;  // bits in front of the IPv4 part

std::optional<std::uint32_t> parse_number(std::string_view text, int base, std::size_t max_digits) {
  if (text.empty() || text.size() > max_digits) return std::nullopt;
  std::uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

std::optional<std::uint32_t> parse_decimal(std::string_view text, std::uint32_t max) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;  // octal to some readers
  const auto value = parse_number(text, 10, 3);
  return value && *value <= max ? value : std::nullopt;
}

std::optional<std::uint32_t> parse_quad(std::string_view text) {
  std::uint32_t bits = 0;
  for (int part = 0; part < 4; ++part) {
    const std::size_t end = part < 3 ? text.find('.') : text.size();
    if (end == std::string_view::npos) return std::nullopt;
    const auto octet = parse_decimal(text.substr(0, end), 255);
    if (!octet) return std::nullopt;
    bits = bits << 8 | *octet;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return bits;
}

// Groups between colons, of which the last two may be a dotted quad; how many there are.
std::optional<std::size_t> parse_groups(std::string_view text, bool may_end_in_quad,
                                        Groups& groups) {
  std::size_t count = 0;
  if (text.empty()) return count;
  while (true) {
    const std::size_t colon = text.find(':');
    const std::string_view word = text.substr(0, colon);
    if (may_end_in_quad && colon == std::string_view::npos && word.find('.') != word.npos) {
      const auto quad = parse_quad(word);
      if (!quad || count + 2 > groups.size()) return std::nullopt;
      groups[count++] = static_cast<std::uint16_t>(*quad >> 16);
      groups[count++] = static_cast<std::uint16_t>(*quad);
      return count;
    }
    const auto group = parse_number(word, 16, 4);
    if (!group || count == groups.size()) return std::nullopt;
    groups[count++] = static_cast<std::uint16_t>(*group);
    if (colon == std::string_view::npos) return count;
    text.remove_prefix(colon + 1);
  }
}

std::optional<Groups> parse_v6(std::string_view text) {
  Groups groups{};
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    if (parse_groups(text, true, groups) != groups.size()) return std::nullopt;
    return groups;
  }
  Groups behind{};
  const auto head = parse_groups(text.substr(0, gap), false, groups);
  const auto tail = parse_groups(text.substr(gap + 2), true, behind);
  if (!head || !tail || *head + *tail >= groups.size()) return std::nullopt;
  std::copy_n(behind.begin(), *tail, groups.end() - static_cast<std::ptrdiff_t>(*tail));
  return groups;
}

// RFC 5952 4.2: the longest run of two or more zero groups, the first of equals.
struct ZeroRun {
  std::size_t first = 0;
  std::size_t length = 0;
};

ZeroRun longest_zero_run(const Groups& groups) {
  ZeroRun best;
  ZeroRun run;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    run = groups[i] != 0 ? ZeroRun{i + 1, 0} : ZeroRun{run.first, run.length + 1};
    if (run.length > best.length) best = run;
  }
  return best.length < 2 ? ZeroRun{} : best;
}

void append_number(std::string& text, std::uint32_t value, int base) {
  char digits[10];
  text.append(digits, std::to_chars(digits, digits + sizeof digits, value, base).ptr);
}

std::string quad_text(std::uint32_t bits) {
  std::string text;
  for (unsigned shift = 32; shift > 0; shift -= 8) {
    if (!text.empty()) text += '.';
    append_number(text, bits >> (shift - 8) & 0xff, 10);
  }
  return text;
}

unsigned leading_bits(const Cidr& cidr) {
  return cidr.prefix_length + (cidr.address.is_v4() ? kMappedPrefix : 0U);
}

// The ones of byte `index` in a mask of `bits` leading ones.
std::uint8_t mask_byte(unsigned bits, unsigned index) {
  const unsigned before = index * 8;
  const unsigned ones = bits <= before ? 0 : std::min(bits - before, 8U);
  return static_cast<std::uint8_t>(0xff00U >> ones);
}

}  // namespace

IpAddress IpAddress::v4(std::uint32_t bits) {
  IpAddress address;
  store_be64(address.bytes_.data() + 8, 0xffff'0000'0000 | bits);
  return address;
}

IpAddress IpAddress::v6(std::span<const std::uint8_t, 16> bytes) {
  IpAddress address;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.find(':') == std::string_view::npos) {
    const auto bits = parse_quad(text);
    if (!bits) return std::nullopt;
    return v4(*bits);
  }
  const auto groups = parse_v6(text);
  if (!groups) return std::nullopt;
  IpAddress address;
  for (std::size_t i = 0; i < groups->size(); ++i) {
    store_be16(address.bytes_.data() + 2 * i, (*groups)[i]);
  }
  return address;
}

bool IpAddress::is_unspecified() const {
  return is_v4() ? v4_bits() == 0 : *this == IpAddress();
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[12] == 127;
  return half(0) == 0 && half(8) == 1;
}

bool IpAddress::is_multicast() const {
  return is_v4() ? bytes_[12] >> 4 == 0xe : bytes_[0] == 0xff;
}

bool IpAddress::is_broadcast() const {
  return is_v4() && v4_bits() == 0xffffffff;
}

std::string IpAddress::to_string() const {
  if (is_v4()) return quad_text(v4_bits());
  Groups groups;
  for (std::size_t i = 0; i < groups.size(); ++i) groups[i] = load_be16(bytes_.data() + 2 * i);
  const ZeroRun gap = longest_zero_run(groups);
  std::string text;
  for (std::size_t i = 0; i < groups.size();) {
    if (gap.length > 0 && i == gap.first) {
      text += "::";
      i += gap.length;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    append_number(text, groups[i++], 16);
  }
  return text;
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const auto prefix = parse_decimal(text.substr(slash + 1), address->is_v4() ? 32 : 128);
  if (!prefix) return std::nullopt;
  return Cidr{*address, static_cast<std::uint8_t>(*prefix)};
}

bool Cidr::contains(const IpAddress& other) const {
  return other.is_v4() == address.is_v4() && Cidr{other, prefix_length}.network() == network();
}

IpAddress Cidr::network() const {
  AddressBytes bytes = address.bytes();
  for (unsigned i = 0; i < bytes.size(); ++i) bytes[i] &= mask_byte(leading_bits(*this), i);
  return IpAddress::v6(bytes);
}

IpAddress Cidr::last() const {
  AddressBytes bytes = address.bytes();
  for (unsigned i = 0; i < bytes.size(); ++i) {
    bytes[i] |= static_cast<std::uint8_t>(~mask_byte(leading_bits(*this), i));
  }
  return IpAddress::v6(bytes);
}

std::string Cidr::to_string() const {
  std::string text = address.to_string();
  text += '/';
  append_number(text, prefix_length, 10);
  return text;
}

}  // namespace sluice

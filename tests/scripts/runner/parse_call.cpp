#include "tests/scripts/runner/parse_call.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <limits>

#include "tests/scripts/runner/symbols.hpp"

namespace sluice::script {
namespace {

constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();

Value parse_value(Reader& reader);

std::int64_t parse_term(Reader& reader) {
  const bool negative = reader.accept_sign("-");
  if (reader.peek().kind == Token::Kind::word && !negative) {
    const auto known = constant(reader.peek().text);
    if (!known) reader.fail(fmt::format("{} is no constant", describe(reader.peek())));
    reader.take();
    return *known;
  }
  const auto number = static_cast<std::int64_t>(reader.expect_number("a value", kLargest));
  return negative ? -number : number;
}

// MSG_PEEK|MSG_DONTWAIT
Value parse_number(Reader& reader) {
  Value value;
  value.kind = Value::Kind::number;
  value.number = parse_term(reader);
  while (reader.accept_sign("|")) value.number |= parse_term(reader);
  return value;
}

// htons(8080), inet_addr("192.0.2.1"): what is in the brackets, since addresses are compared and
// written in the order that people read.
Value parse_conversion(Reader& reader) {
  reader.take();
  reader.expect_sign("(", "behind the function's name");
  Value value = parse_value(reader);
  reader.expect_sign(")", "behind the function's argument");
  return value;
}

bool at_conversion(const Reader& reader) {
  static constexpr std::string_view kNames[] = {"htons", "inet_addr", "inet6_addr"};
  for (const std::string_view name : kNames) {
    if (reader.at_word(name)) return reader.at_sign("(", 1);
  }
  return false;
}

// msg_iov(2)=[...]: the count in the brackets belongs to the name.
void parse_field(Reader& reader, Value& fields) {
  const std::string name = reader.expect_word("a field's name");
  if (reader.accept_sign("(")) {
    fields.fields.emplace_back(name + "()", parse_value(reader));
    reader.expect_sign(")", "behind the field's count");
  }
  reader.expect_sign("=", "behind the field's name");
  fields.fields.emplace_back(name, parse_value(reader));
}

void parse_items(Reader& reader, std::string_view closing, Value& list) {
  if (reader.accept_sign(closing)) return;
  do {
    list.items.push_back(parse_value(reader));
  } while (reader.accept_sign(","));
  reader.expect_sign(closing, "behind a list");
}

Value parse_braces(Reader& reader) {
  Value value;
  reader.take();
  const bool named = reader.peek().kind == Token::Kind::word &&
                     (reader.at_sign("=", 1) || (reader.at_sign("(", 1) && !at_conversion(reader)));
  value.kind = named ? Value::Kind::fields : Value::Kind::list;
  if (!named) {
    parse_items(reader, "}", value);
    return value;
  }
  do {
    parse_field(reader, value);
  } while (reader.accept_sign(","));
  reader.expect_sign("}", "behind the fields");
  return value;
}

Value parse_unplaced(Reader& reader) {
  Value value;
  if (reader.accept_sign("...")) return value;
  if (reader.peek().kind == Token::Kind::string) {
    value.kind = Value::Kind::text;
    while (reader.peek().kind == Token::Kind::string) value.text += reader.take().text;
    return value;
  }
  if (reader.accept_sign("[")) {
    value.kind = Value::Kind::list;
    parse_items(reader, "]", value);
    return value;
  }
  if (reader.at_sign("{")) return parse_braces(reader);
  if (at_conversion(reader)) return parse_conversion(reader);
  return parse_number(reader);
}

Value parse_value(Reader& reader) {
  const Place place = reader.peek().place;
  Value value = parse_unplaced(reader);
  value.place = place;
  return value;
}

// "(Operation now in progress)", "(flags O_RDWR)": for the reader only.
void skip_note(Reader& reader) {
  if (!reader.accept_sign("(")) return;
  while (!reader.accept_sign(")")) {
    if (reader.at_end() || reader.peek().first_on_line) reader.fail("a note without its ')'");
    reader.take();
  }
}

void parse_result(Reader& reader, Call& call) {
  reader.expect_sign("=", "and the result behind the call");
  call.result = parse_value(reader);
  const bool has_error = reader.peek().kind == Token::Kind::word && !reader.peek().first_on_line;
  if (has_error) {
    call.error = error_number(reader.peek().text);
    if (!call.error) reader.fail(fmt::format("{} is no error", describe(reader.peek())));
    reader.take();
  }
  if (!reader.peek().first_on_line) skip_note(reader);
  const bool failed = call.result.kind == Value::Kind::number && call.result.number == -1;
  if (failed && !call.error) reader.fail("-1 needs its error: -1 EAGAIN");
  if (!failed && call.error) reader.fail("an error stands behind -1 only");
}

}  // namespace

Call parse_call(Reader& reader) {
  Call call;
  const Token first = reader.peek();
  call.name = reader.expect_word("a packet, a system call or code");
  reader.expect_sign("(", "behind the system call's name");
  Value arguments;
  parse_items(reader, ")", arguments);
  call.arguments = std::move(arguments.items);
  call.source = reader.source_since(first);
  parse_result(reader, call);
  return call;
}

}  // namespace sluice::script

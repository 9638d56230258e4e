#include "tests/scripts/runner/arguments.hpp"

#include <fmt/format.h>

namespace sluice::script {
namespace {

constexpr int kNobodysHandle = 1'000'000;

}  // namespace

void Arguments::expect_count(std::size_t least, std::size_t most) const {
  const std::size_t count = call_.arguments.size();
  if (count >= least && count <= most) return;
  throw SyntaxError(place_, fmt::format("{} takes {} arguments, not {}", call_.name,
                                        least == most ? fmt::format("{}", least)
                                                      : fmt::format("{} to {}", least, most),
                                        count));
}

const Value& Arguments::at(std::size_t index) const {
  return call_.arguments.at(index);
}

std::int64_t Arguments::number(std::size_t index) const {
  if (at(index).kind != Value::Kind::number) fail(index, "must be a number");
  return at(index).number;
}

std::int64_t Arguments::pointed(std::size_t index) const {
  const Value& value = at(index);
  const bool fits = value.kind == Value::Kind::list && value.items.size() == 1 &&
                    value.items[0].kind == Value::Kind::number;
  if (!fits) fail(index, "must be a number in brackets: [4]");
  return value.items[0].number;
}

Descriptor* Arguments::descriptor(std::size_t index) const {
  const auto found = world_.descriptors.find(descriptor_number(index));
  return found == world_.descriptors.end() ? nullptr : &found->second;
}

int Arguments::handle(std::size_t index) const {
  if (const Descriptor* known = descriptor(index)) return known->handle;
  return descriptor_number(index) < 0 ? descriptor_number(index) : kNobodysHandle;
}

void Arguments::fail(std::size_t index, const std::string& what) const {
  throw SyntaxError(at(index).place,
                    fmt::format("argument {} of {} {}", index + 1, call_.name, what));
}

}  // namespace sluice::script

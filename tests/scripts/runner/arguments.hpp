// The arguments of one system call, checked as they are asked for.
#pragma once

#include <cstdint>
#include <string>

#include "tests/scripts/runner/script.hpp"
#include "tests/scripts/runner/world.hpp"

namespace sluice::script {

class Arguments {
 public:
  Arguments(World& world, const Call& call, Place place)
      : world_(world), call_(call), place_(place) {}

  const std::string& name() const { return call_.name; }
  const Value& result() const { return call_.result; }

  // These throw SyntaxError.
  void expect_count(std::size_t least, std::size_t most) const;
  const Value& at(std::size_t index) const;
  std::int64_t number(std::size_t index) const;
  int small(std::size_t index) const { return static_cast<int>(number(index)); }
  // [n]: where a call takes a pointer to a number.
  std::int64_t pointed(std::size_t index) const;

  // The script's number of a socket, and the stack's. A number that the script has not been given,
  // or has closed, is a handle that nobody has.
  int descriptor_number(std::size_t index) const { return small(index); }
  Descriptor* descriptor(std::size_t index) const;
  int handle(std::size_t index) const;

  [[noreturn]] void fail(std::size_t index, const std::string& what) const;

 private:
  World& world_;
  const Call& call_;
  Place place_;
};

}  // namespace sluice::script

// Code in a script: assertions about what goes on inside.
#pragma once

#include <functional>
#include <string>

#include "tests/scripts/runner/facts.hpp"
#include "tests/scripts/runner/script.hpp"
#include "tests/scripts/runner/world.hpp"

namespace sluice::script {

// An assertion that does not hold.
class AssertionFailed : public std::runtime_error {
 public:
  AssertionFailed(Place where, const std::string& what) : std::runtime_error(what), place(where) {}
  Place place;
};

// `print` is given each line that the code prints. Throws AssertionFailed, NothingToAsk, and
// SyntaxError: a name that there is not.
void run_code(World& world, const Code& code, const std::function<void(const std::string&)>& print);

}  // namespace sluice::script

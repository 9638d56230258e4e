// Where something stands in a script, and what is wrong with it there.
#pragma once

#include <stdexcept>
#include <string>

namespace sluice::script {

struct Place {
  int line = 1;
  int column = 1;  // in bytes

  bool operator==(const Place&) const = default;
};

// The script cannot be understood.
class SyntaxError : public std::runtime_error {
 public:
  SyntaxError(Place where, const std::string& what) : std::runtime_error(what), place(where) {}
  Place place;
};

}  // namespace sluice::script

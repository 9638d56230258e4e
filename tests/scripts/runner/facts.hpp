// What code in a script may ask about: a connection's sluice_tcp_info as tcpi_ names, the stack's
// sluice_stats as stack_ names, and constants.
#pragma once

#include <stdexcept>

#include "tests/scripts/runner/expression.hpp"
#include "tests/scripts/runner/world.hpp"

namespace sluice::script {

// There is no connection that tcpi_ names could tell about.
class NothingToAsk : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// By another name, since a function has the struct's own.
using ConnectionFacts = struct sluice_tcp_info;

class Facts {
 public:
  // `descriptor`: of which socket; not set: the latest that was accepted or connected.
  Facts(World& world, std::optional<int> descriptor);

  // Nothing for a name that there is not. Throws NothingToAsk.
  std::optional<Number> operator()(std::string_view name);

 private:
  const ConnectionFacts& connection();
  const sluice_stats& stack();

  World& world_;
  std::optional<int> descriptor_;
  std::optional<ConnectionFacts> connection_;
  std::optional<sluice_stats> stack_;
};

}  // namespace sluice::script

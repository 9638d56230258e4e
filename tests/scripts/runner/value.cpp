#include "tests/scripts/runner/value.hpp"

#include <fmt/format.h>

namespace sluice::script {

const Value* Value::field(const std::string& name) const {
  for (const auto& [own, value] : fields) {
    if (own == name) return &value;
  }
  return nullptr;
}

std::string to_string(const Value& value) {
  std::vector<std::string> parts;
  switch (value.kind) {
    case Value::Kind::any: return "...";
    case Value::Kind::number: return fmt::format("{}", value.number);
    case Value::Kind::text: return fmt::format("\"{}\"", value.text);
    case Value::Kind::list:
      for (const Value& item : value.items) parts.push_back(to_string(item));
      return fmt::format("[{}]", fmt::join(parts, ", "));
    case Value::Kind::fields: break;
  }
  for (const auto& [name, item] : value.fields) parts.push_back(name + "=" + to_string(item));
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

}  // namespace sluice::script

#include "tests/scripts/runner/run_code.hpp"

#include <fmt/format.h>

#include "tests/scripts/runner/symbols.hpp"

namespace sluice::script {
namespace {

// "tcpi_cwnd == 10 does not hold: tcpi_cwnd is 7"
std::string broken(const Statement& statement, const Names& names) {
  const Expression& condition = statement.operands.front();
  std::vector<std::string> values;
  for (const std::string& name : names_in(condition)) {
    if (constant(name)) continue;
    values.push_back(fmt::format("{} is {}", name, to_string(*names(name))));
  }
  std::string text = fmt::format("{} does not hold", statement.source);
  if (!values.empty()) text += fmt::format(": {}", fmt::join(values, ", "));
  for (std::size_t i = 1; i < statement.operands.size(); ++i) {
    text += fmt::format(" ({})", evaluate_to_text(statement.operands[i], names));
  }
  return text;
}

std::string printed(const Statement& statement, const Names& names) {
  std::vector<std::string> parts;
  for (const Expression& operand : statement.operands) {
    parts.push_back(evaluate_to_text(operand, names));
  }
  return fmt::format("{}", fmt::join(parts, " "));
}

}  // namespace

void run_code(World& world, const Code& code,
              const std::function<void(const std::string&)>& print) {
  std::optional<Facts> facts;
  facts.emplace(world, std::nullopt);
  const Names names = [&facts](std::string_view name) { return (*facts)(name); };
  for (const Statement& statement : code.statements) {
    const Expression& first = statement.operands.front();
    switch (statement.kind) {
      case Statement::Kind::select:
        facts.emplace(world, static_cast<int>(evaluate(first, names)));
        break;
      case Statement::Kind::print: print(printed(statement, names)); break;
      case Statement::Kind::assertion:
        if (evaluate(first, names) == 0) {
          throw AssertionFailed(statement.place, broken(statement, names));
        }
        break;
    }
  }
}

}  // namespace sluice::script

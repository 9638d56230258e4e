#include "tools/sluice/check.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "dataplane/io/machine_check.hpp"
#include "tools/sluice/options.hpp"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kExamples = R"(Examples:
  sluice check                what this machine offers, one line each
  sluice check --json         the same for programs
  unshare -Urn sluice check   what an ordinary user's private network offers

Exit code 0 when the engine could run here, with what the caller is permitted to do.)";

const char* word_of(io::Finding::Answer answer) {
  switch (answer) {
    case io::Finding::Answer::yes: return "yes";
    case io::Finding::Answer::no: return "no";
    case io::Finding::Answer::unknown: break;
  }
  return "unknown";
}

std::vector<std::string> offload_names(const io::Offloads& offloads) {
  std::vector<std::string> names;
  if (offloads.tso) names.emplace_back("tso");
  if (offloads.uso) names.emplace_back("uso");
  if (offloads.checksum) names.emplace_back("checksum");
  return names;
}

const char* io_of(const io::MachineReport& report) {
  return report.uring ? "io_uring" : "poll";
}

const char* steering_of(const io::MachineReport& report) {
  return report.steering ? "ebpf" : "learned";
}

std::string text_of(const io::MachineReport& report) {
  std::string text;
  const auto add_line = [&text](const std::string& name, std::string_view answer,
                                const std::string& what) {
    text += fmt::format("{:<18}{:<9}{}\n", name, answer, what);
  };
  for (const io::Finding& finding : report.findings) {
    add_line(finding.name, word_of(finding.answer), finding.text);
  }
  const std::vector<std::string> offloads = offload_names(report.offloads);
  add_line("mode", "",
           fmt::format("{}, offloads {}, steering {}", io_of(report),
                       offloads.empty() ? "none" : fmt::format("{}", fmt::join(offloads, "+")),
                       steering_of(report)));
  const std::vector<io::Finding> missing = report.missing();
  if (missing.empty()) return text + "the engine can run here\n";
  text += "the engine cannot run here; what is missing, and how to get it:\n";
  for (const io::Finding& finding : missing) {
    text += fmt::format("  {}: {}\n", finding.name, finding.text);
  }
  return text;
}

Json tree_of(const io::MachineReport& report) {
  Json tree;
  for (const io::Finding& finding : report.findings) {
    tree["check"][finding.name] = {{"answer", word_of(finding.answer)}, {"text", finding.text}};
  }
  tree["mode"] = {{"io", io_of(report)},
                  {"offloads", offload_names(report.offloads)},
                  {"steering", steering_of(report)}};
  tree["missing"] = Json::array();
  for (const io::Finding& finding : report.missing()) tree["missing"].push_back(finding.name);
  return tree;
}

void check(bool json) {
  const io::MachineReport report = io::check_machine();
  const std::string text = json ? tree_of(report).dump() + "\n" : text_of(report);
  const bool is_told = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!is_told || std::fflush(stdout) != 0) fail("cannot write to standard output");
  if (!report.missing().empty()) throw CLI::RuntimeError(1);
}

}  // namespace

void add_check_command(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  CLI::App& command = *app.add_subcommand("check", "Say what this machine offers the dataplane");
  command.footer(kExamples);
  command.add_flag("--json", *json, "Print JSON, one document");
  command.callback([json] { check(*json); });
}

}  // namespace sluice

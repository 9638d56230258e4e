#include "tools/sluice/impairment.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

#include "tools/sluice/quantity.hpp"

namespace sluice {
namespace {

constexpr const char* kGroup =
    "A worse wire (for packets; each way, so that a ping takes twice the delay)";

std::pair<std::string_view, std::string_view> split(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {text, {}};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

void set_burst_loss(LinkOptions& link, std::string_view value) {
  const auto [share, length] = split(value);
  link.burst_loss = parse_share(share);
  const char* const end = length.data() + length.size();
  const auto [rest, error] = std::from_chars(length.data(), end, link.burst_length);
  const bool is_number = error == std::errc() && rest == end;
  if (!is_number || !(link.burst_length >= 1) || link.burst_loss >= 1) {
    throw BadQuantity(fmt::format(
        "'{}' is no loss in bursts: give the share and the average length, such as 1%:8", value));
  }
}

void set_reorder(LinkOptions& link, std::string_view value) {
  const auto [share, delay] = split(value);
  link.reorder = parse_share(share);
  if (!delay.empty()) link.reorder_delay = parse_duration(delay);
}

constexpr auto kOptions = std::to_array<ImpairmentOption>({
    {"delay", "20ms", "Time on the way",
     [](LinkOptions& link, std::string_view value) { link.delay = parse_duration(value); }},
    {"jitter", "2ms", "Up to so much more, in order",
     [](LinkOptions& link, std::string_view value) { link.jitter = parse_duration(value); }},
    {"loss", "0.5%", "Packets lost at random",
     [](LinkOptions& link, std::string_view value) { link.loss = parse_share(value); }},
    {"burst-loss", "1%:8", "Packets lost in bursts, 8 long on average", set_burst_loss},
    {"reorder", "1%:5ms", "Packets held back by up to 5ms (which is the default)", set_reorder},
    {"duplicate", "0.1%", "Packets that arrive twice",
     [](LinkOptions& link, std::string_view value) { link.duplicate = parse_share(value); }},
    {"corrupt", "0.01%", "Packets one byte of which changes",
     [](LinkOptions& link, std::string_view value) { link.corrupt = parse_share(value); }},
    {"rate", "100M", "Bits a second, IP headers counted",
     [](LinkOptions& link, std::string_view value) { link.rate_bits = parse_rate(value); }},
    {"queue", "256k", "Bytes that wait for the rate; more are lost",
     [](LinkOptions& link, std::string_view value) { link.queue_bytes = parse_size(value); }},
});

void add(CLI::App& command, std::string_view prefix, std::string_view text,
         const std::vector<LinkOptions*>& links) {
  for (const ImpairmentOption& option : kOptions) {
    const std::string name = fmt::format("--{}{}", prefix, option.name);
    const auto set = [name, links, &option](const std::string& value) {
      try {
        for (LinkOptions* const link : links) option.set(*link, value);
      } catch (const BadQuantity& error) {
        throw CLI::ValidationError(name, error.what());
      }
    };
    const std::string help = links.size() == 2 ? std::string(option.text) : std::string(text);
    command.add_option_function<std::string>(name, set, help)
        ->type_name(std::string(option.type))
        ->group(kGroup);
  }
}

}  // namespace

std::span<const ImpairmentOption> impairment_options() {
  return kOptions;
}

// Callbacks run in the order of definition, so that those of one direction come last.
void add_impairment_options(CLI::App& command, Config& config) {
  add(command, "", "", {&config.link_in, &config.link_out});
  add(command, "in-", "The same for packets to us", {&config.link_in});
  add(command, "out-", "The same for packets from us", {&config.link_out});
  command
      .add_option("--impair-seed", config.link_seed,
                  "What chance is drawn from: the same seed meets the same packets the same way")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(kGroup);
}

}  // namespace sluice

#include "tests/scripts/runner/facts.hpp"

#include <fmt/format.h>

#include <map>
#include <variant>

#include "tests/scripts/runner/symbols.hpp"

namespace sluice::script {
namespace {

template <typename Struct>
using Member =
    std::variant<std::uint8_t Struct::*, std::uint32_t Struct::*, std::uint64_t Struct::*>;
template <typename Struct>
using Members = std::map<std::string_view, Member<Struct>>;

#define SLUICE_FACT(name) \
  { #name, &ConnectionFacts::name }
const Members<ConnectionFacts> kConnection = {SLUICE_FACT(state),
                                              SLUICE_FACT(ca_state),
                                              SLUICE_FACT(options),
                                              SLUICE_FACT(snd_wscale),
                                              SLUICE_FACT(rcv_wscale),
                                              SLUICE_FACT(retransmits),
                                              SLUICE_FACT(probes),
                                              SLUICE_FACT(backoff),
                                              SLUICE_FACT(rto),
                                              SLUICE_FACT(ato),
                                              SLUICE_FACT(snd_mss),
                                              SLUICE_FACT(rcv_mss),
                                              SLUICE_FACT(unacked),
                                              SLUICE_FACT(sacked),
                                              SLUICE_FACT(lost),
                                              SLUICE_FACT(retrans),
                                              SLUICE_FACT(rtt),
                                              SLUICE_FACT(rttvar),
                                              SLUICE_FACT(min_rtt),
                                              SLUICE_FACT(ssthresh),
                                              {"snd_ssthresh", &ConnectionFacts::ssthresh},
                                              {"snd_cwnd", &ConnectionFacts::cwnd},
                                              SLUICE_FACT(cwnd),
                                              SLUICE_FACT(advmss),
                                              SLUICE_FACT(pmtu),
                                              SLUICE_FACT(reordering),
                                              SLUICE_FACT(rcv_space),
                                              SLUICE_FACT(rcv_wnd),
                                              SLUICE_FACT(snd_wnd),
                                              SLUICE_FACT(total_retrans),
                                              SLUICE_FACT(segs_in),
                                              SLUICE_FACT(segs_out),
                                              SLUICE_FACT(data_segs_in),
                                              SLUICE_FACT(data_segs_out),
                                              SLUICE_FACT(notsent_bytes),
                                              SLUICE_FACT(dsack_dups),
                                              SLUICE_FACT(reord_seen),
                                              SLUICE_FACT(rcv_ooopack),
                                              SLUICE_FACT(bytes_acked),
                                              SLUICE_FACT(bytes_received),
                                              SLUICE_FACT(bytes_sent),
                                              SLUICE_FACT(bytes_retrans),
                                              SLUICE_FACT(delivery_rate),
                                              SLUICE_FACT(pacing_rate)};
#undef SLUICE_FACT

#define SLUICE_FACT(name) \
  { #name, &sluice_stats::name }
const Members<sluice_stats> kStack = {
    SLUICE_FACT(packets_in),      SLUICE_FACT(packets_out),
    SLUICE_FACT(packets_dropped), SLUICE_FACT(bytes_in),
    SLUICE_FACT(bytes_out),       SLUICE_FACT(segments_in),
    SLUICE_FACT(segments_out),    SLUICE_FACT(segments_retransmitted),
    SLUICE_FACT(sockets),         SLUICE_FACT(connections),
    SLUICE_FACT(time_waits),      SLUICE_FACT(memory)};
#undef SLUICE_FACT

template <typename Struct>
Number value_of(const Struct& from, const Member<Struct>& member) {
  return std::visit([&from](auto field) { return static_cast<Number>(from.*field); }, member);
}

// The rest of `name` behind `prefix`; empty when it begins otherwise.
std::string_view behind(std::string_view name, std::string_view prefix) {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : std::string_view();
}

}  // namespace

Facts::Facts(World& world, std::optional<int> descriptor) : world_(world), descriptor_(descriptor) {
  if (!descriptor_ && !world.connections.empty()) descriptor_ = world.connections.front();
}

std::optional<Number> Facts::operator()(std::string_view name) {
  const auto field = kConnection.find(behind(name, "tcpi_"));
  if (field != kConnection.end()) return value_of(connection(), field->second);
  const auto count = kStack.find(behind(name, "stack_"));
  if (count != kStack.end()) return value_of(stack(), count->second);
  if (const auto known = constant(name)) return static_cast<Number>(*known);
  return std::nullopt;
}

const ConnectionFacts& Facts::connection() {
  if (connection_) return *connection_;
  const auto found = world_.descriptors.find(descriptor_.value_or(-1));
  if (found == world_.descriptors.end()) {
    throw NothingToAsk("no connection is open that tcpi_ names could tell about");
  }
  ConnectionFacts facts{};
  facts.size = sizeof facts;
  const int error = sluice_tcp_info(world_.stack.get(), found->second.handle, &facts);
  if (error != 0) throw NothingToAsk("sluice_tcp_info returned " + error_text(-error));
  connection_ = facts;
  return *connection_;
}

const sluice_stats& Facts::stack() {
  if (!stack_) {
    stack_.emplace();
    stack_->size = sizeof *stack_;
    sluice_stack_stats(world_.stack.get(), &*stack_);
  }
  return *stack_;
}

}  // namespace sluice::script

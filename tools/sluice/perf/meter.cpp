#include "tools/sluice/perf/meter.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "dataplane/core.hpp"
#include "tools/sluice/perf/layout.hpp"

namespace sluice::perf {

namespace {

constexpr Duration kForever = Duration::nanoseconds(INT64_MAX / 4);

Instant now() {
  return Core::here().now();
}

}  // namespace

Meter::Meter(FlowGroup& flows, Report& report, const Parameters& parameters,
             const StartFacts& start)
    : flows_(flows),
      report_(report),
      parameters_(parameters),
      test_(start),
      interval_(Duration::nanoseconds(std::llround(start.interval_seconds * 1e9))) {
  begin_phase(parameters.omit_seconds > 0, std::vector<FlowCount>(flows.size()));
}

void Meter::begin_phase(bool omitted, std::vector<FlowCount> base) {
  omitted_ = omitted;
  start_ = last_ = now();
  base_ = std::move(base);
  counts_ = base_;
}

double Meter::since_start(Instant instant) const {
  return static_cast<double>((instant - start_).ns()) * 1e-9;
}

co::Task<> Meter::run(Duration omitted) {
  if (omitted_) {
    const bool is_over = co_await run_phase(omitted);
    if (!is_over) co_return;
    std::vector<FlowCount> counts = co_await flows_.begin_counting();
    report_interval(std::move(counts));
    begin_phase(false, std::move(counts_));
  }
  const bool has_end = parameters_.seconds > 0;
  co_await run_phase(has_end ? Duration::seconds(parameters_.seconds) : kForever);
}

// Up to its end, which is not reported: true. False when it was ended before.
co::Task<bool> Meter::run_phase(Duration length) {
  const Instant end = start_ + length;
  Instant tick = start_;
  while (true) {
    // However late the last one was counted: intervals do not drift.
    do {
      tick = interval_ > Duration() ? std::min(tick + interval_, end) : end;
    } while (tick < now() && tick < end);
    const auto slept = co_await co::sleep(tick - now()).unless(ended_);
    if (!slept) co_return false;
    if (tick == end) co_return true;
    co_await take_interval();
  }
}

co::Task<> Meter::take_interval() {
  std::vector<FlowCount> counts = co_await flows_.count();
  report_interval(std::move(counts));
}

void Meter::report_interval(std::vector<FlowCount> counts) {
  IntervalFacts facts{since_start(last_), since_start(now()), omitted_, std::move(counts_),
                      std::move(counts)};
  report_.on_interval(facts);
  last_ = now();
  counts_ = std::move(facts.to);
}

co::Task<> Meter::finish() {
  if (std::exchange(is_finished_, true)) co_return;
  FlowGroup::Last last = co_await flows_.stop();
  used_ = cpu_.used();
  measured_ = now() - start_;
  extremes_ = std::move(last.extremes);
  report_interval(std::move(last.counts));
}

EndFacts Meter::facts() const {
  EndFacts facts;
  facts.seconds = static_cast<double>(measured_.ns()) * 1e-9;
  facts.cpu = used_;
  facts.base = base_;
  facts.total = counts_;
  facts.extremes = extremes_;
  if (parameters_.protocol == Protocol::tcp) facts.congestion = congestion_of(test_.flows);
  return facts;
}

namespace {

StreamResult result_of(const FlowFacts& flow, const FlowCount& base, const FlowCount& total) {
  StreamResult result;
  result.id = flow.id;
  result.bytes = total.bytes - base.bytes;
  if (total.tcp) {
    const std::uint64_t before = base.tcp ? base.tcp->retransmits : 0;
    result.retransmits = static_cast<std::int64_t>(total.tcp->retransmits - before);
  }
  result.jitter_seconds = total.jitter_seconds;
  result.lost = total.lost;
  result.packets = total.packets;
  result.omitted_lost = base.lost;
  result.omitted_packets = base.packets;
  return result;
}

}  // namespace

Results Meter::results() const {
  const std::vector<FlowFacts>& flows = test_.flows;
  Results results;
  results.cpu = used_;
  const bool sends = std::ranges::any_of(flows, &FlowFacts::sends);
  const bool is_tcp = parameters_.protocol == Protocol::tcp;
  results.sender_has_retransmits = !sends ? -1 : is_tcp ? 1 : 0;
  if (is_tcp) results.congestion_used = congestion_of(flows);
  for (std::size_t place = 0; place < flows.size(); ++place) {
    results.streams.push_back(result_of(flows[place], base_[place], counts_[place]));
    results.streams.back().seconds = static_cast<double>(measured_.ns()) * 1e-9;
  }
  return results;
}

}  // namespace sluice::perf

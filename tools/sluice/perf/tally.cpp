#include "tools/sluice/perf/tally.hpp"

#include <algorithm>
#include <cstddef>

#include "tools/sluice/perf/numbers.hpp"

namespace sluice::perf {
namespace {

// Counts beyond this are lies, which are not to overflow a sum.
constexpr std::int64_t kMostCounted = std::int64_t{1} << 53;

std::int64_t bounded(std::int64_t count) {
  return std::clamp(count, -kMostCounted, kMostCounted);
}

std::int64_t bounded(std::uint64_t count) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(count, kMostCounted));
}

// Of the stream with this index; nothing where nothing was counted yet.
const FlowCount& count_of(const std::vector<FlowCount>& counts, std::size_t index) {
  static const FlowCount nothing;
  return index < counts.size() ? counts[index] : nothing;
}

std::uint64_t retransmits_between(const FlowCount& from, const FlowCount& to) {
  if (!to.tcp) return 0;
  return to.tcp->retransmits - (from.tcp ? from.tcp->retransmits : 0);
}

std::int64_t difference(std::uint64_t from, std::uint64_t to) {
  return bounded(to) - bounded(from);
}

std::int64_t difference(std::int64_t from, std::int64_t to) {
  return bounded(to) - bounded(from);
}

// A client tells what it sends first; a server, what it receives.
template <typename Direction, typename Line>
std::vector<Direction> by_direction(Role role, const std::vector<Line>& lines) {
  std::vector<Direction> directions;
  for (const bool sends : {role == Role::client, role == Role::server}) {
    Direction direction;
    direction.sends = sends;
    for (const Line& line : lines) {
      if (line.flow->sends == sends) direction.flows.push_back(line);
    }
    if (!direction.flows.empty()) directions.push_back(std::move(direction));
  }
  return directions;
}

IntervalLine line_of(const FlowFacts& flow, double seconds, const FlowCount& from,
                     const FlowCount& to) {
  IntervalLine line;
  line.flow = &flow;
  line.traffic = {seconds, to.bytes - from.bytes};
  line.packets = difference(from.packets, to.packets);
  line.lost = difference(from.lost, to.lost);
  line.jitter_seconds = to.jitter_seconds;
  line.tcp = to.tcp;
  if (line.tcp) line.tcp->retransmits = retransmits_between(from, to);
  line.rtt = to.rtt;
  return line;
}

IntervalLine sum_of(const std::vector<IntervalLine>& lines) {
  IntervalLine sum;
  sum.traffic.seconds = lines.front().traffic.seconds;
  for (const IntervalLine& line : lines) {
    sum.traffic.bytes += line.traffic.bytes;
    sum.packets += line.packets;
    sum.lost += line.lost;
    sum.jitter_seconds += line.jitter_seconds / static_cast<double>(lines.size());
    sum.rtt += line.rtt;
    if (!line.tcp) continue;
    if (!sum.tcp) sum.tcp.emplace();
    sum.tcp->retransmits += line.tcp->retransmits;
  }
  return sum;
}

// What the peer has counted of a stream, without what was omitted.
struct PeerCount {
  double seconds = 0;
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> retransmits;
  std::int64_t packets = 0;
  std::int64_t lost = 0;
  double jitter_seconds = 0;
};

// Peers before 3.14 do not say what they have omitted: `omitted_here` stands in for it.
PeerCount peer_count(const EndFacts& end, int id, std::uint64_t omitted_here) {
  PeerCount count;
  count.seconds = end.seconds;
  if (!end.peer) return count;
  const Results& peer = *end.peer;
  const StreamResult* const told = peer.find(id);
  if (told == nullptr) return count;
  if (told->seconds > 0) count.seconds = told->seconds;
  count.bytes = static_cast<std::uint64_t>(bounded(told->bytes));
  if (peer.sender_has_retransmits == 1 && told->retransmits >= 0) {
    count.retransmits = bounded(told->retransmits);
  }
  const std::uint64_t omitted = told->omitted_packets > 0 ? told->omitted_packets : omitted_here;
  count.packets = difference(omitted, told->packets);
  count.lost = difference(told->omitted_lost, told->lost);
  count.jitter_seconds = told->jitter_seconds;
  return count;
}

EndLine line_of_sent(const EndFacts& end, std::size_t index, const PeerCount& peer) {
  const FlowCount& from = count_of(end.base, index);
  const FlowCount& to = count_of(end.total, index);
  EndLine line;
  line.sent = {end.seconds, to.bytes - from.bytes};
  line.received = {peer.seconds, peer.bytes};
  if (to.tcp) line.retransmits = retransmits_between(from, to);
  line.packets_sent = difference(from.packets, to.packets);
  line.packets_received = peer.packets;
  line.lost = peer.lost;
  line.jitter_seconds = peer.jitter_seconds;
  return line;
}

EndLine line_of_received(const EndFacts& end, std::size_t index, const PeerCount& peer) {
  const FlowCount& from = count_of(end.base, index);
  const FlowCount& to = count_of(end.total, index);
  EndLine line;
  line.sent = {peer.seconds, peer.bytes};
  line.received = {end.seconds, to.bytes - from.bytes};
  line.retransmits = peer.retransmits;
  line.packets_sent = peer.packets;
  line.packets_received = difference(from.packets, to.packets);
  line.lost = difference(from.lost, to.lost);
  line.out_of_order = difference(from.out_of_order, to.out_of_order);
  line.jitter_seconds = to.jitter_seconds;
  return line;
}

EndLine line_of(const EndFacts& end, const FlowFacts& flow, std::size_t index) {
  const PeerCount peer = peer_count(end, flow.id, count_of(end.base, index).packets);
  EndLine line = flow.sends ? line_of_sent(end, index, peer) : line_of_received(end, index, peer);
  line.flow = &flow;
  if (index < end.extremes.size()) line.extremes = end.extremes[index];
  line.packets = line.packets_sent > 0 ? line.packets_sent : line.packets_received;
  return line;
}

EndLine sum_of(const std::vector<EndLine>& lines) {
  EndLine sum;
  sum.sent.seconds = lines.front().sent.seconds;
  sum.received.seconds = lines.front().received.seconds;
  for (const EndLine& line : lines) {
    sum.sent.bytes += line.sent.bytes;
    sum.received.bytes += line.received.bytes;
    if (line.retransmits) sum.retransmits = sum.retransmits.value_or(0) + *line.retransmits;
    sum.packets_sent += line.packets_sent;
    sum.packets_received += line.packets_received;
    sum.packets += line.packets;
    sum.lost += line.lost;
    sum.out_of_order += line.out_of_order;
    sum.jitter_seconds += line.jitter_seconds / static_cast<double>(lines.size());
  }
  return sum;
}

std::vector<std::string> split(const std::string& names) {
  std::vector<std::string> parts(1);
  for (const char c : names) {
    if (c == ',' && parts.size() < kMaxStreams) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// The sender's, of each stream of a direction. A peer of our kind tells the list that it goes
// through.
std::vector<std::string> algorithms_of(const EndDirection& direction) {
  const std::vector<std::string> told = split(direction.sender_congestion);
  std::vector<std::string> names;
  names.reserve(direction.flows.size());
  for (const EndLine& line : direction.flows) {
    names.push_back(direction.sends ? line.flow->congestion : told[names.size() % told.size()]);
  }
  return names;
}

std::vector<AlgorithmLine> side_by_side(const EndDirection& direction) {
  const std::vector<std::string> names = algorithms_of(direction);
  std::vector<AlgorithmLine> lines;
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto line = std::ranges::find(lines, names[i], &AlgorithmLine::congestion);
    if (line == lines.end()) {
      line = lines.emplace(line);
      line->congestion = names[i];
      line->sent.seconds = direction.sum.sent.seconds;
    }
    const EndLine& flow = direction.flows[i];
    ++line->streams;
    line->sent.bytes += flow.sent.bytes;
    line->retransmits += flow.retransmits.value_or(0);
    line->share_percent = percent(bounded(line->sent.bytes), bounded(direction.sum.sent.bytes));
  }
  if (lines.size() < 2) lines.clear();
  return lines;
}

}  // namespace

double Traffic::bytes_per_second() const {
  return per_second(bytes, seconds);
}

double IntervalLine::lost_percent() const {
  return percent(lost, packets);
}

IntervalTally tally(Role role, const std::vector<FlowFacts>& flows, const IntervalFacts& interval) {
  std::vector<IntervalLine> lines;
  for (std::size_t i = 0; i < flows.size(); ++i) {
    lines.push_back(line_of(flows[i], interval.end - interval.start, count_of(interval.from, i),
                            count_of(interval.to, i)));
  }
  IntervalTally tally{interval.start, interval.end, interval.omitted,
                      by_direction<IntervalDirection>(role, lines)};
  for (IntervalDirection& direction : tally.directions) direction.sum = sum_of(direction.flows);
  return tally;
}

EndTally tally(Role role, const std::vector<FlowFacts>& flows, const EndFacts& end) {
  std::vector<EndLine> lines;
  for (std::size_t i = 0; i < flows.size(); ++i) lines.push_back(line_of(end, flows[i], i));
  EndTally tally;
  tally.host = end.cpu;
  if (end.peer) tally.remote = end.peer->cpu;
  tally.directions = by_direction<EndDirection>(role, lines);
  const std::string theirs = end.peer ? end.peer->congestion_used.value_or("") : "";
  for (EndDirection& direction : tally.directions) {
    direction.sum = sum_of(direction.flows);
    direction.sender_congestion = direction.sends ? end.congestion : theirs;
    direction.receiver_congestion = direction.sends ? theirs : end.congestion;
    direction.algorithms = side_by_side(direction);
    if (direction.sum.retransmits) tally.knows_retransmits = true;
  }
  return tally;
}

bool is_worth_telling(const IntervalTally& interval, double interval_seconds) {
  if (interval.end - interval.start >= interval_seconds / 10) return true;
  return std::ranges::any_of(interval.directions, [](const IntervalDirection& direction) {
    return direction.sum.traffic.bytes > 0;
  });
}

}  // namespace sluice::perf

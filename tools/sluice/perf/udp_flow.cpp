#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "proto/wire/ip.hpp"
#include "proto/wire/udp.hpp"
#include "tools/sluice/perf/datagram_frames.hpp"
#include "tools/sluice/perf/datagram_header.hpp"
#include "tools/sluice/perf/datagram_receipt.hpp"
#include "tools/sluice/perf/flow.hpp"
#include "tools/sluice/perf/pacer.hpp"
#include "tools/sluice/perf/payload.hpp"

namespace sluice::perf {
namespace {

// In one packet of the device's (UDP_MAX_SEGMENTS).
constexpr std::uint32_t kMostAtOnce = 64;
constexpr std::uint32_t kMaxPacket = 65'535;

CounterWidth width_of(const Parameters& parameters) {
  return parameters.counters_64bit ? CounterWidth::bits64 : CounterWidth::bits32;
}

class UdpSender final : public Flow, private Timer {
 public:
  UdpSender(DatagramSocket& socket, const FlowKey& key, const FlowPlan& plan);

  void start() override;
  void stop() override;
  void close() override { stop(); }
  FlowCount begin_counting() override;
  FlowCount count() override;
  std::uint64_t sent() const override { return packets_ * block_bytes_; }
  void on_writable() override { send_all(); }

 private:
  void on_timer() override;
  void send_all();
  bool claim();
  bool send_some();
  void build(MutableBytes datagrams, std::uint32_t count) const;

  DatagramSocket& socket_;
  const FlowKey key_;
  const FlowPlan plan_;
  Budget* budget_;
  const std::uint32_t block_bytes_;
  const std::uint32_t headers_;  // bytes of IP and UDP
  const std::uint32_t largest_;  // packet that may leave
  const std::uint32_t most_;     // datagrams at once
  const DatagramFrames::Owner frames_;
  Pacer pacer_;
  bool is_running_ = false;
  std::uint64_t packets_ = 0;  // that were accepted
  std::uint32_t claimed_ = 0;  // datagrams
  bool saw_end_ = false;       // of the budget, when it looked last
};

std::uint64_t unit_of(const Parameters& parameters) {
  return std::uint64_t{parameters.block_bytes} * std::max(parameters.burst, 1U);
}

bool forbids_fragments(const FlowKey& key, const Parameters& parameters) {
  return parameters.dont_fragment && key.remote.is_v4();
}

// What does not fit the MTU leaves in fragments, one by one.
std::uint32_t most_at_once(std::uint32_t block_bytes, std::uint32_t headers, std::uint32_t mtu) {
  if (block_bytes + headers > mtu) return 1;
  return std::clamp((kMaxPacket - headers) / block_bytes, 1U, kMostAtOnce);
}

UdpSender::UdpSender(DatagramSocket& socket, const FlowKey& key, const FlowPlan& plan)
    : socket_(socket),
      key_(key),
      plan_(plan),
      budget_(&plan_.first_budget()),
      block_bytes_(plan.parameters.block_bytes),
      headers_(static_cast<std::uint32_t>(wire::ip_header_length(key.remote) + wire::kUdpHeader)),
      largest_(forbids_fragments(key, plan.parameters) ? plan.mtu : kMaxPacket),
      most_(most_at_once(block_bytes_, headers_, plan.mtu)),
      frames_(DatagramFrames::make(Payload(plan.parameters.repeating_payload).at(0, block_bytes_),
                                   most_)),
      pacer_(plan.parameters.paced_bits_per_second(), unit_of(plan.parameters)) {}

void UdpSender::start() {
  is_running_ = true;
  pacer_.start(Core::here().now());
  Core::here().arm(*this, Duration());
}

void UdpSender::stop() {
  is_running_ = false;
  disarm();
}

FlowCount UdpSender::begin_counting() {
  budget_ = plan_.budget;
  claimed_ = 0;
  return count();
}

FlowCount UdpSender::count() {
  FlowCount count;
  count.bytes = packets_ * block_bytes_;
  count.packets = packets_;
  return count;
}

void UdpSender::send_all() {
  if (is_running_ && block_bytes_ + headers_ > largest_) {
    stop();
    if (plan_.on_lost) plan_.on_lost(co::Outcome::unavailable);
  }
  while (is_running_ && claim()) {
    const Duration rest = pacer_.until_due(Core::here().now());
    if (rest > Duration()) return Core::here().arm(*this, std::max(rest, kPacingRest));
    if (!send_some()) return;
  }
  if (is_running_) Core::here().arm(*this, kBudgetPatience);
}

void UdpSender::on_timer() {
  if (claimed_ == 0 && std::exchange(saw_end_, budget_->is_reached())) budget_->lift();
  send_all();
}

// There is something to send.
bool UdpSender::claim() {
  if (claimed_ == 0) claimed_ = budget_->claim(block_bytes_, most_);
  return claimed_ > 0;
}

// False when there is no room: then on_timer() follows, or on_writable().
bool UdpSender::send_some() {
  Slice room = frames_->take();
  if (room.empty()) {
    Core::here().arm(*this, Duration());  // with the core's next tick
    return false;
  }
  const std::uint64_t due = pacer_.due(Core::here().now()) / block_bytes_;
  const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(due, claimed_));
  const std::uint32_t bytes = count * block_bytes_;
  build({room.frame()->data, bytes}, count);
  room.keep_front(bytes);
  const auto segment = static_cast<std::uint16_t>(count > 1 ? block_bytes_ : 0);
  if (!socket_.send(key_, std::move(room), segment)) return false;
  packets_ += count;
  claimed_ -= count;
  pacer_.sent(bytes);
  budget_->moved(bytes);
  return true;
}

void UdpSender::build(MutableBytes datagrams, std::uint32_t count) const {
  const std::int64_t now = Core::here().now().ns() / 1'000;
  for (std::uint32_t i = 0; i < count; ++i) {
    build_datagram_header(datagrams.subspan(std::size_t{i} * block_bytes_),
                          width_of(plan_.parameters),
                          {.sent_us = now, .sequence = packets_ + i + 1});
  }
}

// What comes before start() counts, too: in the kernel it would wait in the socket until then, and
// be counted.
class UdpReceiver final : public Flow {
 public:
  explicit UdpReceiver(const FlowPlan& plan) : plan_(plan), budget_(&plan_.first_budget()) {}

  void start() override {}
  void stop() override { is_over_ = true; }
  void close() override { stop(); }
  FlowCount begin_counting() override;
  FlowCount count() override;
  std::uint64_t received() const override { return bytes_; }
  void on_datagrams(const Datagram& several) override;

 private:
  void on_datagram(Bytes datagram, Instant arrival);

  const FlowPlan plan_;
  Budget* budget_;
  bool is_over_ = false;
  std::uint64_t bytes_ = 0;
  DatagramReceipt receipt_;
};

FlowCount UdpReceiver::begin_counting() {
  budget_ = plan_.budget;
  return count();
}

FlowCount UdpReceiver::count() {
  FlowCount count;
  count.bytes = bytes_;
  count.packets = receipt_.highest();
  count.lost = static_cast<std::int64_t>(std::min<std::uint64_t>(receipt_.lost(), INT64_MAX));
  count.out_of_order = receipt_.out_of_order();
  count.jitter_seconds = receipt_.jitter_seconds();
  return count;
}

void UdpReceiver::on_datagrams(const Datagram& several) {
  if (is_over_) return;
  const std::uint64_t before = bytes_;
  const Instant arrival = Core::here().now();
  const Bytes all = several.payload.bytes();
  const std::size_t each = several.segment_bytes > 0 ? several.segment_bytes : all.size();
  for (Bytes rest = all; !rest.empty(); rest = rest.subspan(std::min(each, rest.size()))) {
    on_datagram(rest.first(std::min(each, rest.size())), arrival);
  }
  budget_->moved(bytes_ - before);
}

// One without a header is none of the test's: a greeting that was sent twice.
void UdpReceiver::on_datagram(Bytes datagram, Instant arrival) {
  const auto header = parse_datagram_header(datagram, width_of(plan_.parameters));
  if (!header) return;
  bytes_ += datagram.size();
  receipt_.on_datagram(*header, arrival);
}

}  // namespace

std::unique_ptr<Flow> make_udp_flow(DatagramSocket& socket, const FlowKey& key,
                                    const FlowPlan& plan) {
  socket.set_traffic_class(plan.parameters.tos);
  socket.set_dont_fragment(forbids_fragments(key, plan.parameters));
  if (plan.sends) return std::make_unique<UdpSender>(socket, key, plan);
  return std::make_unique<UdpReceiver>(plan);
}

}  // namespace sluice::perf

#include "dataplane/worker/impaired_queue.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "dataplane/io/clock.hpp"
#include "dataplane/link/link.hpp"
#include "dataplane/link/segmenter.hpp"
#include "proto/wire/virtio_net.hpp"

namespace sluice {
namespace {

constexpr std::uint32_t kVirtio = wire::kVirtioNetHeaderSize;
// What may be on one way at a time: 4 Gbit/s for 100 ms.
constexpr std::uint32_t kBytesUnderWay = 64 << 20;
constexpr std::uint32_t kFewestPackets = 1024;
constexpr std::size_t kPacketsAtOnce = 16;  // that are read from the device

std::uint32_t packets_under_way(std::uint32_t mtu) {
  return std::max(kBytesUnderWay / (mtu + kVirtio), kFewestPackets);
}

// Zero, which stands for no limit, stays zero, and nothing else becomes it.
template <class T>
void divide(T& limit, std::uint32_t workers) {
  if (limit != 0) limit = std::max<T>(1, limit / workers);
}

LinkOptions share_of(LinkOptions link, std::uint32_t workers) {
  divide(link.rate_bits, workers);
  divide(link.queue_bytes, workers);
  divide(link.queue_packets, workers);
  divide(link.mark_bytes, workers);
  return link;
}

// One direction. Packets are cut, and copied, into frames of its own.
class Way {
 public:
  Way(const LinkOptions& options, std::uint32_t mtu, std::uint64_t seed)
      : frames_(packets_under_way(mtu), mtu + kVirtio),
        link_(options, packets_under_way(mtu), seed) {}

  // False when the packet is one that no device would take.
  bool send(Bytes whole, Instant now) {
    pieces_.clear();
    const Cut cut = cut_packet(whole, frames_, pieces_);
    for (Slice& piece : pieces_) link_.send({std::move(piece), false}, now);
    if (cut == Cut::no_frames) ++overflows_;
    return cut != Cut::refused;
  }
  std::optional<LinkPacket> take(Instant now) { return link_.take(now); }
  Instant next() const { return link_.next_delivery(); }
  void clear() { link_.clear(); }
  LinkCounters counters() const {
    LinkCounters counters = link_.counters();
    counters.queue_full += overflows_;
    return counters;
  }

 private:
  FramePool frames_;
  Link link_;
  std::vector<Slice> pieces_;
  std::uint64_t overflows_ = 0;  // packets the rest of which found no frame
};

class QueueBehindWires final : public ImpairedQueue {
 public:
  QueueBehindWires(std::unique_ptr<io::TunQueue> queue, const Config& config, std::uint32_t number,
                   FramePool& pool)
      : pool_(pool),
        in_(share_of(config.link_in, config.workers), config.mtu, config.link_seed + 2 * number),
        out_(share_of(config.link_out, config.workers), config.mtu,
             config.link_seed + 2 * number + 1),
        batch_(config.tx_slots),
        queue_(std::move(queue)) {
    scratch_.reserve(kVirtio + 65'535);
  }

  std::size_t reap(std::span<io::RxPacket> packets) override;
  void submit(TxBatch& batch, Instant wait_until) override;
  using io::TunQueue::wake;
  void wake() override { queue_->wake(); }
  void wake(io::TunQueue& sleeper) override { queue_->wake(sleeper); }
  void quiesce(TxBatch& batch) override;
  const io::IoCounters& counters() const override;
  int ring_descriptor() const override { return queue_->ring_descriptor(); }
  LinkCounters in_counters() const override { return in_.counters(); }
  LinkCounters out_counters() const override { return out_.counters(); }

 private:
  void read_device(Instant now);
  bool deliver(io::RxPacket& packet, Instant now);
  void take_pushed(TxBatch& batch, Instant now);
  void write_due(Instant now);

  FramePool& pool_;
  Way in_;
  Way out_;
  TxBatch batch_;                      // of what comes off the wire
  std::vector<std::uint8_t> scratch_;  // a packet in one piece
  std::uint64_t refused_in_ = 0;       // that no device would take
  std::uint64_t refused_out_ = 0;
  mutable io::IoCounters counters_;
  std::unique_ptr<io::TunQueue> queue_;  // goes first: it may be writing what lies in the batch
};

void QueueBehindWires::read_device(Instant now) {
  std::array<io::RxPacket, kPacketsAtOnce> read;
  const std::size_t count = queue_->reap(read);
  for (const io::RxPacket& packet : std::span(read).first(count)) {
    if (!in_.send({packet.frame->data, packet.length}, now)) ++refused_in_;
    packet.frame->home->take_back(*packet.frame);
  }
}

// False when nothing is due, or no frame is free to read it into.
bool QueueBehindWires::deliver(io::RxPacket& packet, Instant now) {
  if (in_.next() > now) return false;
  Frame* const frame = pool_.take();
  if (frame == nullptr) return false;
  const Slice whole = in_.take(now)->whole;
  std::memcpy(frame->data, whole.data(), whole.size());
  packet = {frame, whole.size()};
  return true;
}

std::size_t QueueBehindWires::reap(std::span<io::RxPacket> packets) {
  const Instant now = io::now();
  read_device(now);
  std::size_t count = 0;
  while (count < packets.size() && deliver(packets[count], now)) ++count;
  return count;
}

void QueueBehindWires::take_pushed(TxBatch& batch, Instant now) {
  for (TxPacket* const packet : batch.pushed()) {
    scratch_.clear();
    for (const iovec& piece : packet->iovecs()) {
      const auto* const from = static_cast<const std::uint8_t*>(piece.iov_base);
      scratch_.insert(scratch_.end(), from, from + piece.iov_len);
    }
    batch.complete(*packet);
    if (!out_.send(scratch_, now)) ++refused_out_;
  }
  batch.forget_pushed();
}

void QueueBehindWires::write_due(Instant now) {
  while (out_.next() <= now) {
    TxPacket* const packet = batch_.claim();
    if (packet == nullptr) return;
    Slice whole = out_.take(now)->whole;
    std::memcpy(packet->header.data(), whole.data(), kVirtio);
    packet->set_header(kVirtio);
    whole.drop_front(kVirtio);
    packet->add_piece(std::move(whole));
    batch_.push(*packet);
  }
}

void QueueBehindWires::submit(TxBatch& batch, Instant wait_until) {
  const Instant now = io::now();
  take_pushed(batch, now);
  write_due(now);
  wait_until = std::min(wait_until, out_.next());
  // Without a frame nothing can arrive, whatever is due; one that comes home wakes the worker.
  if (pool_.free_count() > 0) wait_until = std::min(wait_until, in_.next());
  queue_->submit(batch_, wait_until);
}

void QueueBehindWires::quiesce(TxBatch& batch) {
  for (TxPacket* const packet : batch.pushed()) batch.complete(*packet);
  batch.forget_pushed();
  queue_->quiesce(batch_);
  in_.clear();
  out_.clear();
}

const io::IoCounters& QueueBehindWires::counters() const {
  counters_ = queue_->counters();
  counters_.rx_errors += refused_in_;
  counters_.tx_refused += refused_out_;
  return counters_;
}

}  // namespace

std::unique_ptr<ImpairedQueue> make_impaired_queue(std::unique_ptr<io::TunQueue> queue,
                                                   const Config& config, std::uint32_t number,
                                                   FramePool& pool) {
  return std::make_unique<QueueBehindWires>(std::move(queue), config, number, pool);
}

}  // namespace sluice

// The back end with one io_uring a queue: a turn is one system call, which submits all writes and
// waits for the first packet after them.
#include <poll.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <memory>
#include <vector>

#include "dataplane/io/clock.hpp"
#include "dataplane/io/lent_frames.hpp"
#include "dataplane/io/plain_reader.hpp"
#include "dataplane/io/queue_counting.hpp"
#include "dataplane/io/tun_queue.hpp"
#include "dataplane/io/uring.hpp"
#include "dataplane/io/wake_event.hpp"

namespace sluice::io {
namespace {

// The registered files.
constexpr int kTunFile = 0;
constexpr int kWakeFile = 1;

// What a completion belongs to: one of these, or the address of the TunQueue that a message did not
// reach, plus one, or else the address of the TxPacket written.
enum Token : std::uint64_t {
  kReadToken = 2,
  kReadableToken = 4,
  kWakeToken = 6,
  kMessageToken = 8,
  kCancelToken = 10
};
constexpr std::uint64_t kUnreached = 1;

// More writes than this are submitted in several system calls.
constexpr std::uint32_t kMaxSubmissions = 4096;
constexpr std::uint32_t kOtherOperations = 8;  // the read, the wake-up, and cancelling them

unsigned submissions_for(const TunQueueOptions& options) {
  return std::min(options.tx_slots + kOtherOperations, kMaxSubmissions);
}

// Packets that completed and were not reaped yet, oldest first.
class PacketQueue {
 public:
  explicit PacketQueue(std::uint32_t capacity) : packets_(capacity), mask_(capacity - 1) {}

  void push(RxPacket packet) { packets_[tail_++ & mask_] = packet; }
  RxPacket pop() { return packets_[head_++ & mask_]; }
  std::uint32_t size() const { return tail_ - head_; }

 private:
  std::vector<RxPacket> packets_;
  std::uint32_t mask_;
  std::uint32_t head_ = 0;
  std::uint32_t tail_ = 0;
};

class UringQueue final : public TunQueue {
 public:
  UringQueue(const TunQueueOptions& options, FramePool& pool);
  ~UringQueue() override;

  std::size_t reap(std::span<RxPacket> packets) override;
  void submit(TxBatch& batch, Instant wait_until) override;
  void wake() override { wake_event_.signal(); }
  void wake(TunQueue& sleeper) override;
  int ring_descriptor() const override { return ring_.descriptor(); }
  void quiesce(TxBatch& batch) override;
  const IoCounters& counters() const override { return counters_; }

 private:
  void write_all(TxBatch& batch);
  void write(TxPacket& packet);
  void arm_wake();
  void arm_read();
  void arm_readable();
  void enter(Instant wait_until);
  bool has_news() const;

  io_uring_sqe* next_entry();
  void harvest();
  void on_completion(const io_uring_cqe& completion);
  void on_read(const io_uring_cqe& completion);
  void on_packet(RxPacket packet);
  void on_written(TxPacket& packet, std::int32_t result);

  bool is_busy() const { return reading_ || wake_armed_ || writing_ > 0; }
  void cancel_all();
  void bring_home();

  FramePool& pool_;
  IoCounters counters_;
  WakeEvent wake_event_;
  PlainReader reader_;  // where there is no multishot read
  Uring ring_;
  PacketQueue received_;
  const std::uint32_t ring_frames_;
  const bool sends_messages_;
  std::unique_ptr<LentFrames> lent_;  // where there is one
  TxBatch* batch_ = nullptr;          // of the writes in flight
  std::uint32_t writing_ = 0;         // writes in flight
  bool reading_ = false;              // a multishot read, or a poll for a plain one, is in flight
  bool wake_armed_ = false;
  bool woken_ = false;        // by wake(), in this turn
  bool read_failed_ = false;  // in this turn
};

UringQueue::UringQueue(const TunQueueOptions& options, FramePool& pool)
    : pool_(pool),
      reader_(options.fd, pool, counters_),
      ring_(submissions_for(options), options.tx_slots + options.ring_frames + kOtherOperations,
            std::array{options.fd, wake_event_.descriptor()}),
      received_(options.ring_frames),
      ring_frames_(options.ring_frames),
      sends_messages_(ring_.supports(IORING_OP_MSG_RING)) {
  SLUICE_ASSERT(std::has_single_bit(options.ring_frames));
  SLUICE_ASSERT(pool.size() == 0 || pool.frame_bytes() >= kLargestRead);
  if (options.multishot && ring_.supports(kReadMultishot)) {
    lent_ = std::make_unique<LentFrames>(ring_, pool, options.ring_frames);
  }
}

UringQueue::~UringQueue() {
  cancel_all();
  bring_home();
}

std::size_t UringQueue::reap(std::span<RxPacket> packets) {
  if (!lent_) return reader_.read(packets);
  const std::size_t count = std::min<std::size_t>(packets.size(), received_.size());
  for (RxPacket& packet : packets.first(count)) packet = received_.pop();
  return count;
}

void UringQueue::submit(TxBatch& batch, Instant wait_until) {
  ++counters_.turns;
  woken_ = false;
  write_all(batch);
  arm_wake();
  if (lent_) {
    arm_read();
  } else {
    arm_readable();
  }
  enter(wait_until);
  harvest();
}

void UringQueue::write_all(TxBatch& batch) {
  batch_ = &batch;
  for (TxPacket* const packet : batch.pushed()) write(*packet);
  batch.forget_pushed();
}

void UringQueue::write(TxPacket& packet) {
  ++writing_;
  io_uring_sqe* const entry = next_entry();
  if (entry == nullptr) {
    on_written(packet, -EBUSY);
    return;
  }
  const std::span<const iovec> pieces = packet.iovecs();
  if (pieces.size() == 1) {
    io_uring_prep_write(entry, kTunFile, pieces[0].iov_base,
                        static_cast<unsigned>(pieces[0].iov_len), 0);
  } else {
    io_uring_prep_writev(entry, kTunFile, pieces.data(), static_cast<unsigned>(pieces.size()), 0);
  }
  entry->flags = IOSQE_FIXED_FILE;
  io_uring_sqe_set_data(entry, &packet);
}

// A multishot poll completes once for each signal (or several at the same time) without anybody
// reading the eventfd: its count only grows.
void UringQueue::arm_wake() {
  if (wake_armed_) return;
  io_uring_sqe* const entry = next_entry();
  if (entry == nullptr) return;
  io_uring_prep_poll_multishot(entry, kWakeFile, POLLIN);
  entry->flags = IOSQE_FIXED_FILE;
  entry->user_data = kWakeToken;
  wake_armed_ = true;
}

// A message to its ring, in the system call that we make anyway. It completes here only if it
// fails.
void UringQueue::wake(TunQueue& sleeper) {
  const int ring = sleeper.ring_descriptor();
  io_uring_sqe* const entry = ring < 0 || !sends_messages_ ? nullptr : next_entry();
  if (entry == nullptr) return sleeper.wake();
  io_uring_prep_msg_ring(entry, ring, 0, kMessageToken, 0);
  entry->flags = IOSQE_CQE_SKIP_SUCCESS;
  entry->user_data = reinterpret_cast<std::uintptr_t>(&sleeper) + kUnreached;
}

// The read ends when it finds no frame: it is started again only once it would find one.
void UringQueue::arm_read() {
  lent_->lend_up_to(ring_frames_ - received_.size());
  if (reading_ || read_failed_ || lent_->count() == 0) return;
  io_uring_sqe* const entry = next_entry();
  if (entry == nullptr) return;
  io_uring_prep_rw(kReadMultishot, entry, kTunFile, nullptr, 0, 0);
  entry->flags = IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
  entry->buf_group = LentFrames::kGroup;
  entry->user_data = kReadToken;
  reading_ = true;
}

void UringQueue::arm_readable() {
  read_failed_ = reader_.take_failure();
  if (reading_ || read_failed_ || reader_.expects_packets()) return;
  io_uring_sqe* const entry = next_entry();
  if (entry == nullptr) return;
  io_uring_prep_poll_add(entry, kTunFile, POLLIN);
  entry->flags = IOSQE_FIXED_FILE;
  entry->user_data = kReadableToken;
  reading_ = true;
}

void UringQueue::enter(Instant wait_until) {
  if (has_news()) return ring_.enter();
  const Instant present = now();
  if (read_failed_) {
    wait_until = std::min(wait_until, present + kRetryAfterReadError);
    read_failed_ = false;
  }
  if (wait_until <= present) return ring_.enter();
  ++counters_.sleeps;
  // Writes complete by themselves, here and now: what we wait for is the completion after theirs.
  ring_.wait(writing_ + 1,
             wait_until.is_never() ? Duration::nanoseconds(-1) : wait_until - present);
}

// Whether submit() has no reason to wait.
bool UringQueue::has_news() const {
  return woken_ || received_.size() > 0 || (!lent_ && reader_.is_ready());
}

// Null when the kernel takes nothing at present (it is out of memory).
io_uring_sqe* UringQueue::next_entry() {
  if (io_uring_sqe* const entry = ring_.try_entry()) return entry;
  ring_.enter();
  harvest();
  return ring_.try_entry();
}

void UringQueue::harvest() {
  ring_.for_each_completion([this](const io_uring_cqe& completion) { on_completion(completion); });
}

void UringQueue::on_completion(const io_uring_cqe& completion) {
  const bool ended = (completion.flags & IORING_CQE_F_MORE) == 0;
  switch (completion.user_data) {
    case kReadToken:
      if (ended) reading_ = false;
      on_read(completion);
      return;
    case kReadableToken:
      reading_ = false;
      reader_.expect_packets();  // if the poll failed, the read will tell
      return;
    case kWakeToken:
      if (ended) wake_armed_ = false;
      woken_ = true;
      return;
    case kMessageToken: woken_ = true; return;
    case kCancelToken: return;
    default:
      if ((completion.user_data & kUnreached) != 0) {
        auto* const tagged = static_cast<std::uint8_t*>(io_uring_cqe_get_data(&completion));
        return reinterpret_cast<TunQueue*>(tagged - kUnreached)->wake();
      }
      on_written(*static_cast<TxPacket*>(io_uring_cqe_get_data(&completion)), completion.res);
  }
}

void UringQueue::on_read(const io_uring_cqe& completion) {
  if ((completion.flags & IORING_CQE_F_BUFFER) != 0) {
    const auto buffer = static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
    Frame& frame = lent_->take(buffer);
    if (completion.res > 0) return on_packet({&frame, static_cast<std::uint32_t>(completion.res)});
    pool_.take_back(frame);
  }
  if (completion.res == -ENOBUFS) {
    // Also the normal end of a turn that has filled all frames lent.
    if (pool_.free_count() == 0) ++counters_.rx_starved;
  } else if (completion.res != -ECANCELED && completion.res != -EINTR) {
    ++counters_.rx_errors;
    read_failed_ = true;
  }
}

void UringQueue::on_packet(RxPacket packet) {
  count_read(counters_, packet.length);
  received_.push(packet);
}

void UringQueue::on_written(TxPacket& packet, std::int32_t result) {
  --writing_;
  count_write(counters_, packet, result);
  batch_->complete(packet);
}

void UringQueue::quiesce(TxBatch& batch) {
  write_all(batch);
  cancel_all();
  bring_home();
}

// A request that is just being retried can escape: ask again until all have ended.
void UringQueue::cancel_all() {
  constexpr Duration kPatience = Duration::milliseconds(10);
  while (is_busy()) {
    if (io_uring_sqe* const entry = next_entry()) {
      io_uring_prep_cancel64(entry, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
      entry->user_data = kCancelToken;
    }
    ring_.wait(1, kPatience);
    harvest();
  }
}

void UringQueue::bring_home() {
  while (received_.size() > 0) pool_.take_back(*received_.pop().frame);
  if (lent_) lent_->bring_home();
  ring_.release_files();
}

}  // namespace

std::unique_ptr<TunQueue> make_uring_queue(const TunQueueOptions& options, FramePool& pool) {
  return std::make_unique<UringQueue>(options, pool);
}

}  // namespace sluice::io

// The back end that works everywhere: poll(2), read(2) and writev(2), a system call a packet.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "dataplane/io/clock.hpp"
#include "dataplane/io/plain_reader.hpp"
#include "dataplane/io/queue_counting.hpp"
#include "dataplane/io/tun_queue.hpp"
#include "dataplane/io/wake_event.hpp"

namespace sluice::io {
namespace {

std::int64_t write_packet(int fd, const TxPacket& packet) {
  const std::span<const iovec> pieces = packet.iovecs();
  ssize_t result;
  do {
    result = pieces.size() == 1 ? write(fd, pieces[0].iov_base, pieces[0].iov_len)
                                : writev(fd, pieces.data(), static_cast<int>(pieces.size()));
  } while (result < 0 && errno == EINTR);
  return result;
}

class PollQueue final : public TunQueue {
 public:
  PollQueue(const TunQueueOptions& options, FramePool& pool)
      : fd_(options.fd), reader_(options.fd, pool, counters_), pool_(pool) {
    SLUICE_ASSERT(pool.size() == 0 || pool.frame_bytes() >= kLargestRead);
  }

  std::size_t reap(std::span<RxPacket> packets) override { return reader_.read(packets); }
  void submit(TxBatch& batch, Instant wait_until) override;
  using TunQueue::wake;
  void wake() override { wake_event_.signal(); }
  void quiesce(TxBatch& batch) override { write_all(batch); }
  const IoCounters& counters() const override { return counters_; }

 private:
  void write_all(TxBatch& batch);
  void wait(Duration patience, bool for_packets);

  int fd_;
  IoCounters counters_;
  WakeEvent wake_event_;
  PlainReader reader_;
  FramePool& pool_;
};

void PollQueue::submit(TxBatch& batch, Instant wait_until) {
  ++counters_.turns;
  write_all(batch);
  if (reader_.is_ready()) return;
  const Instant present = now();
  const bool failed = reader_.take_failure();
  if (failed) wait_until = std::min(wait_until, present + kRetryAfterReadError);
  if (wait_until <= present) {
    reader_.expect_packets();  // to try costs no more than to ask
    return;
  }
  ++counters_.sleeps;
  // Without a frame to read into, a readable device would end every wait at once.
  wait(wait_until.is_never() ? Duration::nanoseconds(-1) : wait_until - present,
       !failed && pool_.free_count() > 0);
  if (failed) reader_.expect_packets();
}

void PollQueue::write_all(TxBatch& batch) {
  for (TxPacket* const packet : batch.pushed()) {
    count_write(counters_, *packet, write_packet(fd_, *packet));
    batch.complete(*packet);
  }
  batch.forget_pushed();
}

// A negative `patience` waits for ever.
void PollQueue::wait(Duration patience, bool for_packets) {
  std::array<pollfd, 2> watched{pollfd{for_packets ? fd_ : -1, POLLIN, 0},
                                pollfd{wake_event_.descriptor(), POLLIN, 0}};
  const timespec timeout{patience.ns() / 1'000'000'000, patience.ns() % 1'000'000'000};
  if (ppoll(watched.data(), watched.size(), patience.ns() < 0 ? nullptr : &timeout, nullptr) <= 0) {
    return;  // the time is over, or a signal came
  }
  if (watched[0].revents != 0) reader_.expect_packets();
  if (watched[1].revents != 0) wake_event_.drain();
}

}  // namespace

std::unique_ptr<TunQueue> make_poll_queue(const TunQueueOptions& options, FramePool& pool) {
  return std::make_unique<PollQueue>(options, pool);
}

}  // namespace sluice::io

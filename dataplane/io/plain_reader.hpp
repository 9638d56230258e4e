// Packets by read(2), one after the other, without waiting: for poll, and for an io_uring without
// READ_MULTISHOT. Several plain READs in flight would change the order of packets.
#pragma once

#include <span>
#include <utility>

#include "dataplane/io/tun_queue.hpp"

namespace sluice::io {

class PlainReader {
 public:
  // `fd` is O_NONBLOCK; `pool` and `counters` outlive the reader.
  PlainReader(int fd, FramePool& pool, IoCounters& counters)
      : fd_(fd), pool_(pool), counters_(counters) {}

  // Until `packets` is full, the device or the pool is empty, or a read fails. Asks the kernel only
  // after expect_packets(), or when the last call ended with `packets` full.
  std::size_t read(std::span<RxPacket> packets);

  // The descriptor may be readable.
  void expect_packets() { expected_ = true; }
  bool expects_packets() const { return expected_; }
  // A call of read() may find something now.
  bool is_ready() const { return expected_ && pool_.free_count() > 0; }
  // Whether a read failed since this was last asked.
  bool take_failure() { return std::exchange(failed_, false); }

 private:
  void on_error(int error);

  int fd_;
  FramePool& pool_;
  IoCounters& counters_;
  bool expected_ = true;
  bool failed_ = false;
};

}  // namespace sluice::io

// An io_uring of one thread: setting it up, and entering the kernel.
// Source: Linux io_uring/io_uring.c; io_uring_setup(2), io_uring_enter(2).
#pragma once

#include <liburing.h>

#include <span>

#include "proto/base/time.hpp"

namespace sluice::io {

inline constexpr int kReadMultishot = 49;  // IORING_OP_..., Linux 6.7; liburing 2.3 lacks it

// Made on the thread that uses it (IORING_SETUP_SINGLE_ISSUER). With DEFER_TASKRUN a completion
// appears only inside a call of enter() or wait(), never in between.
class Uring {
 public:
  // `files` can be named by their index (IOSQE_FIXED_FILE). Throws std::system_error.
  Uring(unsigned submissions, unsigned completions, std::span<const int> files);
  ~Uring();
  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;

  io_uring* get() { return &ring_; }
  int descriptor() const { return ring_.ring_fd; }
  bool supports(int opcode);

  // A free entry, or null when the submission queue is full.
  io_uring_sqe* try_entry() { return io_uring_get_sqe(&ring_); }
  // Submits all and takes in what is complete; no system call when there is neither.
  void enter();
  // As well, and waits for `completions` that nobody has looked at, or until `patience` is over; a
  // negative one never is.
  void wait(unsigned completions, Duration patience);

  // Calls `take` for each completion, oldest first.
  template <typename Take>
  void for_each_completion(Take take) {
    unsigned head;
    unsigned count = 0;
    io_uring_cqe* completion;
    io_uring_for_each_cqe(&ring_, head, completion) {
      take(*completion);
      ++count;
    }
    io_uring_cq_advance(&ring_, count);
  }

  // Lets go of the files. Closing the ring would do so only some time later, from a kernel thread,
  // and a TUN device with it.
  void release_files();

 private:
  void register_all(std::span<const int> files);

  io_uring ring_{};
};

}  // namespace sluice::io

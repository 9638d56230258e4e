#include "dataplane/io/uring.hpp"

#include <bit>
#include <cerrno>
#include <system_error>

#include "proto/base/assert.hpp"

namespace sluice::io {
namespace {

void check(int result, const char* what) {
  if (result < 0) throw std::system_error(-result, std::generic_category(), what);
}

// What is left unsubmitted after one of these is submitted by the next call.
void check_enter(int result) {
  SLUICE_ASSERT(result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN ||
                result == -EBUSY);
}

}  // namespace

Uring::Uring(unsigned submissions, unsigned completions, std::span<const int> files) {
  io_uring_params params{};
  // SUBMIT_ALL: an entry that fails at once does not hold up the rest. TASKRUN_FLAG: the kernel
  // says when it is worth to enter.
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE |
                 IORING_SETUP_CLAMP;
  params.cq_entries = std::bit_ceil(completions);
  check(io_uring_queue_init_params(submissions, &ring_, &params), "io_uring_setup");
  try {
    register_all(files);
  } catch (...) {
    io_uring_queue_exit(&ring_);
    throw;
  }
}

Uring::~Uring() {
  release_files();
  io_uring_queue_exit(&ring_);
}

void Uring::register_all(std::span<const int> files) {
  check(io_uring_register_files(&ring_, files.data(), static_cast<unsigned>(files.size())),
        "io_uring_register_files");
  check(io_uring_register_ring_fd(&ring_), "io_uring_register_ring_fd");
}

void Uring::release_files() {
  // Fails when they have been let go of already, or in the destructor on another thread.
  io_uring_unregister_files(&ring_);
}

bool Uring::supports(int opcode) {
  io_uring_probe* const probe = io_uring_get_probe_ring(&ring_);
  if (probe == nullptr) return false;
  const bool supported = io_uring_opcode_supported(probe, opcode) != 0;
  io_uring_free_probe(probe);
  return supported;
}

void Uring::enter() {
  const unsigned flags = IO_URING_READ_ONCE(*ring_.sq.kflags);
  const bool has_work = (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
  if (!has_work && io_uring_sq_ready(&ring_) == 0) return;
  check_enter(io_uring_submit_and_get_events(&ring_));
}

void Uring::wait(unsigned completions, Duration patience) {
  __kernel_timespec timeout{patience.ns() / 1'000'000'000, patience.ns() % 1'000'000'000};
  io_uring_cqe* unused = nullptr;
  check_enter(io_uring_submit_and_wait_timeout(&ring_, &unused, completions,
                                               patience.ns() < 0 ? nullptr : &timeout, nullptr));
}

}  // namespace sluice::io

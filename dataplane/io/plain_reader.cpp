#include "dataplane/io/plain_reader.hpp"

#include <unistd.h>

#include <cerrno>

#include "dataplane/io/queue_counting.hpp"

namespace sluice::io {

std::size_t PlainReader::read(std::span<RxPacket> packets) {
  std::size_t count = 0;
  while (expected_ && count < packets.size()) {
    Frame* const frame = pool_.take();
    if (frame == nullptr) {
      ++counters_.rx_starved;
      break;
    }
    const ssize_t length = ::read(fd_, frame->data, frame->capacity);
    if (length > 0) {
      packets[count] = {frame, static_cast<std::uint32_t>(length)};
      count_read(counters_, packets[count++].length);
      continue;
    }
    const int error = length == 0 ? EIO : errno;
    pool_.take_back(*frame);
    on_error(error);
  }
  return count;
}

void PlainReader::on_error(int error) {
  if (error == EINTR) return;
  expected_ = false;
  if (error == EAGAIN) return;
  ++counters_.rx_errors;
  failed_ = true;
}

}  // namespace sluice::io

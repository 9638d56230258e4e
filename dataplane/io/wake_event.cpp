#include "dataplane/io/wake_event.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace sluice::io {

WakeEvent::WakeEvent() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (!fd_) throw std::system_error(errno, std::generic_category(), "eventfd");
}

void WakeEvent::signal() {
  // Refused only when 2^64 - 2 signals are pending: then it is readable, and that is all we want.
  [[maybe_unused]] const int refused = eventfd_write(fd_.get(), 1);
}

void WakeEvent::drain() {
  eventfd_t signals;
  [[maybe_unused]] const int nothing_there = eventfd_read(fd_.get(), &signals);
}

}  // namespace sluice::io

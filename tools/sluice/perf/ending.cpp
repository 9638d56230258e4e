#include "tools/sluice/perf/ending.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "tools/sluice/options.hpp"

namespace sluice::perf {

Ending::Ending() {
  const sigset_t signals = block_signals({SIGINT, SIGTERM, SIGHUP});
  signals_ = io::UniqueFd(signalfd(-1, &signals, SFD_CLOEXEC));
  done_ = io::UniqueFd(eventfd(0, EFD_CLOEXEC));
  if (signals_.get() < 0 || done_.get() < 0)
    throw std::system_error(errno, std::generic_category());
}

void Ending::done(bool good) {
  is_good_ = good;
  // An event counter has room for this.
  [[maybe_unused]] const int written = eventfd_write(done_.get(), 1);
}

bool Ending::wait() {
  pollfd ready[] = {{done_.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}};
  while (poll(ready, 2, -1) < 0) {
  }
  if (ready[0].revents != 0) return false;
  signalfd_siginfo signal{};
  return read(signals_.get(), &signal, sizeof signal) > 0;
}

}  // namespace sluice::perf

// What a command's main thread waits for: a signal, or that its work is done.
#pragma once

#include <atomic>
#include <csignal>

#include "dataplane/io/tun.hpp"

namespace sluice::perf {

class Ending {
 public:
  // Blocks SIGINT, SIGTERM and SIGHUP in this thread and in those it starts.
  Ending();

  // From any thread.
  void done(bool good);
  // True: a signal came; false: it is done.
  bool wait();
  bool is_good() const { return is_good_; }

 private:
  io::UniqueFd signals_;
  io::UniqueFd done_;
  std::atomic<bool> is_good_ = false;
};

}  // namespace sluice::perf

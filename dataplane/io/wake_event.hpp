// What other threads ring to end a queue's wait: an eventfd.
#pragma once

#include "dataplane/io/tun.hpp"

namespace sluice::io {

class WakeEvent {
 public:
  WakeEvent();  // throws std::system_error

  int descriptor() const { return fd_.get(); }
  // From any thread.
  void signal();
  // Forgets all signals so far: the descriptor is no longer readable.
  void drain();

 private:
  UniqueFd fd_;
};

}  // namespace sluice::io

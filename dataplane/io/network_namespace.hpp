// A named network namespace, as `ip netns` keeps them under /run/netns.
#pragma once

#include <string>

#include "dataplane/io/tun.hpp"

namespace sluice::io {

// Enters the namespace for the calling thread (and the threads it starts from then on); makes it
// when it does not exist. Destroyed, on the same thread, it puts the thread back where it was and
// removes what it made. In one that it made loopback is up, and the kernel forwards from device to
// device where that may be switched on. Throws TunError with one line for a person.
class NetworkNamespace {
 public:
  explicit NetworkNamespace(const std::string& name);
  ~NetworkNamespace();
  NetworkNamespace(const NetworkNamespace&) = delete;
  NetworkNamespace& operator=(const NetworkNamespace&) = delete;

  bool made() const { return made_; }

 private:
  void make(const std::string& name);
  void enter(const std::string& name);
  void leave();

  std::string path_;
  UniqueFd former_;  // the thread's network namespace before
  bool made_ = false;
};

}  // namespace sluice::io

// A named network namespace, as `ip netns` keeps them under /run/netns.
#pragma once

#include <string>

namespace sluice::io {

// Enters the namespace for the calling thread (and the threads it starts from then on); makes it
// when it does not exist, and removes what it made when destroyed. Loopback is brought up in one
// that it made. Throws TunError (tun.hpp) with one line for a person.
class NetworkNamespace {
 public:
  explicit NetworkNamespace(const std::string& name);
  ~NetworkNamespace();
  NetworkNamespace(const NetworkNamespace&) = delete;
  NetworkNamespace& operator=(const NetworkNamespace&) = delete;

  bool made() const { return made_; }

 private:
  std::string path_;
  bool made_ = false;
};

}  // namespace sluice::io

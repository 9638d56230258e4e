// Whom to tell that a socket has become ready: once each call into the stack, when all is done.
#pragma once

#include "dataplane/sluice.h"
#include "dataplane/sockets/socket.hpp"

namespace sluice::sockets {

class ReadyEvents {
 public:
  void note_change(Socket& socket) {
    if (!socket.ListNode<ChangedTag>::is_linked()) changed_.push_back(socket);
  }
  // Calls back for what has changed until now. A callback may close any socket; what it changes is
  // told the next time.
  void tell(sluice_stack* stack);

 private:
  IntrusiveList<Socket, ChangedTag> changed_;
};

}  // namespace sluice::sockets

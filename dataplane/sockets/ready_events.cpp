#include "dataplane/sockets/ready_events.hpp"

namespace sluice::sockets {

void ReadyEvents::tell(sluice_stack* stack) {
  IntrusiveList<Socket, ChangedTag> changed;
  changed.append(changed_);
  while (!changed.empty()) {
    Socket& socket = changed.pop_front();
    if (socket.callback() == nullptr) continue;
    const int news = socket.take_news();
    // The socket may be gone afterwards.
    if (news != 0) socket.callback()(stack, socket.handle(), news, socket.callback_context());
  }
}

}  // namespace sluice::sockets

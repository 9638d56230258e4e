// Socket options of TCP.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dataplane/sockets/tcp_socket.hpp"

namespace sluice::sockets {

int TcpSocket::set_option(int level, int name, Bytes value) {
  if (level == SOL_SOCKET && name == SO_REUSEADDR) {
    int on = 0;
    if (value.size() < sizeof on) return -EINVAL;
    std::memcpy(&on, value.data(), sizeof on);
    binding_.shares = on != 0;
    return 0;
  }
  return -ENOPROTOOPT;
}

int TcpSocket::get_option(int level, int name, MutableBytes& value) {
  if (level != SOL_SOCKET || name != SO_ERROR) return -ENOPROTOOPT;
  note_end();
  const int error = take_error();
  value = value.first(std::min(value.size(), sizeof error));
  std::memcpy(value.data(), &error, value.size());
  return 0;
}

int TcpSocket::tell_tcp(TcpInfo& told) {
  told.state = SLUICE_TCP_CLOSE;
  return 0;
}

}  // namespace sluice::sockets

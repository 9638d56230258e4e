// Calls that carry bytes, which the book writes and checks.
#include <algorithm>
#include <numeric>

#include "tests/fuzz/calls/subject.hpp"

namespace sluice::calls {
namespace {

std::size_t sum_of(const std::vector<std::size_t>& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), std::size_t{0});
}

// Memory of so many pieces, one behind the other.
class Pieces {
 public:
  explicit Pieces(const std::vector<std::size_t>& sizes) {
    for (const std::size_t size : sizes) {
      pieces_.emplace_back(size);
      iovecs_.push_back({pieces_.back().data(), size});
    }
  }
  void write(const Exact& bytes) {
    std::size_t at = 0;
    for (Exact& piece : pieces_) {
      std::copy_n(bytes.data() + at, piece.size(), piece.data());
      at += piece.size();
    }
  }
  void read(Exact& bytes) const {
    std::size_t at = 0;
    for (const Exact& piece : pieces_) {
      std::copy_n(piece.data(), piece.size(), bytes.data() + at);
      at += piece.size();
    }
  }
  std::vector<iovec>& iovecs() { return iovecs_; }

 private:
  std::vector<Exact> pieces_;
  std::vector<iovec> iovecs_;
};

}  // namespace

// --- out
// ------------------------------------------------------------------------------------------

// A part of a datagram must tell where it ends.
std::size_t Subject::size_to_send(int handle, std::size_t size, int flags) {
  const auto found = sockets_.find(handle);
  if (found == sockets_.end() || found->second.type == SOCK_STREAM) return size;
  Known& known = found->second;
  known.has_corked = known.has_corked || (flags & MSG_MORE) != 0;
  return known.has_corked ? std::max(size, Book::kLeastPart) : size;
}

// What the socket is to send next.
void Subject::write_next(int handle, Exact& bytes) {
  const std::span<std::uint8_t> room(bytes.data(), bytes.size());
  const auto found = sockets_.find(handle);
  if (found == sockets_.end()) return;
  Known& known = found->second;
  if (known.type != SOCK_STREAM) {
    const Text datagram = shared_.book.make_datagram(bytes.size());
    std::ranges::copy(datagram, room.begin());
    return;
  }
  if (known.out == 0) {
    Flow flow = flow_of(handle);
    if (flow.local.empty()) return;
    known.out = shared_.book.open(std::move(flow));
  }
  Book::write_stream(known.out, shared_.book.find(known.out)->sent, room);
}

// Its caller gives up hope for the connection.
void Subject::note_end(int handle, std::int64_t result) {
  const bool is_end = result == -EPIPE || result == -ENOTCONN || result == -ECONNRESET ||
                      result == -ETIMEDOUT || result == -ECONNREFUSED;
  if (is_end) sockets_.at(handle).may_be_connected = false;
}

void Subject::note_sent(int handle, std::size_t size, std::int64_t result, int flags) {
  expect_known(handle, result);
  note_end(handle, result);
  if (result < 0) return;
  if (static_cast<std::size_t>(result) > size) fail("more was taken than was offered");
  const Known& known = sockets_.at(handle);
  if (known.type != SOCK_STREAM) {
    if (static_cast<std::size_t>(result) != size) fail("a datagram was sent in part");
    return;
  }
  Stream* const stream = shared_.book.find(known.out);
  if (stream == nullptr) fail("bytes were taken from a socket that has no peer");
  stream->sent += static_cast<std::uint64_t>(result);
  if ((flags & MSG_OOB) != 0) stream->is_spoilt = true;
}

ssize_t Subject::send(int handle, std::size_t size, int flags) {
  size = size_to_send(handle, size, flags);
  Exact bytes(size);
  write_next(handle, bytes);
  const std::int64_t result = call(
      {.name = "send", .handle = handle, .second = static_cast<std::int64_t>(size), .third = flags},
      kSendErrors, [&] { return sluice_send(stack_, handle, bytes.data(), size, flags); });
  note_sent(handle, size, result, flags);
  return result;
}

ssize_t Subject::send_to(int handle, std::size_t size, int flags, const sockaddr* to,
                         socklen_t length) {
  size = size_to_send(handle, size, flags);
  Exact bytes(size);
  write_next(handle, bytes);
  const std::int64_t result =
      call({.name = "sendto",
            .handle = handle,
            .second = static_cast<std::int64_t>(size),
            .third = flags},
           kSendErrors,
           [&] { return sluice_sendto(stack_, handle, bytes.data(), size, flags, to, length); });
  note_sent(handle, size, result, flags);
  return result;
}

ssize_t Subject::send_pieces(int handle, std::vector<std::size_t> sizes, int flags) {
  sizes.push_back(0);
  sizes.back() = size_to_send(handle, sum_of(sizes), flags) - sum_of(sizes);
  const std::size_t size = sum_of(sizes);
  Exact bytes(size);
  write_next(handle, bytes);
  Pieces pieces(sizes);
  pieces.write(bytes);
  msghdr message{};
  message.msg_iov = pieces.iovecs().data();
  message.msg_iovlen = sizes.size();
  const std::int64_t result =
      call({.name = "sendmsg",
            .handle = handle,
            .second = static_cast<std::int64_t>(size),
            .third = static_cast<std::int64_t>(sizes.size())},
           kSendErrors, [&] { return sluice_sendmsg(stack_, handle, &message, flags); });
  note_sent(handle, size, result, flags);
  return result;
}

// --- in
// -------------------------------------------------------------------------------------------

// `bytes` is the room there was.
void Subject::note_received(int handle, const Exact& bytes, std::int64_t result, int flags,
                            bool may_be_cut) {
  expect_known(handle, result);
  note_end(handle, result);
  if (result < 0) return;
  const auto count = static_cast<std::size_t>(result);
  const bool is_thrown_away = (flags & MSG_TRUNC) != 0;
  if (count > bytes.size() && !is_thrown_away) fail("more was received than there was room for");
  Known& known = sockets_.at(handle);
  if (known.type != SOCK_STREAM) {
    const std::span<const std::uint8_t> text(bytes.data(), std::min(count, bytes.size()));
    const bool is_whole = Book::is_datagram(text, false);
    const bool is_part = may_be_cut && Book::is_datagram(text, true);
    if (shared_.checks_bytes && !is_whole && !is_part) fail("a datagram arrived that nobody sent");
    return;
  }
  if (!shared_.checks_bytes || (flags & MSG_OOB) != 0 || count == 0) return;
  const bool is_peek = (flags & MSG_PEEK) != 0;
  if (is_thrown_away) {
    if (!is_peek) known.in.skip(shared_.book, count);
    return;
  }
  const std::string problem =
      known.in.read(shared_.book, flow_of(handle), {bytes.data(), count}, is_peek);
  if (!problem.empty()) fail(problem);
}

ssize_t Subject::receive(int handle, std::size_t size, int flags, bool with_name) {
  Exact bytes(size);
  sockaddr_storage from{};
  socklen_t length = sizeof from;
  const std::int64_t result =
      call({.name = with_name ? "recvfrom" : "recv",
            .handle = handle,
            .second = static_cast<std::int64_t>(size),
            .third = flags},
           kReceiveErrors, [&] {
             return with_name ? sluice_recvfrom(stack_, handle, bytes.data(), size, flags,
                                                reinterpret_cast<sockaddr*>(&from), &length)
                              : sluice_recv(stack_, handle, bytes.data(), size, flags);
           });
  const bool may_be_cut = result >= 0 && static_cast<std::size_t>(result) >= size;
  note_received(handle, bytes, result, flags, may_be_cut);
  return result;
}

ssize_t Subject::receive_pieces(int handle, const std::vector<std::size_t>& sizes, int flags) {
  Pieces pieces(sizes);
  msghdr message{};
  message.msg_iov = pieces.iovecs().data();
  message.msg_iovlen = sizes.size();
  const std::size_t size = sum_of(sizes);
  const std::int64_t result =
      call({.name = "recvmsg",
            .handle = handle,
            .second = static_cast<std::int64_t>(size),
            .third = flags},
           kReceiveErrors, [&] { return sluice_recvmsg(stack_, handle, &message, flags); });
  Exact bytes(size);
  pieces.read(bytes);
  note_received(handle, bytes, result, flags, (message.msg_flags & MSG_TRUNC) != 0);
  return result;
}

}  // namespace sluice::calls

// Urgent data through the C interface, as Linux gives it: MSG_OOB, SO_OOBINLINE, the mark.
#include "tests/dataplane/sockets/two_stacks.hpp"

namespace sluice::test {
namespace {

class SocketUrgent : public TwoStacks {
 protected:
  explicit SocketUrgent(const char* profile = "linux") : TwoStacks(profile), ends(open()) {}

  // The client's, each in a segment of its own.
  void sends(const std::string& text, int flags = 0) {
    EXPECT_EQ(client.send(ends.client, text, flags), static_cast<ssize_t>(text.size()));
    settles();
  }
  // The server's. What was read, or "-EAGAIN" and the like.
  std::string reads(int flags = 0, std::size_t most = 100) {
    const std::string text = server.recv(ends.server, most, flags);
    if (server.result >= 0) return text;
    return std::string("-") + strerrorname_np(static_cast<int>(-server.result));
  }
  int at_mark() { return sluice_at_mark(server.get(), ends.server); }
  bool holds(int events) { return (server.ready(ends.server) & events) == events; }

  const Ends ends;
};

TEST_F(SocketUrgent, RFC6093_the_last_byte_comes_out_of_line) {
  sends("abX", MSG_OOB);
  EXPECT_TRUE(holds(SLUICE_READABLE | SLUICE_PRIORITY));
  EXPECT_EQ(reads(MSG_OOB | MSG_PEEK), "X");
  EXPECT_EQ(reads(MSG_OOB), "X");
  EXPECT_EQ(reads(MSG_OOB), "-EINVAL");
  EXPECT_FALSE(holds(SLUICE_PRIORITY));
  EXPECT_EQ(at_mark(), 0);
  EXPECT_EQ(reads(), "ab");
  EXPECT_EQ(at_mark(), 1);
  EXPECT_FALSE(holds(SLUICE_READABLE));
  EXPECT_EQ(reads(), "-EAGAIN");
  EXPECT_EQ(at_mark(), 0);
}

TEST_F(SocketUrgent, RFC6093_a_read_stops_at_the_mark) {
  sends("ab");
  sends("X", MSG_OOB);
  sends("cd");
  EXPECT_EQ(reads(MSG_PEEK), "ab");
  EXPECT_EQ(reads(0, 1), "a");
  EXPECT_EQ(reads(), "b");
  EXPECT_EQ(at_mark(), 1);
  EXPECT_EQ(reads(MSG_PEEK), "cd");
  EXPECT_EQ(at_mark(), 1);
  EXPECT_EQ(reads(), "cd");
  EXPECT_EQ(reads(MSG_OOB), "-EINVAL");
}

TEST_F(SocketUrgent, RFC6093_bytes_that_are_thrown_away_stop_at_the_mark_too) {
  sends("ab");
  sends("X", MSG_OOB);
  sends("cde");
  server.recv(ends.server, 100, MSG_TRUNC | MSG_PEEK);
  EXPECT_EQ(server.result, 2);
  server.recv(ends.server, 100, MSG_TRUNC);
  EXPECT_EQ(server.result, 2);
  server.recv(ends.server, 100, MSG_TRUNC);
  EXPECT_EQ(server.result, 3);
}

TEST_F(SocketUrgent, RFC6093_in_line_it_is_read_with_what_follows) {
  EXPECT_EQ(server.set(ends.server, SOL_SOCKET, SO_OOBINLINE, 1), 0);
  sends("ab");
  sends("X", MSG_OOB);
  sends("cd");
  EXPECT_TRUE(holds(SLUICE_PRIORITY));
  EXPECT_EQ(reads(MSG_OOB), "-EINVAL");
  EXPECT_EQ(reads(), "ab");
  EXPECT_EQ(at_mark(), 1);
  EXPECT_EQ(reads(), "Xcd");
  EXPECT_FALSE(holds(SLUICE_PRIORITY));
}

TEST_F(SocketUrgent, RFC6093_an_accepted_socket_inherits_the_choice) {
  const int listener = server.socket();
  ASSERT_EQ(server.bind(listener, server_at(81)), 0);
  ASSERT_EQ(server.set(listener, SOL_SOCKET, SO_OOBINLINE, 1), 0);
  ASSERT_EQ(server.listen(listener), 0);
  const int from = client.socket();
  ASSERT_EQ(client.connect(from, server_at(81)), -EINPROGRESS);
  settles();
  const int to = server.accept(listener);
  ASSERT_EQ(client.send(from, "X", MSG_OOB), 1);
  settles();
  EXPECT_EQ(server.recv(to), "X");
}

// What callbacks hear while the urgent byte comes after what announces it.
class UrgentNews : public SocketUrgent {
 protected:
  using SocketUrgent::SocketUrgent;
  void comes_late() {
    const auto hear = [](sluice_stack*, int, int events, void* context) {
      static_cast<std::vector<int>*>(context)->push_back(events);
    };
    ASSERT_EQ(sluice_set_callback(server.get(), ends.server, hear, &heard), 0);
    settles();
    heard.clear();
    bool is_first = true;
    loses = [=](bool from_client, const PacketBytes& packet) mutable {
      return from_client && packet.size() > 100 && std::exchange(is_first, false);
    };
    EXPECT_EQ(client.send(ends.client, std::string(100, 'a')), 100);
    passes(kMillisecond);
    EXPECT_EQ(client.send(ends.client, "X", MSG_OOB), 1);
    passes(kDelay + kMillisecond);
    heard.push_back(0);
    EXPECT_EQ(reads(MSG_OOB), "-EAGAIN");
    passes(kSecond);
    EXPECT_EQ(reads(MSG_OOB), "X");
  }
  std::vector<int> heard;
};

TEST_F(UrgentNews, RFC6093_as_linux_it_is_told_once_the_byte_has_come) {
  comes_late();
  EXPECT_EQ(heard, (std::vector<int>{0, SLUICE_PRIORITY | SLUICE_READABLE}));
}

class StrictUrgentNews : public UrgentNews {
 protected:
  StrictUrgentNews() : UrgentNews("strict") {}
};

TEST_F(StrictUrgentNews, RFC9293_MUST_32_it_is_told_when_it_is_announced_and_when_it_has_come) {
  comes_late();
  EXPECT_EQ(heard, (std::vector<int>{SLUICE_PRIORITY, 0, SLUICE_PRIORITY | SLUICE_READABLE}));
}

TEST_F(SocketUrgent, RFC6093_a_message_says_that_it_is_urgent) {
  sends("X", MSG_OOB);
  char byte = 0;
  iovec pieces[] = {{&byte, 0}, {&byte, 1}};
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = 1;
  EXPECT_EQ(sluice_recvmsg(server.get(), ends.server, &message, MSG_OOB | MSG_PEEK), 0);
  EXPECT_EQ(message.msg_flags, MSG_OOB | MSG_TRUNC);
  message.msg_iovlen = 2;
  EXPECT_EQ(sluice_recvmsg(server.get(), ends.server, &message, MSG_OOB), 1);
  EXPECT_EQ(message.msg_flags, MSG_OOB);
  EXPECT_EQ(byte, 'X');
}

TEST_F(SocketUrgent, RFC6093_it_does_not_hide_the_end) {
  sends("X", MSG_OOB);
  EXPECT_EQ(client.close(ends.client), 0);
  settles();
  EXPECT_EQ(reads(MSG_OOB), "X");
  EXPECT_EQ(reads(), "");
  EXPECT_EQ(reads(), "");
}

TEST_F(SocketUrgent, RFC6093_where_there_is_none_it_says_so) {
  EXPECT_EQ(reads(MSG_OOB), "-EINVAL");
  sends("a");
  EXPECT_EQ(reads(MSG_OOB), "-EINVAL");
  EXPECT_EQ(at_mark(), 0);
  const int fresh = server.socket();
  server.recv(fresh, 1, MSG_OOB);
  EXPECT_EQ(server.result, -EINVAL);
  EXPECT_EQ(sluice_at_mark(server.get(), fresh), 0);
  EXPECT_EQ(sluice_at_mark(server.get(), server.socket(AF_INET, SOCK_DGRAM)), -EOPNOTSUPP);
  EXPECT_EQ(sluice_at_mark(server.get(), 99), -EBADF);
  ASSERT_EQ(server.listen(fresh), 0);
  server.recv(fresh, 1, MSG_OOB);
  EXPECT_EQ(server.result, -ENOTCONN);
  EXPECT_EQ(sluice_at_mark(server.get(), fresh), 0);
}

}  // namespace
}  // namespace sluice::test

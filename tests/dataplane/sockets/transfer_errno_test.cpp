// send(), recv(), shutdown() and close(), in each state and after each end.
#include "tests/dataplane/sockets/lone_stack.hpp"

namespace sluice::test {
namespace {

class SocketTransfer : public LoneStack {
 protected:
  ssize_t receives(int handle, int flags = 0) {
    host.recv(handle, 100, flags);
    return host.result;
  }
};

// --- before there is a connection
// -----------------------------------------------------------------

TEST_F(SocketTransfer, AFreshSocketIsNotConnected) {
  const int handle = host.socket();
  EXPECT_EQ(host.ready(handle), SLUICE_WRITABLE | SLUICE_HANGUP);
  EXPECT_EQ(host.send(handle, "x"), -EPIPE);
  EXPECT_EQ(receives(handle), -ENOTCONN);
  EXPECT_EQ(host.shutdown(handle, SHUT_RDWR), -ENOTCONN);
  EXPECT_EQ(host.peer_name(handle), "");
  EXPECT_EQ(host.result, -ENOTCONN);
  EXPECT_EQ(host.local_name(handle), "0.0.0.0:0");
}

TEST_F(SocketTransfer, WhileItConnectsItWaits) {
  const Connection made = begins();
  EXPECT_EQ(host.send(made.handle, "x"), -EAGAIN);
  EXPECT_EQ(receives(made.handle), -EAGAIN);
  EXPECT_EQ(host.peer_name(made.handle), "");
  EXPECT_EQ(host.result, -ENOTCONN);
  EXPECT_EQ(host.ready(made.handle), 0);
}

// --- receiving
// --------------------------------------------------------------------------------------

TEST_F(SocketTransfer, PeekLeavesWhatItShows) {
  const Connection made = connects();
  gives(made.flow, wire::kAck | wire::kPsh, made.theirs, made.ours, "hello");
  EXPECT_EQ(host.recv(made.handle, 3, MSG_PEEK), "hel");
  EXPECT_EQ(host.recv(made.handle, 100, MSG_PEEK), "hello");
  EXPECT_EQ(host.recv(made.handle, 2), "he");
  EXPECT_EQ(host.recv(made.handle), "llo");
}

TEST_F(SocketTransfer, TruncThrowsAway) {
  const Connection made = connects();
  gives(made.flow, wire::kAck | wire::kPsh, made.theirs, made.ours, "hello");
  EXPECT_EQ(sluice_recv(host.get(), made.handle, nullptr, 0, MSG_TRUNC), 0);
  host.recv(made.handle, 3, MSG_TRUNC);
  EXPECT_EQ(host.result, 3);
  EXPECT_EQ(host.recv(made.handle), "lo");
}

TEST_F(SocketTransfer, LowWaterHoldsReadabilityBack) {
  const Connection made = connects();
  EXPECT_EQ(host.set(made.handle, SOL_SOCKET, SO_RCVLOWAT, 5), 0);
  gives(made.flow, wire::kAck, made.theirs, made.ours, "four");
  EXPECT_EQ(host.ready(made.handle) & SLUICE_READABLE, 0);
  gives(made.flow, wire::kAck, made.theirs + 4, made.ours, "!");
  EXPECT_NE(host.ready(made.handle) & SLUICE_READABLE, 0);
}

TEST_F(SocketTransfer, ScattersAndGathers) {
  const Connection made = connects();
  std::string parts[] = {"one", "", "two"};
  iovec pieces[3];
  for (int i = 0; i < 3; ++i) pieces[i] = {parts[i].data(), parts[i].size()};
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = 3;
  EXPECT_EQ(sluice_sendmsg(host.get(), made.handle, &message, 0), 6);
  const Said said = takes_one();
  EXPECT_EQ(said.payload(), "onetwo");
  EXPECT_TRUE(said.has(wire::kAck | wire::kPsh));
  gives(made.flow, wire::kAck, made.theirs, made.ours + 6, "abcdef");
  EXPECT_EQ(sluice_recvmsg(host.get(), made.handle, &message, 0), 6);
  EXPECT_EQ(parts[0] + parts[2], "abcdef");
}

TEST_F(SocketTransfer, UnknownFlagsAreRefused) {
  const Connection made = connects();
  EXPECT_EQ(host.send(made.handle, "x", MSG_FASTOPEN), -EOPNOTSUPP);
  EXPECT_EQ(receives(made.handle, MSG_ERRQUEUE), -EOPNOTSUPP);
}

// --- the peer's end
// ---------------------------------------------------------------------------------

TEST_F(SocketTransfer, AFinIsTheEndBehindAllThatCame) {
  const Connection made = connects();
  gives(made.flow, wire::kAck | wire::kFin, made.theirs, made.ours, "last");
  EXPECT_EQ(host.ready(made.handle), SLUICE_READABLE | SLUICE_WRITABLE | SLUICE_PEER_CLOSED);
  EXPECT_EQ(host.recv(made.handle), "last");
  EXPECT_EQ(receives(made.handle), 0);
  EXPECT_EQ(receives(made.handle), 0);
  EXPECT_EQ(host.send(made.handle, "still"), 5);
}

TEST_F(SocketTransfer, AResetIsReportedOnce) {
  const Connection made = connects();
  gives(made.flow, wire::kRst, made.theirs);
  EXPECT_EQ(host.ready(made.handle),
            SLUICE_READABLE | SLUICE_WRITABLE | SLUICE_ERROR | SLUICE_HANGUP | SLUICE_PEER_CLOSED);
  EXPECT_EQ(receives(made.handle), -ECONNRESET);
  EXPECT_EQ(receives(made.handle), 0);
  EXPECT_EQ(host.send(made.handle, "x"), -EPIPE);
  EXPECT_EQ(host.error(made.handle), 0);
}

TEST_F(SocketTransfer, AResetIsReportedToWhoSends) {
  const Connection made = connects();
  gives(made.flow, wire::kRst, made.theirs);
  EXPECT_EQ(host.send(made.handle, "x"), -ECONNRESET);
  EXPECT_EQ(host.send(made.handle, "x"), -EPIPE);
  EXPECT_EQ(receives(made.handle), 0);
  EXPECT_EQ(host.peer_name(made.handle), "");
  EXPECT_EQ(host.shutdown(made.handle, SHUT_WR), -ENOTCONN);
}

TEST_F(SocketTransfer, WhatCameBeforeAResetIsReadFirst) {
  const Connection made = connects();
  gives(made.flow, wire::kAck, made.theirs, made.ours, "before");
  gives(made.flow, wire::kRst, made.theirs + 6);
  EXPECT_EQ(host.recv(made.handle), "before");
  EXPECT_EQ(receives(made.handle), -ECONNRESET);
}

TEST_F(SocketTransfer, AResetAfterAFinIsABrokenPipe) {
  const Connection made = connects();
  gives(made.flow, wire::kAck | wire::kFin, made.theirs, made.ours);
  gives(made.flow, wire::kRst, made.theirs + 1);
  EXPECT_EQ(receives(made.handle), 0);
  EXPECT_EQ(host.error(made.handle), EPIPE);
}

TEST_F(SocketTransfer, AResetInEachStateOfClosingIsReported) {
  for (const bool fin_is_acked : {false, true}) {
    const Connection made = connects();
    EXPECT_EQ(host.shutdown(made.handle, SHUT_WR), 0);
    takes();
    if (fin_is_acked) gives(made.flow, wire::kAck, made.theirs, made.ours + 1);
    gives(made.flow, wire::kRst, made.theirs);
    EXPECT_EQ(host.error(made.handle), ECONNRESET);
  }
  const Connection last_ack = connects();
  gives(last_ack.flow, wire::kAck | wire::kFin, last_ack.theirs, last_ack.ours);
  EXPECT_EQ(host.shutdown(last_ack.handle, SHUT_WR), 0);
  takes();
  gives(last_ack.flow, wire::kRst, last_ack.theirs + 1);
  EXPECT_EQ(host.error(last_ack.handle), ECONNRESET);
}

TEST_F(SocketTransfer, SoErrorTakesASoftErrorToo) {
  const Connection made = connects();
  EXPECT_EQ(host.send(made.handle, "x"), 1);
  gives_error(takes_one(), wire::icmp_v4::kUnreachable, 0);
  EXPECT_EQ(host.error(made.handle), ENETUNREACH);
  EXPECT_EQ(host.error(made.handle), 0);
}

TEST_F(SocketTransfer, TextAfterShutdownBothWaysIsReset) {
  const Connection made = connects();
  EXPECT_EQ(host.shutdown(made.handle, SHUT_RDWR), 0);
  EXPECT_TRUE(takes_one().has(wire::kFin | wire::kAck));
  gives(made.flow, wire::kAck, made.theirs, made.ours + 1, "late");
  const Said reset = takes_one();
  EXPECT_NE(reset.packet.tcp.flags & wire::kRst, 0);
  EXPECT_EQ(host.error(made.handle), ECONNRESET);
}

TEST_F(SocketTransfer, GivesUpAfterTheUserTimeout) {
  const Connection made = connects();
  EXPECT_EQ(host.set(made.handle, IPPROTO_TCP, TCP_USER_TIMEOUT, 3000), 0);
  EXPECT_EQ(host.send(made.handle, "x"), 1);
  takes();
  passes(4 * kSecond);
  EXPECT_EQ(host.error(made.handle), ETIMEDOUT);
}

TEST_F(SocketTransfer, ASoftErrorIsTheReasonOfATimeout) {
  const Connection made = connects();
  EXPECT_EQ(host.set(made.handle, IPPROTO_TCP, TCP_USER_TIMEOUT, 3000), 0);
  EXPECT_EQ(host.send(made.handle, "x"), 1);
  gives_error(takes_one(), wire::icmp_v4::kUnreachable, 1);
  EXPECT_EQ(host.ready(made.handle) & SLUICE_ERROR, 0);
  passes(4 * kSecond);
  EXPECT_EQ(host.ready(made.handle) & SLUICE_ERROR, SLUICE_ERROR);
  EXPECT_EQ(host.error(made.handle), EHOSTUNREACH);
}

// --- shutdown
// ---------------------------------------------------------------------------------------

TEST_F(SocketTransfer, ShutdownForWritingSendsAFin) {
  const Connection made = connects();
  EXPECT_EQ(host.shutdown(made.handle, SHUT_WR), 0);
  EXPECT_TRUE(takes_one().has(wire::kFin | wire::kAck));
  EXPECT_EQ(host.shutdown(made.handle, SHUT_WR), 0);
  EXPECT_EQ(describe(takes()), "");
  EXPECT_EQ(host.send(made.handle, "x"), -EPIPE);
  EXPECT_EQ(host.ready(made.handle), SLUICE_WRITABLE);
  gives(made.flow, wire::kAck, made.theirs, made.ours + 1, "on");
  EXPECT_EQ(host.recv(made.handle), "on");
}

TEST_F(SocketTransfer, ShutdownForReadingIsTheEndForTheReader) {
  const Connection made = connects();
  gives(made.flow, wire::kAck, made.theirs, made.ours, "first");
  EXPECT_EQ(host.shutdown(made.handle, SHUT_RD), 0);
  EXPECT_EQ(host.ready(made.handle), SLUICE_READABLE | SLUICE_WRITABLE | SLUICE_PEER_CLOSED);
  EXPECT_EQ(host.recv(made.handle), "first");
  EXPECT_EQ(receives(made.handle), 0);
  gives(made.flow, wire::kAck, made.theirs + 5, made.ours, "more");  // Linux takes it
  EXPECT_EQ(host.recv(made.handle), "more");
  EXPECT_EQ(receives(made.handle), 0);
}

TEST_F(SocketTransfer, ShutdownKnowsThreeWays) {
  const Connection made = connects();
  EXPECT_EQ(host.shutdown(made.handle, 3), -EINVAL);
  EXPECT_EQ(host.shutdown(made.handle, -1), -EINVAL);
}

TEST_F(SocketTransfer, AfterBothFinsTheSocketIsClosed) {
  const Connection made = connects();
  EXPECT_EQ(host.shutdown(made.handle, SHUT_WR), 0);
  takes();
  gives(made.flow, wire::kAck | wire::kFin, made.theirs, made.ours + 1);
  takes();
  EXPECT_EQ(host.ready(made.handle),
            SLUICE_READABLE | SLUICE_WRITABLE | SLUICE_HANGUP | SLUICE_PEER_CLOSED);
  EXPECT_EQ(receives(made.handle), 0);
  EXPECT_EQ(host.send(made.handle, "x"), -EPIPE);
  EXPECT_EQ(host.error(made.handle), 0);
}

// --- close
// ------------------------------------------------------------------------------------------

TEST_F(SocketTransfer, CloseSendsWhatIsLeftAndAFin) {
  const Connection made = connects();
  EXPECT_EQ(host.send(made.handle, "bye"), 3);
  EXPECT_EQ(host.close(made.handle), 0);
  const Said last = takes_one();
  EXPECT_EQ(last.payload(), "bye");
  EXPECT_TRUE(last.has(wire::kFin | wire::kAck | wire::kPsh));
}

TEST_F(SocketTransfer, RFC9293_SHLD_3_CloseWithUnreadTextIsAReset) {
  const Connection made = connects();
  gives(made.flow, wire::kAck, made.theirs, made.ours, "unread");
  EXPECT_EQ(host.close(made.handle), 0);
  EXPECT_TRUE(takes_one().has(wire::kRst | wire::kAck));
}

TEST_F(SocketTransfer, CloseWithLingerOfZeroIsAReset) {
  const Connection made = connects();
  const linger none{1, 0};
  EXPECT_EQ(sluice_setsockopt(host.get(), made.handle, SOL_SOCKET, SO_LINGER, &none, sizeof none),
            0);
  EXPECT_EQ(host.send(made.handle, "lost"), 4);
  EXPECT_EQ(host.close(made.handle), 0);
  const Said reset = takes_one();
  EXPECT_TRUE(reset.has(wire::kRst | wire::kAck));
}

TEST_F(SocketTransfer, TextAfterCloseIsReset) {
  const Connection made = connects();
  EXPECT_EQ(host.close(made.handle), 0);
  takes();
  gives(made.flow, wire::kAck, made.theirs, made.ours + 1, "late");
  EXPECT_NE(takes_one().packet.tcp.flags & wire::kRst, 0);
}

TEST_F(SocketTransfer, Linger2BoundsFinWait2) {
  const Connection made = connects();
  EXPECT_EQ(host.set(made.handle, IPPROTO_TCP, TCP_LINGER2, 3), 0);
  EXPECT_EQ(host.close(made.handle), 0);
  takes();
  gives(made.flow, wire::kAck, made.theirs, made.ours + 1);
  passes(2900 * kMillisecond);
  gives(made.flow, wire::kAck, made.theirs, made.ours + 1);
  EXPECT_EQ(describe(takes()), "");
  passes(200 * kMillisecond);
  gives(made.flow, wire::kAck, made.theirs, made.ours + 1);
  EXPECT_NE(takes_one().packet.tcp.flags & wire::kRst, 0);  // nobody knows it any more
}

TEST_F(SocketTransfer, WithoutLinger2FinWait2IsReset) {
  const Connection made = connects();
  EXPECT_EQ(host.set(made.handle, IPPROTO_TCP, TCP_LINGER2, -1), 0);
  EXPECT_EQ(host.shutdown(made.handle, SHUT_WR), 0);
  takes();
  gives(made.flow, wire::kAck, made.theirs, made.ours + 1);
  EXPECT_EQ(host.close(made.handle), 0);
  EXPECT_TRUE(takes_one().has(wire::kRst | wire::kAck));
}

TEST_F(SocketTransfer, CloseWhileConnectingIsSilent) {
  const Connection made = begins();
  EXPECT_EQ(host.close(made.handle), 0);
  EXPECT_EQ(describe(takes()), "");
  gives(made.flow, wire::kSyn | wire::kAck, kIsn, made.ours);
  EXPECT_TRUE(takes_one().has(wire::kRst));
}

// --- room
// -------------------------------------------------------------------------------------------

TEST_F(SocketTransfer, AFullBufferSaysAgain) {
  const Connection made =
      connects([this](int handle) { EXPECT_EQ(host.set(handle, SOL_SOCKET, SO_SNDBUF, 8192), 0); });
  EXPECT_EQ(host.get(made.handle, SOL_SOCKET, SO_SNDBUF), 16'384);
  const std::string much(20'000, 'x');
  EXPECT_EQ(host.send(made.handle, much), 8192);
  EXPECT_EQ(host.send(made.handle, much), -EAGAIN);
  EXPECT_EQ(host.ready(made.handle), 0);
  const std::uint32_t sent = static_cast<std::uint32_t>(takes().size()) * 1460;
  gives(made.flow, wire::kAck, made.theirs, made.ours + std::min(sent, 2920U));
  EXPECT_EQ(host.ready(made.handle), SLUICE_WRITABLE);
}

TEST_F(SocketTransfer, NotSentLowWaterBoundsWhatWaits) {
  const Connection made = connects();
  EXPECT_EQ(host.set(made.handle, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 5000), 0);
  EXPECT_LT(host.send(made.handle, std::string(100'000, 'x')), 50'000);
  EXPECT_EQ(host.ready(made.handle), 0);
  for (std::uint32_t acked = 0; host.ready(made.handle) == 0 && acked < 50'000; acked += 536) {
    takes();
    gives(made.flow, wire::kAck, made.theirs, made.ours + acked);
  }
  EXPECT_EQ(host.ready(made.handle), SLUICE_WRITABLE);
}

}  // namespace
}  // namespace sluice::test

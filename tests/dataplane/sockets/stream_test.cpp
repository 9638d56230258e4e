// Connections from end to end.
#include "tests/dataplane/sockets/two_stacks.hpp"

namespace sluice::test {
namespace {

class SocketStream : public TwoStacks {};

TEST_F(SocketStream, ConnectsAndCarriesBytesBothWays) {
  const Ends ends = open();
  EXPECT_EQ(client.send(ends.client, "question"), 8);
  settles();
  EXPECT_EQ(server.recv(ends.server), "question");
  EXPECT_EQ(server.send(ends.server, "answer"), 6);
  settles();
  EXPECT_EQ(client.recv(ends.client), "answer");
  client.recv(ends.client);
  EXPECT_EQ(client.result, -EAGAIN);
}

TEST_F(SocketStream, NamesBothEnds) {
  const Ends ends = open();
  EXPECT_EQ(client.peer_name(ends.client), "198.51.100.2:80");
  EXPECT_EQ(server.local_name(ends.server), "198.51.100.2:80");
  EXPECT_EQ(client.local_name(ends.client), server.peer_name(ends.server));
}

TEST_F(SocketStream, ConnectTellsHowFarItIs) {
  const int listener = server.socket();
  ASSERT_EQ(server.bind(listener, server_at(80)), 0);
  ASSERT_EQ(server.listen(listener), 0);
  const int from = client.socket();
  EXPECT_EQ(client.connect(from, server_at(80)), -EINPROGRESS);
  EXPECT_EQ(client.connect(from, server_at(80)), -EALREADY);
  EXPECT_EQ(client.ready(from), 0);
  settles();
  EXPECT_EQ(client.ready(from), SLUICE_WRITABLE);
  EXPECT_EQ(client.connect(from, server_at(80)), 0);
  EXPECT_EQ(client.connect(from, server_at(80)), -EISCONN);
}

TEST_F(SocketStream, EndsWhenBothSidesHaveClosed) {
  const Ends ends = open();
  EXPECT_EQ(client.shutdown(ends.client, SHUT_WR), 0);
  settles();
  EXPECT_EQ(server.ready(ends.server), SLUICE_READABLE | SLUICE_WRITABLE | SLUICE_PEER_CLOSED);
  server.recv(ends.server);
  EXPECT_EQ(server.result, 0);
  EXPECT_EQ(server.send(ends.server, "late"), 4);
  EXPECT_EQ(server.close(ends.server), 0);
  settles();
  EXPECT_EQ(client.recv(ends.client), "late");
  client.recv(ends.client);
  EXPECT_EQ(client.result, 0);
  EXPECT_EQ(client.send(ends.client, "too late"), -EPIPE);
  EXPECT_EQ(client.close(ends.client), 0);
  EXPECT_EQ(client.close(ends.client), -EBADF);
}

TEST_F(SocketStream, ARefusedConnectionSaysSoOnce) {
  const int from = client.socket();
  EXPECT_EQ(client.connect(from, server_at(80)), -EINPROGRESS);
  settles();
  EXPECT_EQ(client.ready(from),
            SLUICE_READABLE | SLUICE_WRITABLE | SLUICE_ERROR | SLUICE_HANGUP | SLUICE_PEER_CLOSED);
  EXPECT_EQ(client.error(from), ECONNREFUSED);
  EXPECT_EQ(client.error(from), 0);
}

TEST_F(SocketStream, CarriesMuchMoreThanItsBuffersHold) {
  const Ends ends = open();
  std::string sent;
  std::string received;
  std::uint8_t next = 0;
  while (received.size() < 2'000'000) {
    if (sent.size() < 2'000'000) {
      std::string text(50'000, 0);
      for (char& c : text) c = static_cast<char>(next++ * 7);
      const ssize_t taken = client.send(ends.client, text);
      if (taken > 0) sent += text.substr(0, static_cast<std::size_t>(taken));
      next = static_cast<std::uint8_t>(sent.size());
    }
    passes(10 * kMillisecond);
    received += server.recv(ends.server);
    ASSERT_LT(now, 2000 * kSecond);
  }
  EXPECT_TRUE(received == sent.substr(0, received.size()));
}

TEST_F(SocketStream, SpeaksIpv6AndMappedIpv4) {
  const int listener = server.socket(AF_INET6);
  ASSERT_EQ(server.bind(listener, {"::", 80}), 0);
  ASSERT_EQ(server.listen(listener), 0);
  const int v4 = client.socket();
  const int v6 = client.socket(AF_INET6);
  EXPECT_EQ(client.connect(v4, server_at(80)), -EINPROGRESS);
  settles();
  EXPECT_EQ(client.connect(v6, {kServerV6, 80}), -EINPROGRESS);
  settles();
  const int first = server.accept(listener);
  EXPECT_EQ(server.local_name(first), "[::ffff:198.51.100.2]:80");
  const int second = server.accept(listener);
  EXPECT_EQ(server.local_name(second), "[2001:db8:1::2]:80");
  EXPECT_EQ(client.peer_name(v6), "[2001:db8:1::2]:80");
}

}  // namespace
}  // namespace sluice::test

// What an application hears, and what it may do while it hears it.
#include "tests/dataplane/shard/shard_fixture.hpp"

namespace sluice::test {
namespace {

TEST_F(ShardTest, EventsComeInOrder) {
  listens();
  const std::uint32_t ours = opens(v4_flow());
  gives(v4_flow(), text(wire::kAck | wire::kFin, 1001, ours, "bye"));
  EXPECT_EQ(app.heard, "open readable peer_closed");
  EXPECT_EQ(app.text, "bye");
  app.stream->close();
  const std::vector<SentPacket> said = host().takes();
  ASSERT_EQ(said.size(), 1U) << "the ACK rides on the FIN";
  EXPECT_EQ(said[0].packet.tcp.flags, wire::kFin | wire::kAck);
  gives(v4_flow(), text(wire::kAck, 1005, ours + 1));
  EXPECT_TRUE(host().is_silent());
  EXPECT_EQ(app.heard, "open readable peer_closed closed(closed)");
}

TEST_F(ShardTest, TextWithTheLastAckOfTheHandshake) {
  listens();
  const std::uint32_t ours = half_opens(v4_flow()) + 1;
  gives(v4_flow(), text(wire::kAck, 1001, ours, "first"));
  EXPECT_EQ(app.heard, "open readable");
  EXPECT_EQ(app.text, "first");
}

TEST_F(ShardTest, CongestionControlIsChosenByStream) {
  listens();
  opens(v4_flow());
  EXPECT_EQ(app.stream->stats().congestion, "cubic");
  app.stream->set_congestion(tcp::Algorithm::bbr);
  EXPECT_EQ(app.stream->stats().congestion, "bbr");
  EXPECT_GT(app.stream->stats().congestion_window, 0U);
}

TEST_F(ShardTest, TheEndIsToldOnceAllIsRead) {
  listens();
  app.reads = false;
  const std::uint32_t ours = opens(v4_flow());
  gives(v4_flow(), text(wire::kAck | wire::kFin, 1001, ours, "bye"));
  EXPECT_EQ(app.heard, "open readable");
  EXPECT_EQ(app.stream->read().size(), 3U);
  host().takes();
  EXPECT_EQ(app.heard, "open readable peer_closed");
}

TEST_F(ShardTest, UnreadBytesMakeCloseAReset) {  // RFC 9293 SHLD-3
  listens();
  app.reads = false;
  const std::uint32_t ours = opens(v4_flow());
  gives(v4_flow(), text(wire::kAck, 1001, ours, "unread"));
  app.stream->close();
  EXPECT_TRUE(host().takes_one().packet.tcp.has(wire::kRst));
  EXPECT_EQ(app.heard, "open readable closed(aborted)");
}

// What a RST takes away was not read: that is no end in order.
TEST_F(ShardTest, AResetAfterTheFinIsNoEnd) {
  listens();
  app.reads = false;
  const std::uint32_t ours = opens(v4_flow());
  gives(v4_flow(), text(wire::kAck | wire::kFin, 1001, ours, "bye"));
  host().takes();
  gives(v4_flow(), text(wire::kRst, 1005, ours));
  host().takes();
  EXPECT_EQ(app.heard, "open readable closed(reset by peer)");
}

// What is left to read after both sides have closed waits for its reader.
TEST_F(ShardTest, UnreadBytesOutliveTheConnection) {
  listens();
  app.reads = false;
  const std::uint32_t ours = opens(v4_flow());
  app.stream->shutdown_send();
  host().takes();
  gives(v4_flow(), text(wire::kAck | wire::kFin, 1001, ours + 1, "late"));
  host().takes();
  EXPECT_EQ(app.heard, "open readable");
  EXPECT_EQ(app.stream->readable(), 4U);
  EXPECT_EQ(app.stream->read().size(), 4U);
  EXPECT_TRUE(host().is_silent());
  EXPECT_EQ(app.heard, "open readable peer_closed closed(closed)");
  EXPECT_EQ(shard().connections(), 0U);
}

// --- calls from inside callbacks --------------------------------------------------------------

// Does one thing when one event comes.
class Reactor final : public Witness {
 public:
  using Deed = void (*)(Stream&);
  void on_open(Stream& opened) override {
    Witness::on_open(opened);
    if (when == "open") deed(opened);
  }
  void on_readable(Stream& from) override {
    Witness::on_readable(from);
    if (when == "readable") deed(from);
  }
  void on_peer_closed(Stream& from) override {
    Witness::on_peer_closed(from);
    if (when == "peer_closed") deed(from);
  }
  std::string_view when;
  Deed deed = nullptr;
};

class ReentryTest : public ShardTest {
 protected:
  // The events of a connection whose peer sends "hello" and a FIN, to one who reacts.
  std::string plays(std::string_view when, Reactor::Deed deed) {
    reactor.when = when;
    reactor.deed = deed;
    ListenCommand listen;
    listen.options.port = 80;
    listen.acceptor = [this](Stream&) { return &reactor; };
    host().command(std::move(listen));
    const std::uint32_t ours = half_opens(v4_flow()) + 1;
    gives(v4_flow(), text(wire::kAck, 1001, ours));
    said = host().takes();
    gives(v4_flow(), text(wire::kAck, 1001, ours, "hello"));
    append();
    gives(v4_flow(), text(wire::kAck | wire::kFin, 1006, ours));
    append();
    return reactor.heard;
  }
  void append() {
    for (SentPacket& packet : host().takes()) said.push_back(std::move(packet));
  }
  bool said_reset() const {
    return std::any_of(said.begin(), said.end(),
                       [](const SentPacket& sent) { return sent.packet.tcp.has(wire::kRst); });
  }
  std::uint32_t payload_said() const {
    std::uint32_t sum = 0;
    for (const SentPacket& sent : said) sum += sent.packet.payload_length;
    return sum;
  }

  Reactor reactor;
  std::vector<SentPacket> said;
};

TEST_F(ReentryTest, SendsFromAnyCallback) {
  const auto send = [](Stream& stream) {
    const std::vector<std::uint8_t> bytes(300);
    EXPECT_EQ(stream.send(Bytes(bytes)), 300U);
  };
  for (const char* when : {"open", "readable", "peer_closed"}) {
    reactor.heard.clear();
    EXPECT_EQ(plays(when, send), "open readable peer_closed") << when;
    EXPECT_EQ(payload_said(), 300U) << when;
    reactor.stream->abort();
    host().takes();
    UnlistenCommand unlisten;
    unlisten.options.port = 80;
    host().command(unlisten);
  }
}

TEST_F(ReentryTest, AbortsWhenItOpens) {
  EXPECT_EQ(plays("open", [](Stream& stream) { stream.abort(); }), "open closed(aborted)");
  EXPECT_TRUE(said_reset());
  EXPECT_EQ(shard().connections(), 0U);
}

TEST_F(ReentryTest, ClosesWhenItOpens) {
  EXPECT_EQ(plays("open", [](Stream& stream) { stream.close(); }), "open closed(aborted)");
  EXPECT_EQ(said.front().packet.tcp.flags, wire::kFin | wire::kAck);
  EXPECT_TRUE(said_reset()) << "nobody will read the text";  // RFC 9293 SHLD-3
}

TEST_F(ReentryTest, ClosesWhenItReads) {
  EXPECT_EQ(plays("readable", [](Stream& stream) { stream.close(); }), "open readable");
  EXPECT_FALSE(said_reset());
  EXPECT_EQ(shard().connections(), 1U) << "our FIN is not acknowledged";
}

TEST_F(ReentryTest, ClosesAndAbortsWhenThePeerHasClosed) {
  const auto both = [](Stream& stream) {
    stream.close();
    stream.abort();
    stream.close();
    const std::array<std::uint8_t, 1> byte{0};
    EXPECT_EQ(stream.send(Bytes(byte)), 0U);
    EXPECT_TRUE(stream.read().empty());
  };
  EXPECT_EQ(plays("peer_closed", both), "open readable peer_closed closed(aborted)");
  EXPECT_EQ(shard().connections(), 0U);
}

TEST_F(ReentryTest, MayUseAnotherStreamAndConnect) {
  listens(81);
  opens(v4_flow(7, 81));
  static Witness* other = nullptr;
  static Shard* owner = nullptr;
  static Instant now;
  static Witness fresh;
  other = &app;
  owner = &shard();
  now = host().now();
  plays("readable", [](Stream&) {
    other->stream->abort();
    owner->on_command(ConnectCommand{{v4_flow().remote, 99, {}}, &fresh}, now);
  });
  EXPECT_EQ(app.heard, "open closed(aborted)");
  EXPECT_EQ(shard().stats().connected, 1U);
}

// --- names and counts -------------------------------------------------------------------------

TEST_F(ShardTest, AStreamsNameIsNeverUsedAgain) {
  listens();
  opens(v4_flow(1));
  const StreamId id = app.stream->id();
  EXPECT_EQ(shard().find(id), app.stream);
  app.stream->abort();
  host().takes();
  EXPECT_EQ(shard().find(id), nullptr);
  opens(v4_flow(2));
  const StreamId next = app.stream->id();
  EXPECT_EQ(next.slot, id.slot) << "the place is used again";
  EXPECT_EQ(shard().find(id), nullptr);
  EXPECT_EQ(shard().find(next), app.stream);
  EXPECT_EQ(shard().find({1, next.slot, next.generation}), nullptr);
  EXPECT_EQ(shard().find({0, 1'000'000, 1}), nullptr);
  EXPECT_EQ(shard().find({}), nullptr);
}

TEST_F(ShardTest, CountsAddUp) {
  listens();
  const std::uint32_t ours = opens(v4_flow(1));
  gives(v4_flow(1), text(wire::kAck, 1001, ours, "hello"));
  const std::vector<std::uint8_t> bytes(100);
  app.stream->send(Bytes(bytes));
  host().takes();
  gives(v4_flow(1), text(wire::kAck, 1006, ours + 100));
  const ShardStats open = shard().stats();
  EXPECT_EQ(open.accepted, 1U);
  EXPECT_EQ(open.connections, 1U);
  EXPECT_EQ(open.bytes_in, 5U);
  EXPECT_EQ(open.bytes_out, 100U);
  EXPECT_EQ(open.packets_in, 4U);
  gives(v4_flow(1), text(wire::kRst, 1006));
  host().takes();
  ShardStats gone = shard().stats();
  EXPECT_EQ(gone.connections, 0U);
  EXPECT_EQ(gone.reset, 1U);
  EXPECT_EQ(gone.bytes_in, 5U);
  EXPECT_EQ(gone.bytes_out, 100U);
  gone += open;
  EXPECT_EQ(gone.bytes_out, 200U);
  EXPECT_EQ(gone.packets_in, 9U);
  EXPECT_EQ(gone.accepted, 2U);
}

TEST_F(ShardTest, SynAckIsSentAgainAndGivenUp) {
  ShardOptions options = shard_options();
  options.tcp.handshake_timeout = Duration::seconds(10);
  make(options);
  listens();
  half_opens(v4_flow());
  host().passes(Duration::seconds(9));
  EXPECT_EQ(host().takes().size(), 3U);  // after 1, 3 and 7 s
  host().passes(Duration::seconds(10));
  EXPECT_EQ(shard().connections(), 0U);
  EXPECT_EQ(shard().stats().half_open, 0U);
  EXPECT_EQ(shard().stats().timed_out, 1U);
  EXPECT_EQ(app.heard, "");
}

}  // namespace
}  // namespace sluice::test

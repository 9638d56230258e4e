#include <gtest/gtest.h>

#include <array>
#include <atomic>

#include "tests/dataplane/engine/engine_fixture.hpp"

namespace sluice {
namespace {

class EngineMemory : public EngineTest {};

// An application's own memory: counts how often it comes home.
class OwnBuffer final : public FrameHome {
 public:
  explicit OwnBuffer(ByteVector bytes) : bytes_(std::move(bytes)) {
    frame_.home = this;
    frame_.data = bytes_.data();
    frame_.capacity = static_cast<std::uint32_t>(bytes_.size());
  }
  void take_back(Frame&) override { ++came_home; }
  Slice all() { return {frame_, 0, frame_.capacity}; }

  std::atomic<int> came_home{0};

 private:
  ByteVector bytes_;
  Frame frame_;
};

TEST_F(EngineMemory, BytesSentByReferenceComeHomeOnceAcknowledged) {
  OwnBuffer buffer(pattern_bytes(400'000));
  TalkingEvents talk;
  Engine engine(small_config());
  serve(engine, 9, talk);
  engine.start();
  KernelTcp client(kEngineSide, 9, 8192);  // far less than is sent: much stays unacknowledged
  Told<std::uint32_t> taken;
  ASSERT_TRUE(engine.post(talk.opened.wait(),
                          [&](Stream& stream) { taken.tell(stream.send(buffer.all())); }));
  ASSERT_EQ(taken.wait(), 400'000u);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(buffer.came_home, 0) << "not acknowledged yet";
  EXPECT_TRUE(client.receive(400'000) == pattern_bytes(400'000));
  EXPECT_TRUE(comes_true([&] { return buffer.came_home == 1; }));
}

TEST_F(EngineMemory, BytesSentByReferenceComeHomeWhenTheConnectionDies) {
  OwnBuffer buffer(pattern_bytes(400'000));
  TalkingEvents talk;
  Engine engine(small_config());
  serve(engine, 9, talk);
  engine.start();
  {
    KernelTcp client(kEngineSide, 9, 8192);
    ASSERT_TRUE(
        engine.post(talk.opened.wait(), [&](Stream& stream) { stream.send(buffer.all()); }));
    client.receive(1000);
    client.reset_on_close();
  }
  EXPECT_EQ(talk.closed.wait(), CloseReason::reset);
  EXPECT_TRUE(comes_true([&] { return buffer.came_home == 1; }));
}

TEST_F(EngineMemory, BytesSentByReferenceComeHomeWhenTheEngineStops) {
  OwnBuffer buffer(pattern_bytes(400'000));
  TalkingEvents talk;
  Config config = small_config();
  config.drain_timeout = Duration::milliseconds(100);
  Engine engine(config);
  serve(engine, 9, talk);
  engine.start();
  const KernelTcp client(kEngineSide, 9, 8192);
  Told<bool> sent;
  ASSERT_TRUE(engine.post(talk.opened.wait(), [&](Stream& stream) {
    stream.send(buffer.all());
    sent.tell(true);
  }));
  sent.wait();
  engine.stop();
  EXPECT_EQ(buffer.came_home, 1);
}

// Keeps everything that it reads, by reference.
class Hoarder : public StreamEvents {
 public:
  void on_readable(Stream& stream) override {
    for (Slice part = stream.read(); !part.empty(); part = stream.read()) {
      bytes += part.size();
      if (keeps) hoard.push_back(std::move(part));
    }
  }
  void on_peer_closed(Stream& stream) override { stream.close(); }

  std::vector<Slice> hoard;  // of the core
  bool keeps = true;         // of the core
  std::atomic<std::uint64_t> bytes{0};
};

TEST_F(EngineMemory, SlicesKeptForLongKeepTheirBytes) {
  Hoarder hoarder;
  EchoEvents echo;
  Engine engine(small_config());
  serve(engine, 9, hoarder);
  serve(engine, 7, echo);
  engine.start();
  KernelTcp client(kEngineSide, 9);
  const ByteVector sent = pattern_bytes(300'000);
  ASSERT_TRUE(client.send_all(sent));
  ASSERT_TRUE(comes_true([&] { return hoarder.bytes == sent.size(); }));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(echoes(kEngineSide, 7, 500'000));  // others go on
  Told<bool> same;
  ASSERT_TRUE(engine.post(0, [&] {
    ByteVector all;
    for (const Slice& slice : hoarder.hoard) {
      all.insert(all.end(), slice.data(), slice.data() + slice.size());
    }
    same.tell(all == sent);
    hoarder.hoard.clear();
  }));
  EXPECT_TRUE(same.wait());
}

// A hoard of all that memory holds stops its own connection; once it is gone, all is as before.
TEST_F(EngineMemory, AHoardOfAllMemoryIsSurvived) {
  Hoarder hoarder;
  EchoEvents echo;
  Engine engine(small_config());
  serve(engine, 9, hoarder);
  serve(engine, 7, echo);
  engine.start();
  KernelTcp client(kEngineSide, 9);
  std::thread sender([&] { client.send_all(pattern_bytes(40'000'000)); });  // memory has 12 MB
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  client.shutdown_both();
  sender.join();
  Told<bool> cleared;
  ASSERT_TRUE(engine.post(0, [&] {
    hoarder.hoard.clear();
    hoarder.keeps = false;
    cleared.tell(true);
  }));
  EXPECT_TRUE(cleared.wait());
  EXPECT_TRUE(echoes(kEngineSide, 7, 200'000));
}

// Peers that nobody reads fill their windows and, together, all memory that there is for them; the
// others go on.
TEST_F(EngineMemory, SlowReadersDoNotStopTheOthers) {
  class : public StreamEvents {
  } nobody_reads;
  EchoEvents echo;
  Config config = small_config();
  config.drain_timeout = Duration::milliseconds(50);
  config.tcp.initial_receive_buffer_bytes = 1 << 20;  // 60 of them: five times what there is
  Engine engine(config);
  serve(engine, 9, nobody_reads);
  serve(engine, 7, echo);
  engine.start();
  const ByteVector bytes = pattern_bytes(2'000'000);
  std::vector<KernelTcp> clients;
  std::vector<std::thread> senders;
  for (int i = 0; i < 60; ++i) clients.emplace_back(kEngineSide, 9);
  for (KernelTcp& client : clients) senders.emplace_back([&] { client.send_all(bytes); });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_TRUE(echoes(kEngineSide, 7, 200'000));
  for (KernelTcp& client : clients) client.shutdown_both();
  for (std::thread& sender : senders) sender.join();
}

// Reads nothing until told to.
class LateReader : public TalkingEvents {
 public:
  void on_readable(Stream& stream) override {
    if (awake) TalkingEvents::on_readable(stream);
  }
  bool awake = false;  // of the core
};

TEST_F(EngineMemory, AReaderThatComesLateLosesNothing) {
  LateReader late;
  Engine engine(small_config());
  serve(engine, 9, late);
  engine.start();
  KernelTcp client(kEngineSide, 9);
  const ByteVector sent = pattern_bytes(4'000'000);  // four times the receive window
  std::thread sender([&] {
    EXPECT_TRUE(client.send_all(sent));
    client.shutdown_send();
  });
  const StreamId id = late.opened.wait();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // the window is closed by now
  ASSERT_TRUE(engine.post(id, [&](Stream& stream) {
    late.awake = true;
    late.on_readable(stream);
  }));
  EXPECT_TRUE(late.received.wait() == sent);
  sender.join();
}

}  // namespace
}  // namespace sluice

#include <gmock/gmock.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <malloc.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <ostream>
#include <set>

#include "tests/dataplane/engine/engine_fixture.hpp"
#include "tests/dataplane/engine/kernel_udp.hpp"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::Ge;
using testing::HasSubstr;
using testing::Lt;
using testing::SizeIs;

struct Layout {
  std::uint32_t workers;
  SteeringMode steering;
  IoBackend io;
};

std::string name_of(const Layout& layout) {
  constexpr std::array kSteering = {"ebpf", "learned", "misroute"};
  return std::to_string(layout.workers) + "_" +
         kSteering.at(static_cast<std::size_t>(layout.steering)) +
         (layout.io == IoBackend::uring ? "_uring" : "_poll");
}

void PrintTo(const Layout& layout, std::ostream* out) {
  *out << name_of(layout);
}

class EngineWorkers : public EngineTest, public testing::WithParamInterface<Layout> {
 protected:
  static Config config_of(const Layout& layout) {
    Config config = small_config();
    config.workers = layout.workers;
    config.steering = layout.steering;
    config.io = layout.io;
    config.test_offloads = false;  // other tests do, and it takes its time
    return config;
  }
  static Config config() { return config_of(GetParam()); }
  static std::uint32_t workers() { return GetParam().workers; }
  static bool try_set(const char* path, const char* value) {
    const io::UniqueFd file(open(path, O_WRONLY | O_CLOEXEC));
    return file && write(file.get(), value, std::strlen(value)) > 0;
  }
  static bool is_misrouted() { return GetParam().steering == SteeringMode::misroute; }

  // False where the kernel does not let us load the program that a layout needs.
  static bool starts(Engine& engine) {
    const std::string problem = error_of([&engine] { engine.start(); });
    if (problem == "(no error)") return true;
    EXPECT_THAT(problem, HasSubstr("cannot misroute"));
    return false;
  }
};

#define START_OR_SKIP(engine) \
  if (!starts(engine)) GTEST_SKIP() << "no steering program permitted here"

// --- data ---------------------------------------------------------------------------------------

TEST_P(EngineWorkers, EchoesOverManyConnections) {
  constexpr int kClients = 6;
  constexpr int kEach = 4;
  EchoEvents echo;
  Engine engine(config());
  serve(engine, 7, echo);
  START_OR_SKIP(engine);
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([] {
      for (int n = 0; n < kEach; ++n) EXPECT_TRUE(echoes(kEngineSide, 7, 60'000));
    });
  }
  for (std::thread& client : clients) client.join();
  engine.stop();
  const EngineStats stats = engine.stats();
  EXPECT_EQ(stats.shard.accepted, 1u * kClients * kEach);
  EXPECT_EQ(stats.shard.bytes_in, 60'000u * kClients * kEach);
  EXPECT_GE(stats.handoff.given, stats.handoff.taken);
  if (workers() == 1) {
    EXPECT_EQ(stats.handoff.given, 0u);
  } else if (is_misrouted()) {
    EXPECT_GE(stats.handoff.taken, stats.shard.packets_in) << "none came to its owner's queue";
  } else if (engine.facts().steering == "ebpf") {
    EXPECT_LE(stats.handoff.given * 1000, stats.shard.packets_in);
  }
}

// Which worker has called, and on which thread.
class Roll {
 public:
  void note(std::uint32_t worker) {
    const std::lock_guard guard(guard_);
    threads_[worker].insert(std::this_thread::get_id());
  }
  // How many workers have been seen; each always on a thread of its own.
  std::size_t count() {
    const std::lock_guard guard(guard_);
    std::set<std::thread::id> all;
    for (const auto& [worker, threads] : threads_) {
      EXPECT_THAT(threads, SizeIs(1)) << "worker " << worker;
      all.insert(threads.begin(), threads.end());
    }
    EXPECT_EQ(all.size(), threads_.size());
    return threads_.size();
  }

 private:
  std::mutex guard_;
  std::map<std::uint32_t, std::set<std::thread::id>> threads_;
};

TEST_P(EngineWorkers, AListenerIsOnEachOfThem) {
  constexpr int kMostClients = 300;
  EchoEvents echo;
  Roll roll;
  Engine engine(config());
  engine.listen({.address = {}, .port = 7}, [&](Stream& stream) {
    roll.note(stream.id().worker);
    return &echo;
  });
  START_OR_SKIP(engine);
  for (int i = 0; i < kMostClients && roll.count() < workers(); ++i) {
    EXPECT_TRUE(echoes(kEngineSide, 7, 100));
  }
  EXPECT_EQ(roll.count(), workers());
}

// Talks once, and knows who it is.
class Caller final : public StreamEvents {
 public:
  void on_open(Stream& stream) override {
    owner.tell(stream.id().worker);
    stream.send(pattern_bytes(1000));
  }
  void on_readable(Stream& stream) override {
    while (!stream.read().empty()) {
    }
  }
  void on_peer_closed(Stream& stream) override { stream.close(); }
  void on_closed(Stream&, CloseReason reason) override { closed.tell(reason); }
  void on_connect_failed(std::string_view why) override { ADD_FAILURE() << why; }

  Told<std::uint32_t> owner;
  Told<CloseReason> closed;
};

TEST_P(EngineWorkers, EachOfThemConnectsAndOwnsWhatItHasConnected) {
  constexpr std::uint32_t kEach = 5;
  KernelListener listener("0.0.0.0", 5001);
  std::deque<Caller> callers;
  Engine engine(config());
  START_OR_SKIP(engine);
  const ConnectOptions there{*IpAddress::parse(kKernelSide), 5001, {}};
  for (std::uint32_t i = 0; i < kEach * workers(); ++i) {
    Caller& caller = callers.emplace_back();
    const std::uint32_t worker = i % workers();
    Told<bool> began;
    ASSERT_TRUE(engine.post(worker, [&] { began.tell(engine.connect(there, caller)); }));
    ASSERT_TRUE(began.wait());
    KernelTcp peer = listener.accept();
    EXPECT_EQ(peer.receive(1000), pattern_bytes(1000));
    EXPECT_EQ(caller.owner.wait(), worker);
    peer.shutdown_send();
    EXPECT_TRUE(peer.is_at_end());
    EXPECT_EQ(caller.closed.wait(), CloseReason::normal);
  }
  if (engine.facts().steering == "ebpf") {
    EXPECT_EQ(engine.stats().handoff.given, 0u) << "ports were picked that hash home";
  }
}

TEST_P(EngineWorkers, ConnectsFromOutsideGoToTheOneWithTheFewest) {
  KernelListener listener("0.0.0.0", 5002);
  std::deque<Caller> callers;
  std::deque<KernelTcp> peers;
  Engine engine(config());
  START_OR_SKIP(engine);
  std::map<std::uint32_t, int> owned;
  for (std::uint32_t i = 0; i < 3 * workers(); ++i) {
    Caller& caller = callers.emplace_back();
    ASSERT_TRUE(engine.connect({*IpAddress::parse(kKernelSide), 5002, {}}, caller));
    peers.push_back(listener.accept());
    EXPECT_EQ(peers.back().receive(1000), pattern_bytes(1000));
    ++owned[caller.owner.wait()];
    std::this_thread::sleep_for(milliseconds(2));  // until the owner has told its number
  }
  for (std::uint32_t worker = 0; worker < workers(); ++worker) {
    EXPECT_NEAR(owned[worker], 3, 1) << worker;
  }
  for (KernelTcp& peer : peers) peer.shutdown_send();
}

TEST_P(EngineWorkers, APostRunsOnTheWorkerThatIsNamed) {
  Roll roll;
  Engine engine(config());
  START_OR_SKIP(engine);
  Told<bool> ran;
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t i = 0; i < workers(); ++i) {
      ASSERT_TRUE(engine.post(i, [&roll, &ran, i] {
        roll.note(i);
        ran.tell(true);
      }));
    }
  }
  EXPECT_TRUE(ran.wait(3 * workers()));
  EXPECT_EQ(roll.count(), workers());
  EXPECT_FALSE(engine.post(workers(), [] {}));
}

TEST_P(EngineWorkers, ListeningAndStatisticsFromAllThreadsAtOnce) {
  EchoEvents echo;
  Engine engine(config());
  serve(engine, 7, echo);
  START_OR_SKIP(engine);
  std::atomic<bool> over{false};
  std::thread reader([&] {
    std::uint64_t before = 0;
    while (!over) {
      const std::uint64_t now = engine.stats().shard.packets_in;
      EXPECT_GE(now, before);
      before = now;
    }
  });
  std::vector<std::thread> owners;
  for (std::uint16_t port = 100; port < 103; ++port) {
    owners.emplace_back([&engine, &echo, port] {
      for (int i = 0; i < 5; ++i) {
        Listener listener = serve(engine, port, echo);
        EXPECT_TRUE(echoes(kEngineSide, port, 1000)) << "listens when listen() returns";
        listener.close();
        EXPECT_EQ(KernelTcp(kEngineSide, port).error(), ECONNREFUSED) << "nobody, after close()";
      }
    });
  }
  for (std::thread& owner : owners) owner.join();
  EXPECT_TRUE(echoes(kEngineSide, 7, 100'000));
  over = true;
  reader.join();
}

// --- datagrams ----------------------------------------------------------------------------------

class RollingEcho final : public DatagramEvents {
 public:
  void on_bound(DatagramSocket& socket) override {
    bound.note(socket.worker());
    sockets[socket.worker()] = &socket;
  }
  void on_datagram(DatagramSocket& socket, const Datagram& datagram) override {
    heard.note(socket.worker());
    socket.send(datagram.flow, datagram.payload);
  }
  Roll bound;
  Roll heard;
  std::array<DatagramSocket*, 8> sockets{};  // by worker: each sets its own
};

TEST_P(EngineWorkers, DatagramsComeToAllOfThemWholeAndInFragments) {
  constexpr int kMostClients = 200;
  RollingEcho echo;
  Engine engine(config());
  START_OR_SKIP(engine);
  engine.bind({.address = {}, .port = 7}, echo);
  EXPECT_EQ(echo.bound.count(), workers()) << "all are bound when bind() returns";
  ASSERT_TRUE(is_ipv6_heard());
  for (int i = 0; i < kMostClients && (i < 10 || echo.heard.count() < workers()); ++i) {
    for (const bool v6 : {false, true}) {
      KernelUdp client(v6 ? "fd05::100" : kKernelSide);
      client.connect_to(v6 ? "fd05::101" : kEngineSide, 7);
      for (const std::size_t size : {10u, 5000u}) {
        const ByteVector bytes = pattern_bytes(size);
        ASSERT_EQ(client.send(bytes), 0);
        ASSERT_EQ(client.receive(), bytes) << size << (v6 ? " IPv6" : " IPv4");
      }
    }
  }
  EXPECT_EQ(echo.heard.count(), workers());
}

TEST_P(EngineWorkers, EachOfThemSendsDatagramsAndTheFlowsOwnerHears) {
  RollingEcho echo;
  Engine engine(config());
  START_OR_SKIP(engine);
  const std::uint16_t ours = engine.bind({.address = {}, .port = 0}, echo).port;
  for (std::uint32_t worker = 0; worker < workers(); ++worker) {
    KernelUdp server(kKernelSide);
    const FlowKey flow{*IpAddress::parse(kEngineSide), *IpAddress::parse(kKernelSide), ours,
                       server.port()};
    Told<bool> sent;
    ASSERT_TRUE(engine.post(
        worker, [&] { sent.tell(echo.sockets[worker]->send(flow, ByteVector(3000, 7))); }));
    ASSERT_TRUE(sent.wait());
    EXPECT_EQ(server.receive(), ByteVector(3000, 7));
    EXPECT_EQ(server.sender_port(), ours);
    ASSERT_EQ(server.send_to(kEngineSide, ours, {1, 2}), 0);
    EXPECT_EQ(server.receive(), (ByteVector{1, 2}));
  }
}

// All pieces of a datagram must meet, wherever the device puts them: what we send in pieces teaches
// it where pieces between these addresses belong, and each worker teaches it another queue.
TEST_P(EngineWorkers, FragmentsMeetThoughManyTalkAtOnce) {
  constexpr int kClients = 6;
  constexpr int kEach = 40;
  // Else the kernel gives datagrams up whose fragments more than 64 others of the host overtake.
  ASSERT_TRUE(try_set("/proc/sys/net/ipv4/ipfrag_max_dist", "0"));
  RollingEcho echo;
  Engine engine(config());
  engine.bind({.address = {}, .port = 7}, echo);
  START_OR_SKIP(engine);
  std::atomic<int> echoed{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&echoed] {
      KernelUdp client(kKernelSide);
      client.connect_to(kEngineSide, 7);
      const ByteVector bytes = pattern_bytes(12'000);
      for (int n = 0; n < kEach; ++n) {
        client.send(bytes);
        if (client.receive() != bytes) return;
        ++echoed;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(echoed, kClients * kEach);
}

// --- stopping under load ------------------------------------------------------------------------

std::uint8_t byte_at(std::uint64_t position) {
  return static_cast<std::uint8_t>(position * 131 + (position >> 8));
}

// One connection in both directions, as fast as it goes, each byte known by its position.
struct Talk {
  std::uint64_t sent = 0;  // taken by the stack
  std::uint64_t read = 0;
  std::uint64_t wrong = 0;
  CloseReason ended = CloseReason::none;
};

class LoadEvents final : public StreamEvents {
 public:
  Talk& talk_with(std::uint16_t port) {
    const std::lock_guard guard(guard_);
    return talks_[port];
  }
  void on_open(Stream& stream) override {
    stream.context = &talk_with(stream.flow().remote_port);
    on_writable(stream);
  }
  void on_writable(Stream& stream) override {
    Talk& talk = *static_cast<Talk*>(stream.context);
    while (stream.send_space() > 0) {
      std::array<std::uint8_t, 8192> bytes;
      for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = byte_at(talk.sent + i);
      const std::uint32_t taken = stream.send(bytes);
      talk.sent += taken;
      if (taken < bytes.size()) return;
    }
  }
  void on_readable(Stream& stream) override {
    Talk& talk = *static_cast<Talk*>(stream.context);
    for (Slice part = stream.read(); !part.empty(); part = stream.read()) {
      for (const std::uint8_t byte : part.bytes()) talk.wrong += byte != byte_at(talk.read++);
    }
  }
  void on_closed(Stream& stream, CloseReason reason) override {
    static_cast<Talk*>(stream.context)->ended = reason;
  }

 private:
  std::mutex guard_;
  std::map<std::uint16_t, Talk> talks_;  // by the peer's port
};

// The kernel's end of one: a blocking socket, and what of it is known when it is over.
class LoadClient {
 public:
  LoadClient() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in peer = kernel_address(kEngineSide, 9);
    if (connect(fd_.get(), reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0) {
      ADD_FAILURE() << std::strerror(errno);
    }
    sockaddr_in own{};
    socklen_t length = sizeof own;
    getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&own), &length);
    port = ntohs(own.sin_port);
  }
  // Until the engine's FIN has come (or a reset), which ends both directions.
  void run() {
    std::thread sender([this] { send_on(); });
    std::array<std::uint8_t, 65'536> bytes;
    while (true) {
      const ssize_t count = recv(fd_.get(), bytes.data(), bytes.size(), 0);
      if (count <= 0) {
        in_order = count == 0;
        break;
      }
      for (ssize_t i = 0; i < count; ++i) {
        wrong += bytes[static_cast<std::size_t>(i)] != byte_at(received++);
      }
    }
    over_ = true;
    sender.join();
    shutdown(fd_.get(), SHUT_WR);
    in_order = in_order && comes_true([this] { return state() != TCP_LAST_ACK; });
  }
  // Bytes that the engine's stack has acknowledged; the kernel counts the SYN as one, and the FIN.
  std::uint64_t acknowledged() {
    return std::min<std::uint64_t>(sent, info().tcpi_bytes_acked - 1);
  }

  std::uint16_t port = 0;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t wrong = 0;
  bool in_order = false;

 private:
  enum { TCP_LAST_ACK = 9 };

  void send_on() {
    while (!over_) {
      std::array<std::uint8_t, 16'384> bytes;
      for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = byte_at(sent + i);
      const ssize_t count = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0) return;
      sent += static_cast<std::uint64_t>(count);
    }
  }
  tcp_info info() {
    tcp_info info{};
    socklen_t length = sizeof info;
    getsockopt(fd_.get(), IPPROTO_TCP, TCP_INFO, &info, &length);
    return info;
  }
  int state() { return info().tcpi_state; }

  io::UniqueFd fd_;
  std::atomic<bool> over_{false};
};

TEST_P(EngineWorkers, StoppedUnderLoadNoAcknowledgedByteIsLost) {
  constexpr std::size_t kClients = 6;
  LoadEvents load;
  Config config = EngineWorkers::config();
  config.drain_timeout = Duration::seconds(8);
  Engine engine(config);
  serve(engine, 9, load);
  START_OR_SKIP(engine);
  std::deque<LoadClient> clients(kClients);
  std::vector<std::thread> threads;
  for (LoadClient& client : clients) threads.emplace_back([&client] { client.run(); });
  std::this_thread::sleep_for(milliseconds(100));
  const auto begin = steady_clock::now();
  engine.stop();
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(7)) << "it did not wait for a reset";
  for (std::thread& thread : threads) thread.join();
  for (LoadClient& client : clients) {
    const Talk& talk = load.talk_with(client.port);
    EXPECT_GT(talk.read, 0u);
    EXPECT_EQ(talk.wrong + client.wrong, 0u);
    EXPECT_TRUE(client.in_order);
    EXPECT_EQ(talk.ended, CloseReason::normal);
    EXPECT_EQ(client.received, talk.sent) << "all that send() took before the FIN";
    EXPECT_GE(talk.read, client.acknowledged()) << "acknowledged, and never read";
  }
  EXPECT_EQ(engine.stats().shard.connections, 0u);
}

// Counts what becomes of connects.
class Outcomes final : public StreamEvents {
 public:
  void on_closed(Stream&, CloseReason) override { ++heard; }
  void on_connect_failed(std::string_view) override { ++heard; }
  std::atomic<int> heard{0};
};

// From on both threads and callbacks, before, while and after the engine stops.
TEST_P(EngineWorkers, EachConnectThatWasTakenHearsOfItsEnd) {
  for (int round = 0; round < 5; ++round) {
    Outcomes outcomes;
    int taken = 0;
    Config config = EngineWorkers::config();
    config.drain_timeout = Duration::milliseconds(20);
    Engine engine(config);
    START_OR_SKIP(engine);
    std::atomic<bool> over{false};
    std::thread connecting([&] {
      while (!over) {
        taken += engine.connect({*IpAddress::parse(kKernelSide), 5999, {}}, outcomes) ? 1 : 0;
      }
    });
    std::this_thread::sleep_for(milliseconds(10));
    engine.stop();
    over = true;
    connecting.join();
    EXPECT_EQ(outcomes.heard, taken);
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, EngineWorkers,
                         testing::Values(Layout{1, SteeringMode::ebpf, IoBackend::uring},
                                         Layout{2, SteeringMode::ebpf, IoBackend::uring},
                                         Layout{2, SteeringMode::learned, IoBackend::poll},
                                         Layout{2, SteeringMode::misroute, IoBackend::uring},
                                         Layout{4, SteeringMode::learned, IoBackend::uring},
                                         Layout{4, SteeringMode::ebpf, IoBackend::poll},
                                         Layout{4, SteeringMode::misroute, IoBackend::poll}),
                         [](const auto& layout) { return name_of(layout.param); });

// --- frames that are away -----------------------------------------------------------------------

// Keeps the first datagrams that it hears, echoes the others by reference.
class Hoarder final : public DatagramEvents {
 public:
  explicit Hoarder(std::size_t most) : most_(most) {}
  void on_datagram(DatagramSocket& socket, const Datagram& datagram) override {
    owner.tell(socket.worker());
    if (kept_.size() < most_) {
      kept_.push_back(datagram.payload);
    } else {
      socket.send(datagram.flow, datagram.payload);
    }
  }
  // On the worker, before the engine stops.
  void drop() { kept_.clear(); }

  Told<std::uint32_t> owner;  // of the flow

 private:
  std::vector<Slice> kept_;
  std::size_t most_;
};

class EngineFrames : public EngineWorkers {};

// The worker that reads waits for frames that are on their way out at the one that answers.
TEST_P(EngineFrames, AWorkerThatSleepsHoldsNoFrameOfAnother) {
  constexpr std::size_t kKept = 100;
  ASSERT_TRUE(try_set("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"))
      << "its own packets would wake whoever sleeps";
  Hoarder hoarder(kKept);
  Config config = EngineWorkers::config();
  config.addresses = {*Cidr::parse("10.0.5.100/24")};
  Engine engine(config);
  START_OR_SKIP(engine);
  engine.bind({.address = {}, .port = 7}, hoarder);
  KernelUdp client(kKernelSide);
  client.connect_to(kEngineSide, 7);
  for (std::size_t i = 0; i < kKept; ++i) ASSERT_EQ(client.send({1}), 0);
  ASSERT_TRUE(comes_true([&] { return hoarder.owner.count() == kKept; }));
  const std::uint32_t owner = hoarder.owner.wait();
  ASSERT_TRUE(engine.post(owner, [] { std::this_thread::sleep_for(milliseconds(200)); }));
  const std::size_t rest = config.frames - kKept;
  for (std::size_t i = 0; i < rest; ++i) ASSERT_EQ(client.send({2}), 0);  // all in one turn
  for (std::size_t i = 0; i < rest; ++i) ASSERT_TRUE(client.receive().has_value()) << i;
  client.set_patience(2000);
  ASSERT_EQ(client.send({3}), 0);
  EXPECT_TRUE(client.receive().has_value()) << "the reader has no frame, and nobody moves";
  Told<bool> dropped;
  engine.post(owner, [&] {
    hoarder.drop();
    dropped.tell(true);
  });
  EXPECT_TRUE(dropped.wait());
}

INSTANTIATE_TEST_SUITE_P(Layouts, EngineFrames,
                         testing::Values(Layout{2, SteeringMode::misroute, IoBackend::uring},
                                         Layout{2, SteeringMode::misroute, IoBackend::poll}),
                         [](const auto& layout) { return name_of(layout.param); });

// --- coming and going ---------------------------------------------------------------------------

class EngineCrew : public EngineTest {
 protected:
  static Config two_workers() {
    Config config = small_config();
    config.workers = 2;
    config.test_offloads = false;
    config.drain_timeout = Duration::milliseconds(100);
    return config;
  }
  static std::size_t threads() {
    const std::filesystem::directory_iterator all("/proc/self/task");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
  // One that has ended, and was joined, stays in /proc for a moment.
  static bool become(std::size_t count) {
    return comes_true([count] { return threads() == count; });
  }
  static std::size_t heap_bytes() {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
  }
};

TEST_F(EngineCrew, RestartsAHundredTimesAndLeavesNoDescriptorThreadOrMemory) {
  EchoEvents echo;
  Engine engine(two_workers());
  serve(engine, 7, echo);
  const std::size_t running = threads();
  std::size_t descriptors = 0;
  std::size_t heap = 0;
  for (int round = 1; round <= 100; ++round) {
    engine.start();
    if (round % 10 == 1) {
      ASSERT_TRUE(echoes(kEngineSide, 7, 10'000)) << round;
    }
    engine.stop();
    if (round != 11) continue;
    descriptors = open_descriptors();
    heap = heap_bytes();
  }
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_TRUE(become(running)) << threads();
  EXPECT_LT(heap_bytes(), heap + 200'000);
  EXPECT_EQ(engine.stats().shard.accepted, 10u);
}

TEST_F(EngineCrew, AStartThatFailsAtTheLastWorkerLeavesNothingRunning) {
  const std::size_t running = threads();
  EchoEvents echo;
  Config config = two_workers();
  config.pin = {0, 1023};
  Engine bad(config);
  EchoEvents datagrams;
  serve(bad, 7, echo);
  const std::size_t descriptors = open_descriptors();
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(error_of([&] { bad.start(); }), HasSubstr("1023"));
    EXPECT_FALSE(bad.is_running());
    EXPECT_FALSE(bad.post(0, [] {}));
    EXPECT_TRUE(become(running)) << threads();
    EXPECT_EQ(open_descriptors(), descriptors);
    EXPECT_EQ(if_nametoindex("tun1"), 0u);
  }
  Engine good(two_workers());
  serve(good, 7, echo);
  good.start();
  EXPECT_TRUE(echoes(kEngineSide, 7));
}

TEST_F(EngineCrew, AfterADeviceNameThatWasTakenTheEngineStarts) {
  EchoEvents echo;
  const std::size_t running = threads();
  Engine second(two_workers());
  serve(second, 7, echo);
  {
    Engine first(two_workers());
    first.start();
    EXPECT_THAT(error_of([&] { second.start(); }), HasSubstr("taken"));
    EXPECT_TRUE(become(running + 2)) << threads();
  }
  second.start();
  EXPECT_TRUE(echoes(kEngineSide, 7));
}

TEST_F(EngineCrew, TwoEnginesOfTwoWorkersLiveInOneProcess) {
  EchoEvents echo;
  Config config = two_workers();
  Engine first(config);
  config.tun_name = "tun2";
  config.addresses = {*Cidr::parse("10.0.6.100/24")};
  Engine second(config);
  serve(first, 7, echo);
  serve(second, 7, echo);
  first.start();
  second.start();
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(echoes("10.0.5.101", 7, 5000));
    EXPECT_TRUE(echoes("10.0.6.101", 7, 5000));
  }
  first.stop();
  EXPECT_TRUE(echoes("10.0.6.101", 7));
}

// More than one turn can reset; and one whose bytes the application has not fetched.
TEST_F(EngineCrew, AllStreamsHearTheirEndHoweverMany) {
  constexpr std::size_t kClients = 400;
  class NeverReads final : public StreamEvents {
   public:
    void on_open(Stream&) override { ++opened; }
    void on_closed(Stream&, CloseReason) override {
      std::this_thread::sleep_for(
          std::chrono::microseconds(500));  // all: longer than one RST lasts
      ++closed;
    }
    std::atomic<std::size_t> opened{0};
    std::atomic<std::size_t> closed{0};
  } events;
  Config config = two_workers();
  config.max_connections = 1024;
  Engine engine(config);
  serve(engine, 9, events);
  engine.start();
  std::deque<KernelTcp> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.emplace_back(kEngineSide, 9);
    ASSERT_EQ(clients.back().error(), 0) << i;
    if (i % 4 != 0) clients.back().send_all({1, 2, 3});
    if (i % 4 > 1) clients.back().shutdown_send();
  }
  ASSERT_TRUE(comes_true([&] { return events.opened == kClients; }));
  engine.stop();
  EXPECT_EQ(events.closed, kClients);
}

}  // namespace
}  // namespace sluice

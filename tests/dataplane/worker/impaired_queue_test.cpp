// A queue behind wires, without a device: when it sleeps until, what it writes and delivers, and
// where the frames are.
#include "dataplane/worker/impaired_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <thread>
#include <vector>

#include "dataplane/io/clock.hpp"
#include "proto/wire/packet.hpp"
#include "tests/support/shard_packets.hpp"

namespace sluice {
namespace {

using test::PacketBytes;

constexpr std::uint32_t kFrames = 8;

// A device: what arrives and what was written. It takes its time over writes while `is_slow`.
class Device final : public io::TunQueue {
 public:
  explicit Device(FramePool& pool) : pool_(pool) {}

  std::size_t reap(std::span<io::RxPacket> packets) override {
    std::size_t count = 0;
    for (; count < packets.size() && !arriving.empty(); ++count) {
      Frame* const frame = pool_.take();
      if (frame == nullptr) break;
      std::ranges::copy(arriving.front(), frame->data);
      packets[count] = {frame, static_cast<std::uint32_t>(arriving.front().size())};
      arriving.pop_front();
    }
    return count;
  }
  void submit(TxBatch& batch, Instant wait_until) override {
    slept_until = wait_until;
    for (TxPacket* const packet : batch.pushed()) {
      written.emplace_back();
      for (const iovec& piece : packet->iovecs()) {
        const auto* const bytes = static_cast<const std::uint8_t*>(piece.iov_base);
        written.back().insert(written.back().end(), bytes, bytes + piece.iov_len);
      }
      writing_.push_back(packet);
    }
    batch.forget_pushed();
    if (!is_slow) complete(batch);
  }
  using TunQueue::wake;
  void wake() override {}
  void quiesce(TxBatch& batch) override { complete(batch); }
  const io::IoCounters& counters() const override { return counters_; }

  bool is_slow = false;
  std::deque<PacketBytes> arriving;
  std::vector<PacketBytes> written;
  Instant slept_until;

 private:
  void complete(TxBatch& batch) {
    for (TxPacket* const packet : writing_) batch.complete(*packet);
    writing_.clear();
  }

  FramePool& pool_;
  std::vector<TxPacket*> writing_;
  io::IoCounters counters_;
};

PacketBytes datagram(std::size_t payload) {
  const std::vector<std::uint8_t> bytes(payload, 0x42);
  return test::udp_packet(*IpAddress::parse("10.0.5.7"), *IpAddress::parse("10.0.5.100"), bytes);
}

// 10,000 bytes for the device to cut into segments of 1,000.
PacketBytes super_segment() {
  wire::IpFields ip;
  ip.source = *IpAddress::parse("10.0.5.7");
  ip.destination = *IpAddress::parse("10.0.5.100");
  wire::TcpHeader tcp;
  tcp.flags = wire::kAck;
  wire::PayloadFacts facts;
  facts.length = 10'000;
  facts.gso_size = 1000;
  PacketBytes packet(wire::kMaxHeaders);
  packet.resize(wire::build_tcp_packet(packet, ip, tcp, facts));
  packet.resize(packet.size() + facts.length, 0x42);
  return packet;
}

class ImpairedQueueTest : public ::testing::Test {
 protected:
  void make() {
    auto made = std::make_unique<Device>(pool);
    device = made.get();
    queue = make_impaired_queue(std::move(made), config, 0, pool);
  }
  void TearDown() override {
    if (queue) queue->quiesce(batch);
    queue.reset();
    EXPECT_EQ(pool.free_count(), pool.size());
    EXPECT_EQ(batch.free_count(), batch.slots());
  }
  void push(const PacketBytes& packet) {
    TxPacket* const slot = batch.claim();
    constexpr std::uint32_t kHeader = 40;
    std::copy_n(packet.begin(), kHeader, slot->header.begin());
    slot->set_header(kHeader);
    Frame* const frame = pool.take();
    const auto rest = static_cast<std::uint32_t>(packet.size()) - kHeader;
    std::copy_n(packet.begin() + kHeader, rest, frame->data);
    slot->add_piece(Slice(*frame, 0, rest));
    batch.push(*slot);
  }
  void submit() { queue->submit(batch, Instant::never()); }
  static void sleep_until(Instant time) {
    while (io::now() < time) std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  // How many packets have come off the wire to us; they go home.
  std::size_t reap() {
    std::array<io::RxPacket, 16> packets;
    const std::size_t count = queue->reap(packets);
    for (const auto& packet : std::span(packets).first(count)) pool.take_back(*packet.frame);
    return count;
  }

  Config config;
  FramePool pool{kFrames, 65'545};
  TxBatch batch{16};
  Device* device = nullptr;
  std::unique_ptr<ImpairedQueue> queue;
};

TEST_F(ImpairedQueueTest, SleepsUntilTheNextPacketIsDueAndNoLonger) {
  config.link_out.delay = Duration::milliseconds(20);
  make();
  const Instant before = io::now();
  push(datagram(100));
  submit();
  EXPECT_EQ(batch.free_count(), batch.slots()) << "the wire holds a copy";
  EXPECT_TRUE(device->written.empty());
  const Instant due = device->slept_until;
  EXPECT_GE(due, before + config.link_out.delay);
  EXPECT_LE(due, io::now() + config.link_out.delay);
  sleep_until(due);
  submit();
  ASSERT_EQ(device->written.size(), 1U);
  EXPECT_EQ(device->written[0], datagram(100));
  EXPECT_TRUE(device->slept_until.is_never()) << "an idle wire wakes nobody";
}

TEST_F(ImpairedQueueTest, WhatArrivesWaitsToo) {
  config.link_in.delay = Duration::milliseconds(5);
  make();
  device->arriving.push_back(datagram(100));
  EXPECT_EQ(reap(), 0U);
  submit();
  EXPECT_FALSE(device->slept_until.is_never());
  sleep_until(device->slept_until);
  EXPECT_EQ(reap(), 1U);
  EXPECT_EQ(queue->in_counters().delivered, 1U);
}

TEST_F(ImpairedQueueTest, CutsBeforeTheWire) {
  config.link_out.loss = 0.5;
  make();
  push(super_segment());
  submit();
  const LinkCounters counters = queue->out_counters();
  EXPECT_EQ(counters.sent, 10U);
  EXPECT_GT(counters.lost, 0U);
  EXPECT_EQ(device->written.size(), 10 - counters.lost);
  for (const PacketBytes& packet : device->written) {
    EXPECT_EQ(wire::parse_virtio_net(packet), wire::VirtioNetHeader()) << "no sum is left to do";
  }
}

TEST_F(ImpairedQueueTest, DamageIsForTheReceiverToFind) {
  config.link_in.corrupt = 1;
  make();
  for (int i = 0; i < 200; ++i) {
    device->arriving.push_back(datagram(100));
    std::array<io::RxPacket, 1> packets;
    ASSERT_EQ(queue->reap(packets), 1U);
    const Bytes whole{packets[0].frame->data, packets[0].length};
    wire::Packet parsed;
    EXPECT_EQ(wire::parse_virtio_net(whole), wire::VirtioNetHeader());
    EXPECT_NE(wire::parse_packet(whole.subspan(wire::kVirtioNetHeaderSize), {}, parsed),
              DropReason::none);
    pool.take_back(*packets[0].frame);
  }
}

// Nothing can be delivered, however much is due: who has no frame must not spin.
TEST_F(ImpairedQueueTest, WithoutAFrameSleepsUntilOneComesHome) {
  config.link_in.jitter = Duration::nanoseconds(1);
  make();
  device->arriving.push_back(datagram(100));
  std::array<io::RxPacket, 1> none;
  EXPECT_EQ(queue->reap(std::span(none).first(0)), 0U);
  std::vector<Slice> held;
  while (Frame* const frame = pool.take()) held.emplace_back(*frame, 0U, 1U);
  EXPECT_EQ(reap(), 0U);
  submit();
  EXPECT_TRUE(device->slept_until.is_never());
  held.pop_back();
  submit();
  EXPECT_LE(device->slept_until, io::now());
  EXPECT_EQ(reap(), 1U);
}

TEST_F(ImpairedQueueTest, WritesNoMoreThanItHasSlotsFor) {
  config.tx_slots = 4;
  config.link_out.duplicate = 1;
  make();
  device->is_slow = true;
  push(super_segment());
  submit();
  EXPECT_EQ(device->written.size(), 4U);
  EXPECT_LE(device->slept_until, io::now()) << "more is due";
}

TEST_F(ImpairedQueueTest, FramesComeHomeFromEverywhere) {
  config.link_in.delay = config.link_out.delay = Duration::milliseconds(1);
  config.link_out.duplicate = 0.5;
  make();
  device->is_slow = true;
  push(super_segment());
  submit();
  sleep_until(device->slept_until);
  submit();  // these are being written
  device->arriving.push_back(datagram(100));
  reap();  // this is on its way to us
  push(super_segment());
  submit();
  push(super_segment());  // and this was not even submitted
}

TEST_F(ImpairedQueueTest, AWorkerHasItsShareOfARate) {
  config.workers = 4;
  config.link_out.rate_bits = 4'000'000;  // 1 Mbit/s for each: 1000 bytes in 8 ms
  make();
  push(datagram(1000 - 28));
  const Instant before = io::now();
  submit();
  EXPECT_GE(device->slept_until, before + Duration::milliseconds(8));
  EXPECT_LE(device->slept_until, io::now() + Duration::milliseconds(8));
}

}  // namespace
}  // namespace sluice

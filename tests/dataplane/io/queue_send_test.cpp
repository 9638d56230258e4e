// What every back end promises of packets that leave.
#include "tests/dataplane/io/queue_fixture.hpp"

namespace sluice::io {
namespace {

class QueueSend : public QueueFixture {
 protected:
  // Claims, fills and pushes a datagram that carries `number`, all of it in the slot.
  TxPacket* push_small(std::uint32_t number) {
    TxPacket* const packet = batch_->claim();
    if (packet == nullptr) return nullptr;
    put_headers(packet->header.data(), 4);
    store_be32(packet->header.data() + kHeaders, number);
    packet->set_header(kHeaders + 4);
    batch_->push(*packet);
    return packet;
  }

  // The same with a payload of `pieces` slices, `bytes` each, of one frame.
  void push_large(std::uint32_t pieces, std::uint32_t bytes) {
    Frame* const frame = payload_.take();
    ASSERT_NE(frame, nullptr);
    for (std::uint32_t i = 0; i < pieces * bytes; ++i) {
      frame->data[i] = static_cast<std::uint8_t>(i * 7);
    }
    TxPacket* const packet = batch_->claim();
    ASSERT_NE(packet, nullptr);
    put_headers(packet->header.data(), std::size_t{pieces} * bytes);
    packet->set_header(kHeaders);
    for (std::uint32_t i = 0; i < pieces; ++i) {
      ASSERT_TRUE(packet->add_piece(Slice(*frame, i * bytes, bytes)));
    }
    batch_->push(*packet);
  }

  // Turns until every slot is home.
  void finish() {
    const Instant give_up = now() + Duration::seconds(5);
    do {
      turn(Duration());
      drop_received();
    } while (batch_->free_count() < batch_->slots() && now() < give_up);
    EXPECT_EQ(batch_->free_count(), batch_->slots());
  }

  void drop_received() {
    std::array<RxPacket, 64> packets;
    for (const RxPacket& packet : std::span(packets).first(queue_->reap(packets))) home(packet);
  }

  FramePool payload_{4, kFrameBytes};
};

TEST_P(QueueSend, ArrivesInOrder) {
  tun_->set_up();
  KernelUdp kernel;
  std::uint32_t received = 0;
  for (std::uint32_t sent = 0; sent < 6400;) {
    while (push_small(sent) != nullptr) ++sent;
    finish();
    for (auto datagram = kernel.receive(); !datagram.empty(); datagram = kernel.receive()) {
      ASSERT_EQ(datagram.size(), 4U);
      ASSERT_EQ(load_be32(datagram.data()), received++);
    }
    ASSERT_EQ(received, sent);
  }
  EXPECT_EQ(queue_->counters().tx_packets, 6400U);
  EXPECT_EQ(queue_->counters().tx_bytes, 6400U * 32);
  EXPECT_EQ(queue_->counters().tx_refused, 0U);
}

TEST_P(QueueSend, GathersPieces) {
  tun_->set_mtu(kMaxMtu);
  tun_->set_up();
  KernelUdp kernel;
  push_large(1, 100);
  push_large(18, 3600);
  finish();
  EXPECT_EQ(payload_.free_count(), payload_.size());
  for (const std::size_t length : {std::size_t{100}, std::size_t{18 * 3600}}) {
    const std::vector<std::uint8_t> datagram = kernel.receive();
    ASSERT_EQ(datagram.size(), length);
    for (std::size_t i = 0; i < length; ++i) {
      ASSERT_EQ(datagram[i], static_cast<std::uint8_t>(i * 7));
    }
  }
}

TEST_P(QueueSend, CountsWhatTheKernelRefuses) {
  tun_->set_up();
  KernelUdp kernel;
  push_small(1);
  push_small(2)->header[10] = 0x05;  // no IP version that there is
  push_small(3);
  TxPacket* const bad_sum = push_small(4);
  bad_sum->header[0] = 1;     // NEEDS_CSUM ...
  bad_sum->header[7] = 0xff;  // ... from a byte far behind the end
  TxPacket* const cut = batch_->claim();
  cut->set_header(5);  // not even a virtio_net_hdr
  batch_->push(*cut);
  push_small(5);
  finish();
  EXPECT_EQ(queue_->counters().tx_packets, 3U);
  EXPECT_EQ(queue_->counters().tx_refused, 3U);
  EXPECT_EQ(queue_->counters().tx_bytes, 3U * 32);
  for (const std::uint32_t number : {1U, 3U, 5U}) {
    const std::vector<std::uint8_t> datagram = kernel.receive();
    ASSERT_EQ(datagram.size(), 4U);
    EXPECT_EQ(load_be32(datagram.data()), number);
  }
  EXPECT_TRUE(kernel.receive().empty());
}

TEST_P(QueueSend, ADeviceThatIsDownRefusesAll) {
  push_small(1);
  push_small(2);
  finish();
  EXPECT_EQ(queue_->counters().tx_packets, 0U);
  EXPECT_EQ(queue_->counters().tx_refused, 2U);
}

TEST_P(QueueSend, ManyMoreSlotsThanTheQueueWasMadeFor) {
  tun_->set_up();
  KernelUdp kernel;
  constexpr std::uint32_t kSlots = 1000;
  queue_->quiesce(*batch_);
  queue_.reset();
  batch_ = std::make_unique<TxBatch>(kSlots);
  queue_ = remake(4, 8);
  while (push_small(0) != nullptr) continue;
  finish();
  EXPECT_EQ(queue_->counters().tx_packets, kSlots);
}

TEST_P(QueueSend, CompletedWritesDoNotEndTheWait) {
  turn(Duration());
  drop_received();
  for (std::uint32_t i = 0; i < 10; ++i) push_small(i);  // refused, which also is a completion
  EXPECT_GE(turn(Duration::milliseconds(30)).ms(), 29);
  EXPECT_EQ(batch_->free_count(), batch_->slots());
}

TEST_P(QueueSend, WritesBeforeItWaits) {
  tun_->set_up();
  turn(Duration());
  drop_received();
  KernelUdp kernel;
  push_small(1);
  turn(Duration::milliseconds(1));
  EXPECT_EQ(kernel.receive().size(), 4U);
}

TEST_P(QueueSend, QuiesceWritesWhatWasPushed) {
  tun_->set_up();
  turn(Duration());
  KernelUdp kernel;
  push_small(1);
  push_large(2, 50);
  queue_->quiesce(*batch_);
  EXPECT_EQ(batch_->free_count(), batch_->slots());
  EXPECT_EQ(payload_.free_count(), payload_.size());
  EXPECT_EQ(kernel.receive().size(), 4U);
  EXPECT_EQ(kernel.receive().size(), 100U);
}

INSTANTIATE_TEST_SUITE_P(AllKinds, QueueSend, testing::ValuesIn(kQueueKinds), name_of);

}  // namespace
}  // namespace sluice::io

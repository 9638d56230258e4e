// What every back end promises of packets that arrive.
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <thread>

#include "tests/dataplane/io/queue_fixture.hpp"

namespace sluice::io {
namespace {

class QueueReceive : public QueueFixture {
 protected:
  // Takes all that is there, checks that it goes on where the last call ended, and keeps or frees
  // the frames. Returns how many numbered packets came.
  std::uint32_t take(std::size_t at_most, std::vector<RxPacket>* keep = nullptr) {
    std::array<RxPacket, 64> packets;
    const std::size_t count = queue_->reap(std::span(packets).first(at_most));
    std::uint32_t numbered = 0;
    for (const RxPacket& packet : std::span(packets).first(count)) {
      if (is_numbered(packet)) {
        EXPECT_EQ(number_of(packet), std::int64_t{next_++});
        ++numbered;
      }
      if (keep != nullptr) {
        keep->push_back(packet);
      } else {
        home(packet);
      }
    }
    return numbered;
  }

  void receive_all(std::uint32_t packets, std::size_t span) {
    const Instant give_up = now() + Duration::seconds(20);
    while (next_ < packets && now() < give_up && !HasFailure()) {
      take(span);
      turn(Duration::milliseconds(100));
    }
    EXPECT_EQ(next_, packets);
  }

  void flood(std::uint32_t packets, std::size_t span) {
    tun_->set_up();
    KernelUdp kernel;
    std::thread sender([&] {
      for (std::uint32_t i = 0; i < packets; ++i) kernel.send_numbered(i);
    });
    receive_all(packets, span);
    sender.join();
    EXPECT_EQ(tun_->tx_dropped(), 0U);
    EXPECT_GE(queue_->counters().rx_packets, packets);
    EXPECT_EQ(queue_->counters().rx_errors, 0U);
  }

  // The number that the next packet must have.
  std::uint32_t next_ = 0;
};

TEST_P(QueueReceive, KeepsOrderWith64FramesLent) {
  flood(20000, 64);
}

TEST_P(QueueReceive, KeepsOrderWith4FramesLent) {
  make_queue(4, 64);
  flood(20000, 16);
}

TEST_P(QueueReceive, KeepsOrderWithAPoolOf4Frames) {
  make_queue(64, 4);
  flood(5000, 64);
}

TEST_P(QueueReceive, KeepsOrderWithAShortSpan) {
  flood(5000, 3);
}

TEST_P(QueueReceive, StarvesAndRecovers) {
  make_queue(4, 16);
  tun_->set_up();
  KernelUdp kernel;
  constexpr std::uint32_t kPackets = 3000;
  for (std::uint32_t i = 0; i < kPackets; ++i) kernel.send_numbered(i);
  std::vector<RxPacket> kept;
  const Instant give_up = now() + Duration::seconds(20);
  while (next_ < kPackets && now() < give_up) {
    take(64, &kept);
    turn(Duration());
    // Keeps every frame until none is left for two turns.
    if (kept.size() < pool_->size()) continue;
    EXPECT_EQ(take(64, &kept), 0U);
    turn(Duration());
    for (const RxPacket& packet : kept) home(packet);
    kept.clear();
  }
  for (const RxPacket& packet : kept) home(packet);
  EXPECT_EQ(next_, kPackets);
  EXPECT_GT(queue_->counters().rx_starved, 0U);
}

TEST_P(QueueReceive, WaitsWithoutSpinningWhileNoFrameIsLeft) {
  make_queue(4, 4);
  tun_->set_up();
  KernelUdp kernel;
  for (std::uint32_t i = 0; i < 10; ++i) kernel.send_numbered(i);
  std::vector<RxPacket> kept;
  const Instant give_up = now() + Duration::seconds(5);
  while (kept.size() < 4 && now() < give_up) {
    take(64, &kept);
    turn(Duration::milliseconds(1));
  }
  take(64, &kept);
  const std::uint64_t turns_before = queue_->counters().turns;
  const Instant start = now();
  while (now() - start < Duration::milliseconds(50)) turn(Duration::milliseconds(10));
  EXPECT_LE(queue_->counters().turns - turns_before, 8U);
  for (const RxPacket& packet : kept) home(packet);
}

TEST_P(QueueReceive, DoesNotSleepWithPacketsPending) {
  tun_->set_up();
  KernelUdp kernel;
  for (std::uint32_t i = 0; i < 20; ++i) kernel.send_numbered(i);
  const Instant start = now();
  while (next_ < 20) {
    turn(Duration::seconds(10));
    take(1);
  }
  EXPECT_LT((now() - start).ms(), 2000);
}

TEST_P(QueueReceive, APacketEndsTheWait) {
  tun_->set_up();
  KernelUdp kernel;
  turn(Duration());
  take(64);
  std::thread sender([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    kernel.send_numbered(0);
  });
  const Instant start = now();
  while (next_ < 1 && now() - start < Duration::seconds(10)) {
    turn(Duration::seconds(10));
    take(64);
  }
  sender.join();
  EXPECT_EQ(next_, 1U);
  EXPECT_LT((now() - start).ms(), 2000);
}

TEST_P(QueueReceive, CountsBytesWithoutTheVirtioHeader) {
  tun_->set_up();
  turn(Duration());
  KernelUdp kernel;
  kernel.send_numbered(7);
  next_ = 7;
  std::uint64_t others = 0;
  const Instant give_up = now() + Duration::seconds(5);
  while (next_ == 7 && now() < give_up) {
    turn(Duration::milliseconds(100));
    std::vector<RxPacket> kept;
    take(64, &kept);
    for (const RxPacket& packet : kept) {
      if (!is_numbered(packet)) others += packet.length - 10;
      home(packet);
    }
  }
  EXPECT_EQ(queue_->counters().rx_bytes - others, 28 + KernelUdp::length_of(7));
}

TEST_P(QueueReceive, TakesTheLargestPacketWhole) {
  tun_->set_mtu(kMaxMtu);
  tun_->set_up();
  KernelUdp kernel;
  const UniqueFd sender(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(kPort);
  peer.sin_addr.s_addr = htonl(kUs);
  const std::vector<std::uint8_t> payload(65507, 0xab);
  ASSERT_EQ(sendto(sender.get(), payload.data(), payload.size(), 0,
                   reinterpret_cast<sockaddr*>(&peer), sizeof peer),
            65507);
  std::uint32_t longest = 0;
  const Instant give_up = now() + Duration::seconds(5);
  while (longest < kFrameBytes && now() < give_up) {
    turn(Duration::milliseconds(100));
    std::array<RxPacket, 8> packets;
    for (const RxPacket& packet : std::span(packets).first(queue_->reap(packets))) {
      longest = std::max(longest, packet.length);
      home(packet);
    }
  }
  EXPECT_EQ(longest, kFrameBytes);
}

void remove_device(const char* name) {
  mnl_socket* const socket = mnl_socket_open(NETLINK_ROUTE);
  std::array<char, 4096> buffer{};
  nlmsghdr* const message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = RTM_DELLINK;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  auto* const header =
      static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
  header->ifi_index = static_cast<int>(if_nametoindex(name));
  ASSERT_GT(mnl_socket_sendto(socket, message, message->nlmsg_len), 0);
  ASSERT_GT(mnl_socket_recvfrom(socket, buffer.data(), buffer.size()), 0);
  mnl_socket_close(socket);
}

TEST_P(QueueReceive, DoesNotSpinWhenTheDeviceGoes) {
  tun_->set_up();
  turn(Duration());
  remove_device("tun1");
  const Instant start = now();
  while (now() - start < Duration::milliseconds(100)) {
    turn(Duration::seconds(1));
    take(64);
  }
  EXPECT_GT(queue_->counters().rx_errors, 0U);
  EXPECT_LT(queue_->counters().turns, 40U);
}

INSTANTIATE_TEST_SUITE_P(AllKinds, QueueReceive, testing::ValuesIn(kQueueKinds), name_of);

}  // namespace
}  // namespace sluice::io

// A TUN device in a namespace of its own, a queue on it, and the kernel's UDP as the other side.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "dataplane/io/clock.hpp"
#include "dataplane/io/tun_queue.hpp"
#include "proto/base/bytes.hpp"
#include "tests/dataplane/io/private_network.hpp"

namespace sluice::io {

struct QueueKind {
  const char* name;
  Backend backend;
  bool multishot;
};

inline constexpr QueueKind kQueueKinds[] = {{"UringMultishot", Backend::uring, true},
                                            {"UringFallback", Backend::uring, false},
                                            {"Poll", Backend::poll, false}};

inline constexpr std::uint32_t kKernel = 0x0a4d0001;  // 10.77.0.1, the device's own address
inline constexpr std::uint32_t kUs = 0x0a4d0002;      // 10.77.0.2, behind the device
inline constexpr std::uint16_t kPort = 9000;
inline constexpr std::uint32_t kFrameBytes = 65545;
inline constexpr std::size_t kHeaders = 10 + 20 + 8;  // virtio, IPv4 and UDP

// A kernel socket on 10.77.0.1:9000 that talks to 10.77.0.2:9000.
class KernelUdp {
 public:
  KernelUdp() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    const sockaddr_in ours = address(kKernel);
    const sockaddr_in peer = address(kUs);
    EXPECT_EQ(bind(fd_.get(), reinterpret_cast<const sockaddr*>(&ours), sizeof ours), 0);
    EXPECT_EQ(connect(fd_.get(), reinterpret_cast<const sockaddr*>(&peer), sizeof peer), 0);
  }
  // A datagram that names its number and has a length of its own.
  void send_numbered(std::uint32_t number) {
    std::vector<std::uint8_t> payload(length_of(number), static_cast<std::uint8_t>(number));
    store_be32(payload.data(), number);
    ASSERT_EQ(send(fd_.get(), payload.data(), payload.size(), 0),
              static_cast<ssize_t>(payload.size()));
  }
  // The next datagram that has arrived; empty when there is none.
  std::vector<std::uint8_t> receive() {
    std::vector<std::uint8_t> payload(65536);
    const ssize_t length = recv(fd_.get(), payload.data(), payload.size(), 0);
    payload.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return payload;
  }
  static std::size_t length_of(std::uint32_t number) { return 4 + number * 37 % 1400; }

 private:
  static sockaddr_in address(std::uint32_t bits) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(kPort);
    address.sin_addr.s_addr = htonl(bits);
    return address;
  }

  UniqueFd fd_;
};

// Whether the packet is one of KernelUdp's; the kernel also sends some of IPv6's own.
inline bool is_numbered(const RxPacket& packet) {
  const std::uint8_t* const ip = packet.frame->data + 10;
  return packet.length >= kHeaders + 4 && ip[0] == 0x45 && ip[9] == IPPROTO_UDP;
}

// Its number, or -1 when the payload is not what was sent.
inline std::int64_t number_of(const RxPacket& packet) {
  const std::uint8_t* const payload = packet.frame->data + kHeaders;
  const std::uint32_t number = load_be32(payload);
  const std::size_t length = packet.length - kHeaders;
  if (length != KernelUdp::length_of(number)) return -1;
  for (std::size_t i = 4; i < length; ++i) {
    if (payload[i] != static_cast<std::uint8_t>(number)) return -1;
  }
  return number;
}

// The headers of a UDP datagram from us to the kernel, into out[0..38).
inline void put_headers(std::uint8_t* out, std::size_t payload_bytes) {
  std::fill_n(out, kHeaders, std::uint8_t{0});  // no offload; a UDP sum of zero is none
  std::uint8_t* const ip = out + 10;
  ip[0] = 0x45;
  store_be16(ip + 2, static_cast<std::uint16_t>(28 + payload_bytes));
  ip[8] = 64;
  ip[9] = IPPROTO_UDP;
  store_be32(ip + 12, kUs);
  store_be32(ip + 16, kKernel);
  std::uint32_t sum = 0;
  for (int i = 0; i < 20; i += 2) sum += load_be16(ip + i);
  sum = (sum & 0xffff) + (sum >> 16);
  store_be16(ip + 10, static_cast<std::uint16_t>(~(sum + (sum >> 16))));
  store_be16(ip + 20, kPort);
  store_be16(ip + 22, kPort);
  store_be16(ip + 24, static_cast<std::uint16_t>(8 + payload_bytes));
}

class QueueFixture : public PrivateNetwork, public testing::WithParamInterface<QueueKind> {
 protected:
  void SetUp() override {
    PrivateNetwork::SetUp();
    if (IsSkipped()) return;
    tun_ = std::make_unique<Tun>(Tun::open("tun1", 1));
    tun_->set_queue_length(32768);  // more than any test sends: nothing may be dropped
    tun_->add_address(*Cidr::parse("10.77.0.1/24"));
    make_queue(64, 256);
  }

  void TearDown() override {
    if (queue_) queue_->quiesce(*batch_);
    if (pool_) {
      EXPECT_EQ(pool_->free_count(), pool_->size());
    }
  }

  // With a pool of `frames`, of which up to `ring_frames` are lent.
  void make_queue(std::uint32_t ring_frames, std::uint32_t frames, std::uint32_t slots = 64) {
    if (queue_) queue_->quiesce(*batch_);
    queue_.reset();
    pool_ = std::make_unique<FramePool>(frames, kFrameBytes);
    batch_ = std::make_unique<TxBatch>(slots);
    try {
      queue_ = remake(ring_frames, slots);
    } catch (const std::system_error& error) {
      GTEST_SKIP() << "no io_uring: " << error.what();
    }
  }

  std::unique_ptr<TunQueue> remake(std::uint32_t ring_frames, std::uint32_t slots) {
    const TunQueueOptions options{.fd = tun_->descriptor(0),
                                  .ring_frames = ring_frames,
                                  .tx_slots = slots,
                                  .multishot = GetParam().multishot};
    return GetParam().backend == Backend::uring ? make_uring_queue(options, *pool_)
                                                : make_poll_queue(options, *pool_);
  }

  // Submits, and returns how long that took.
  Duration turn(Duration patience) {
    const Instant start = now();
    queue_->submit(*batch_, start + patience);
    return now() - start;
  }

  void home(const RxPacket& packet) { packet.frame->home->take_back(*packet.frame); }

  std::unique_ptr<Tun> tun_;
  std::unique_ptr<FramePool> pool_;
  std::unique_ptr<TxBatch> batch_;
  std::unique_ptr<TunQueue> queue_;
};

inline std::string name_of(const testing::TestParamInfo<QueueKind>& kind) {
  return kind.param.name;
}

}  // namespace sluice::io

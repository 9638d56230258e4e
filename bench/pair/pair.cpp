#include "bench/pair/pair.hpp"

#include <cstring>
#include <string>

namespace sluice::bench {
namespace {

constexpr std::uint32_t kFrames = 512;
constexpr std::uint32_t kFrameBytes = wire::kVirtioNetHeaderSize + 65'535;
constexpr Duration kTurn = Duration::microseconds(5);

ShardOptions shard_options(const PairOptions& pair, std::uint32_t number) {
  ShardOptions options;
  const std::string net = "10." + std::to_string(number + 1) + ".0.1/24";
  options.kernel_side = {*Cidr::parse(net)};
  options.mtu = pair.mtu;
  options.checksum_offload = !pair.checksums;
  options.max_connections = pair.max_connections;
  if (!pair.super_segments) options.tcp.max_payload_bytes = 0;
  options.secrets = {{number, 1}, {number, 2}, {number, 3}, number + 1};
  return options;
}

}  // namespace

Side::Side(const PairOptions& options, std::uint32_t number, Instant now)
    : frames_(kFrames, kFrameBytes, kFrames / 4),
      blocks_(16'384, 4096),
      nodes_(65'536),
      sent_(32'768),
      resources_{blocks_, nodes_, sent_},
      batch_(256),
      address_(IpAddress::v4(0x0a000002 + ((number + 1) << 16))),
      trusts_sums_(!options.checksums),
      shard_(std::make_unique<Shard>(shard_options(options, number), resources_, now)) {}

Side::~Side() = default;

Slice copy_into(FramePool& frames, const TxPacket& packet) {
  Frame* const frame = frames.take();
  if (frame == nullptr) return {};
  std::uint8_t* to = frame->data;
  for (const iovec& piece : packet.iovecs()) {
    std::memcpy(to, piece.iov_base, piece.iov_len);
    to += piece.iov_len;
  }
  return {*frame, 0, packet.length};
}

void Side::take(const TxPacket& packet, Instant now) {
  Slice ip = copy_into(frames_, packet);
  if (ip.empty()) return shard_->count_drop(DropReason::out_of_memory);
  wire::VirtioNetHeader offload = wire::parse_virtio_net(ip.bytes());
  if (!trusts_sums_) offload = {};
  ip.drop_front(wire::kVirtioNetHeaderSize);
  wire::Packet parsed;
  const DropReason reason = wire::parse_packet(ip.bytes(), offload, parsed);
  if (reason != DropReason::none) return shard_->count_drop(reason);
  shard_->on_packet(ip, parsed, now);
}

bool Side::turn(Side& peer, Instant now) {
  shard_->on_time(now);
  shard_->fill(batch_, now);
  const bool any = !batch_.empty();
  for (TxPacket* const packet : batch_.pushed()) {
    peer.take(*packet, now);
    batch_.complete(*packet);
    ++packets_;
  }
  batch_.forget_pushed();
  return any;
}

Pair::Pair(const PairOptions& options) : client_(options, 0, now_), server_(options, 1, now_) {}

bool Pair::turn() {
  now_ = now_ + kTurn;
  const bool said = client_.turn(server_, now_);
  const bool answered = server_.turn(client_, now_);
  return said || answered;
}

void Pair::listen(std::uint16_t port, StreamEvents& events) {
  ListenCommand command;
  command.options.port = port;
  command.acceptor = [&events](Stream&) { return &events; };
  server_.shard().on_command(std::move(command), now_);
}

void Pair::connect(std::uint16_t port, StreamEvents& events) {
  client_.shard().on_command(ConnectCommand{{server_.address(), port, {}}, &events}, now_);
}

}  // namespace sluice::bench

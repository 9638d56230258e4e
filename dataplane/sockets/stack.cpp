#include "dataplane/sockets/stack.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dataplane/sockets/tcp_socket.hpp"
#include "dataplane/sockets/udp_socket.hpp"

namespace sluice::sockets {
namespace {

constexpr std::uint64_t kEndOfTime = std::uint64_t{1} << 62;
constexpr std::uint32_t kVirtio = wire::kVirtioNetHeaderSize;

constexpr std::uint32_t kLargestPacket = 65'535;
// Packets to ourselves that one call of output() carries round: two sockets that answer each other
// at once would keep it for ever.
constexpr int kMostLooped = 64;
constexpr Duration kTrimInterval = Duration::seconds(1);

ShardOptions with_memory(ShardOptions options, ShardPools& memory) {
  options.frames = &memory.frames_for(ShardPools::kLargePacketBytes);
  options.growth = Growth::on_demand;
  return options;
}

// inet_create of Linux: a type that is unknown, or a protocol that is not of the type.
int check_protocol(int type, int protocol) {
  if (type < 0 || type > SOCK_PACKET) return -EINVAL;
  if (type != SOCK_STREAM && type != SOCK_DGRAM) return -ESOCKTNOSUPPORT;
  const int own = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
  return protocol == 0 || protocol == own ? 0 : -EPROTONOSUPPORT;
}

}  // namespace

// One call into the stack: afterwards callbacks are made.
class Stack::Visit {
 public:
  explicit Visit(Stack& stack) : stack_(stack) { stack_.is_busy_ = true; }
  ~Visit() {
    stack_.events_.tell(stack_.name_);
    stack_.is_busy_ = false;
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

 private:
  Stack& stack_;
};

Stack::Stack(const StackOptions& options, sluice_stack* name)
    : options_(options),
      name_(name),
      rng_(options.shard.secrets.seed + 1),
      memory_(PoolLimits::of_bytes(options.max_memory)),
      sockets_(options.max_sockets),
      shard_(
          std::make_unique<Shard>(with_memory(options.shard, memory_), memory_.resources(), now_)),
      output_(std::in_place, *shard_, memory_.frames_for(kVirtio + options.shard.mtu)) {}

// The shard goes before the sockets, which it would call.
Stack::~Stack() {
  output_.reset();
  shard_.reset();
}

// Time never goes back. False for what is no time.
bool Stack::hear(std::uint64_t now_ns) {
  if (now_ns >= kEndOfTime) return false;
  now_ = std::max(now_, Instant::from_ns(static_cast<std::int64_t>(now_ns)));
  if (!std::exchange(has_heard_, true)) shard_->on_time(now_);
  return true;
}

// --- packets -----------------------------------------------------------------------------------

int Stack::input(Bytes packet, const wire::VirtioNetHeader& offload, std::uint64_t now_ns) {
  if (is_busy_) return -EBUSY;
  if (packet.size() > kLargestPacket || !hear(now_ns)) return -EINVAL;
  const Visit visit(*this);
  const auto length = static_cast<std::uint32_t>(packet.size());
  Frame* const frame = memory_.take_frame(length);
  if (frame == nullptr) {
    shard_->count_drop(DropReason::out_of_memory);
    return 0;
  }
  if (length > 0) std::memcpy(frame->data, packet.data(), length);
  take(Slice(*frame, 0, length), offload, Origin::peer);
  return 0;
}

void Stack::take(Slice ip, const wire::VirtioNetHeader& offload, Origin origin) {
  wire::Packet packet;
  DropReason refused = wire::parse_packet(ip.bytes(), offload, packet);
  if (refused == DropReason::fragment) {
    ip = shard_->join(ip, now_);
    if (ip.empty()) return;
    refused = wire::parse_packet(ip.bytes(), wire::VirtioNetHeader(), packet);
  }
  if (refused != DropReason::none) {
    shard_->count_drop(refused);
  } else if (origin == Origin::ourselves) {
    shard_->on_own_packet(ip, packet, now_);
  } else {
    shard_->on_packet(ip, packet, now_);
  }
}

ssize_t Stack::output(MutableBytes buffer, wire::VirtioNetHeader* offload, std::uint64_t now_ns) {
  if (is_busy_) return -EBUSY;
  if (!hear(now_ns)) return -EINVAL;
  const Visit visit(*this);
  OutgoingPacket packet = output_->next(now_, offload != nullptr);
  for (int looped = 0; is_for_us(packet); ++looped) {
    if (looped == kMostLooped) return 0;
    loop_back(packet);
    output_->pop();
    packet = output_->next(now_, offload != nullptr);
  }
  if (packet.empty()) {
    trim_in_time();
    return 0;
  }
  const std::uint32_t length = packet.length - kVirtio;
  if (length > buffer.size()) return -EMSGSIZE;
  packet.copy(kVirtio, buffer.data());
  if (offload != nullptr) *offload = wire::parse_virtio_net(packet.front());
  output_->pop();
  return length;
}

bool Stack::is_for_us(const OutgoingPacket& packet) const {
  if (packet.empty()) return false;
  const std::uint8_t* const ip = packet.front().data() + kVirtio;
  const bool v4 = ip[0] >> 4 == 4;
  return shard_->local().is_own(v4 ? IpAddress::v4(load_be32(ip + 16))
                                   : IpAddress::v6(std::span<const std::uint8_t, 16>(ip + 24, 16)));
}

// From one of our sockets to another: no wire lies between them.
void Stack::loop_back(const OutgoingPacket& packet) {
  const std::uint32_t length = packet.length - kVirtio;
  Frame* const frame = memory_.take_frame(length);
  if (frame == nullptr) return shard_->count_drop(DropReason::out_of_memory);
  packet.copy(kVirtio, frame->data);
  take(Slice(*frame, 0, length), wire::parse_virtio_net(packet.front()), Origin::ourselves);
}

// --- time --------------------------------------------------------------------------------------

int Stack::advance(std::uint64_t now_ns) {
  if (is_busy_) return -EBUSY;
  if (!hear(now_ns)) return -EINVAL;
  const Visit visit(*this);
  // A turn of the shard fires a few hundred timers; what they arm lies in the future.
  do {
    shard_->on_time(now_);
  } while (shard_->next_deadline() <= now_);
  return 0;
}

// What a burst has left goes back: when the last connection is gone, otherwise once in a while. No
// deadline for it: an idle stack is not woken.
void Stack::trim_in_time() {
  const bool has_connections = shard_->connections() > 0;
  const bool are_gone = std::exchange(had_connections_, has_connections) && !has_connections;
  if (now_ < next_trim_ && !are_gone) return;
  next_trim_ = now_ + kTrimInterval;
  shard_->trim();
  memory_.trim();
}

std::uint64_t Stack::next_deadline() const {
  if (!output_->is_empty() || shard_->has_output()) return static_cast<std::uint64_t>(now_.ns());
  const Instant deadline = shard_->next_deadline();
  return deadline.is_never() ? UINT64_MAX : static_cast<std::uint64_t>(deadline.ns());
}

// --- sockets -----------------------------------------------------------------------------------

int Stack::open_socket(int domain, int type, int protocol) {
  if (domain != AF_INET && domain != AF_INET6) return -EAFNOSUPPORT;
  const int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (const int error = check_protocol(kind, protocol); error != 0) return error;
  if (sockets_.is_full()) return -EMFILE;
  sockets_.make_room();
  const bool v6 = domain == AF_INET6;
  if (kind == SOCK_STREAM) return sockets_.add(std::make_unique<TcpSocket>(*this, v6));
  return sockets_.add(std::make_unique<UdpSocket>(*this, v6));
}

int Stack::accept(Socket& listener, SocketAddress& from) {
  if (sockets_.is_full()) return -EMFILE;
  sockets_.make_room();  // before the connection is taken from those that wait
  std::unique_ptr<Socket> accepted;
  const int error = listener.accept(accepted, from);
  return error != 0 ? error : sockets_.add(std::move(accepted));
}

void Stack::close(Socket& socket) {
  socket.close();
  sockets_.remove(socket);
}

void Stack::fill_stats(sluice_stats& stats) const {
  const ShardStats sum = shard_->stats();
  stats.packets_in = sum.packets_in;
  stats.packets_out = sum.packets_out;
  for (const std::uint64_t drops : sum.drops) stats.packets_dropped += drops;
  stats.bytes_in = sum.bytes_in;
  stats.bytes_out = sum.bytes_out;
  stats.segments_in = sum.segments_in;
  stats.segments_out = sum.segments_out;
  stats.segments_retransmitted = sum.retransmitted;
  stats.sockets = sockets_.live();
  stats.connections = sum.connections;
  stats.time_waits = sum.time_waits;
  stats.memory = sizeof *this + memory_.held_bytes() + shard_->held_bytes();
}

}  // namespace sluice::sockets

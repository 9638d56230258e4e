#include "bench/pair/fleet.hpp"

#include <cstring>
#include <thread>

#include "bench/pair/apps.hpp"
#include "dataplane/io/clock.hpp"

namespace sluice::bench {
namespace {

constexpr std::uint16_t kPort = 80;
constexpr std::uint32_t kFrames = 512;
constexpr std::uint32_t kFrameBytes = wire::kVirtioNetHeaderSize + 65'535;
constexpr Inbox::Capacity kInbox{.commands = 32, .packets = kFrames / 2, .frames = kFrames};

Inbox::Capacity inbox_of(std::uint32_t workers) {
  Inbox::Capacity capacity = kInbox;
  capacity.workers = workers;
  return capacity;
}

// Without the word of ports: the addresses choose the owner, so that a connection's place is known
// before its port is.
FlowHashKeys keys_of(std::uint32_t fleet) {
  Rng rng(fleet + 1);
  FlowHashKeys keys{};
  for (std::size_t i = 0; i < 3; ++i) keys[i] = rng.next();
  return keys;
}

ShardOptions shard_options(const Fleet& fleet, std::uint32_t worker) {
  ShardOptions options;
  options.worker = worker;
  options.ownership = fleet.ownership;
  options.kernel_side = {fleet.network};
  options.secrets = {{worker, 1}, {worker, 2}, {worker, 3}, worker + 1};
  return options;
}

}  // namespace

// --- fleets -----------------------------------------------------------------------------------

Fleet::Fleet(std::uint32_t workers, std::uint32_t number)
    : network(Cidr::parse("10." + std::to_string(number + 1) + ".0.1/16").value()),
      ownership{keys_of(number), workers},
      crew(workers, inbox_of(workers)) {}

Berth::Berth(Fleet& fleet, std::uint32_t worker, Instant now)
    : worker_(worker),
      frames_(kFrames, kFrameBytes, kFrames / 4),
      blocks_(16'384, 4096),
      nodes_(65'536),
      sent_(32'768),
      resources_{blocks_, nodes_, sent_},
      batch_(256),
      handoff_(worker, fleet.crew, frames_),
      shard_(std::make_unique<Shard>(shard_options(fleet, worker), resources_, now)) {
  fleet.crew.set_queue(worker, queue_);
}

void Berth::take(const TxPacket& packet, Instant now) {
  Slice ip = copy_into(frames_, packet);
  if (ip.empty()) return shard_->count_drop(DropReason::out_of_memory);
  const wire::VirtioNetHeader offload = wire::parse_virtio_net(ip.bytes());
  ip.drop_front(wire::kVirtioNetHeaderSize);
  wire::Packet parsed;
  const DropReason reason = wire::parse_packet(ip.bytes(), offload, parsed);
  if (reason != DropReason::none) return shard_->count_drop(reason);
  const std::uint32_t owner = shard_->owner_of(ip.bytes(), parsed);
  if (owner != worker_) return handoff_.give(owner, std::move(ip), parsed);
  shard_->on_packet(ip, parsed, now);
}

void Berth::turn(Berth& peer, Instant now) {
  handoff_.take(Handoff::kMostAtOnce, [this, now](const Slice& ip, const wire::Packet& packet) {
    shard_->on_packet(ip, packet, now);
  });
  shard_->on_time(now);
  shard_->fill(batch_, now);
  for (TxPacket* const packet : batch_.pushed()) {
    peer.take(*packet, now);
    batch_.complete(*packet);
  }
  batch_.forget_pushed();
  handoff_.flush(queue_);
  peer.handoff_.flush(peer.queue_);
}

void Berth::leave() {
  shard_.reset();
  handoff_.leave(queue_);
}

// --- workers ----------------------------------------------------------------------------------

struct Workers::Worker {
  Worker(Fleet& clients, Fleet& servers, std::uint32_t number, Instant now)
      : client(clients, number, now), server(servers, number, now) {}

  Bulk sender;
  Reader reader;
  Berth client;
  Berth server;
  std::atomic<std::uint64_t> received{0};
  std::atomic<std::uint64_t> handed{0};
  std::thread thread;
};

Workers::Workers(std::uint32_t workers, std::uint32_t connections_each, bool misrouted)
    : clients_(workers, 0), servers_(workers, 1) {
  const Instant now = io::now();
  for (std::uint32_t i = 0; i < workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(clients_, servers_, i, now));
    Worker& worker = *workers_.back();
    StreamEvents& reader = worker.reader;
    worker.server.shard().on_command(
        ListenCommand{{.address = {}, .port = kPort}, [&reader](Stream&) { return &reader; }}, now);
    const std::uint32_t owner = misrouted ? (i + 1) % workers : i;
    for (std::uint32_t c = 0; c < connections_each; ++c) {
      const ConnectOptions wanted{LocalAddresses({servers_.network}).preferred(true).value(), kPort,
                                  client_address(i, owner)};
      worker.client.shard().on_command(ConnectCommand{wanted, &worker.sender}, now);
    }
  }
  for (const auto& worker : workers_) {
    worker->thread = std::thread([this, &worker] { run(*worker); });
  }
}

Workers::~Workers() {
  stops_.store(true, std::memory_order_relaxed);
  for (const auto& worker : workers_) worker->thread.join();
}

// The next of the clients' addresses that has these owners on both sides.
IpAddress Workers::client_address(std::uint32_t client_owner, std::uint32_t server_owner) {
  const IpAddress server = LocalAddresses({servers_.network}).preferred(true).value();
  while (true) {
    const IpAddress client = IpAddress::v4(clients_.network.network().v4_bits() + next_host_++);
    if (clients_.ownership.of({client, server, 0, 0}) == client_owner &&
        servers_.ownership.of({server, client, 0, 0}) == server_owner) {
      return client;
    }
  }
}

void Workers::run(Worker& worker) {
  while (!stops_.load(std::memory_order_relaxed)) {
    const Instant now = io::now();
    worker.client.turn(worker.server, now);
    worker.server.turn(worker.client, now);
    worker.received.store(worker.reader.received, std::memory_order_relaxed);
    worker.handed.store(worker.client.handed().given + worker.server.handed().given,
                        std::memory_order_relaxed);
  }
  worker.client.leave();
  worker.server.leave();
}

std::uint64_t Workers::received() const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->received.load(std::memory_order_relaxed);
  return sum;
}

std::uint64_t Workers::handed() const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->handed.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace sluice::bench

#include "tests/fuzz/calls/world.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <utility>

#include "proto/wire/packet.hpp"

namespace sluice::calls {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kEndOfTime = std::uint64_t{1} << 62;
constexpr std::size_t kMostPackets = 300;  // of one stack at a time

std::string v4_of(std::uint32_t number) {
  return "10.0.0." + std::to_string(number + 1);
}
std::string v6_of(std::uint32_t number) {
  return "fd00::" + std::to_string(number + 1);
}

}  // namespace

World::World(Trail& trail, std::uint64_t seed, std::uint64_t most_calls)
    : trail_(trail),
      chance_(seed),
      is_hostile_(chance_.chance(0.3)),
      shared_{chance_, trail_, book_, kSecond, 0, !is_hostile_, {}},
      network_(chance_),
      forger_(chance_),
      last_call_(trail.calls() + most_calls) {
  if (chance_.chance(0.15)) shared_.memory_refusals = 0.02;
  if (chance_.chance(0.7)) {
    network_.faults = {.loss = chance_.one_of({0.0, 0.01, 0.1}),
                       .doubled = chance_.one_of({0.0, 0.05}),
                       .damage = chance_.one_of({0.0, 0.02}),
                       .most_delay_ns = chance_.one_of<std::uint64_t>({0, 1, 50}) * kMillisecond};
  }
  shared_.on_ready = [this](Subject& subject, int handle, int events) {
    on_ready(subject, handle, events);
  };
  const auto stacks = static_cast<std::uint32_t>(2 + chance_.below(kMostStacks - 1));
  for (std::uint32_t i = 0; i < stacks; ++i) make_subject(i);
}

// --- stacks
// ---------------------------------------------------------------------------------------

sluice_config World::draw_config(const std::string& addresses) {
  sluice_config config;
  sluice_config_init(&config, sizeof config, chance_.chance(0.7) ? "linux" : "strict");
  config.addresses = addresses.c_str();
  config.seed = 1 + chance_.below(1'000'000);
  const bool v4_alone = addresses.find(':') == std::string::npos && addresses != "any";
  config.mtu = chance_.one_of({1280U, 1500U, 1500U, 9000U, 65'535U});
  if (v4_alone) config.mtu = chance_.one_of({68U, 100U, 296U, 576U});
  config.max_sockets = chance_.one_of({8U, 40U, 1000U});
  config.max_connections = chance_.one_of({2U, 20U, 1000U});
  config.max_time_waits = chance_.one_of({1U, 3U, 1000U});
  config.max_memory = chance_.one_of<std::uint64_t>({1 << 20, 4 << 20, 64 << 20});
  config.checksum_offload = chance_.chance(0.4) ? 1 : 0;
  config.segmentation_offload = config.checksum_offload != 0 && chance_.chance(0.7) ? 1 : 0;
  config.sack = chance_.chance(0.8) ? 1 : 0;
  config.timestamps = chance_.chance(0.8) ? 1 : 0;
  config.window_scaling = chance_.chance(0.8) ? 1 : 0;
  config.ecn = static_cast<std::uint8_t>(chance_.below(3));
  config.nagle = chance_.chance(0.8) ? 1 : 0;
  config.congestion = chance_.one_of({"cubic", "newreno", "bbr"});
  config.receive_buffer = chance_.one_of({4096U, 65'536U, 131'072U});
  config.send_buffer = chance_.one_of({4096U, 87'040U});
  config.autotune_receive = chance_.chance(0.7) ? 1 : 0;
  config.autotune_send = chance_.chance(0.7) ? 1 : 0;
  config.time_wait_us = chance_.one_of<std::uint64_t>({0, 1000, 60'000'000});
  if (chance_.chance(0.3)) {  // ports are used again soon
    config.first_ephemeral_port = 40'000;
    config.last_ephemeral_port = 40'007;
  }
  return config;
}

void World::make_subject(std::uint32_t number) {
  const bool is_any = number > 0 && chance_.chance(0.1);
  std::string addresses = is_any ? "any" : v4_of(number);
  if (!is_any && chance_.chance(0.9)) addresses += " " + v6_of(number);
  const sluice_config config = draw_config(addresses);
  subjects_.push_back(std::make_unique<Subject>(shared_, number, config));
  network_.attach(*IpAddress::parse(v4_of(number)), number);
  network_.attach(*IpAddress::parse(v6_of(number)), number);
  if (is_any) network_.attach_default(number);
}

// --- arguments
// ------------------------------------------------------------------------------------

int World::any_handle(Subject& subject) {
  const auto& sockets = subject.sockets();
  if (!sockets.empty() && chance_.chance(0.9)) return chance_.element_of(sockets).first;
  return chance_.chance(0.5) ? static_cast<int>(chance_.below(20)) : chance_.any_int();
}

int World::open_handle(Subject& subject, int type) {
  std::vector<int> handles;
  std::vector<int> connected;
  for (const auto& [handle, known] : subject.sockets()) {
    if (known.type != type) continue;
    handles.push_back(handle);
    if (known.may_be_connected) connected.push_back(handle);
  }
  if (!connected.empty() && chance_.chance(0.95)) return chance_.element_of(connected);
  return handles.empty() ? -1 : chance_.element_of(handles);
}

Address World::any_server(int domain) {
  Subject& server = any_subject();
  for (const auto& [handle, known] : server.sockets()) {
    if (!known.listens || known.domain != domain || chance_.chance(0.3)) continue;
    const std::optional<std::uint16_t> port = server.port_of(handle);
    if (port) return address_of(server, domain, *port);
  }
  return address_of(server, domain, any_port());
}

Address World::address_of(const Subject& subject, int domain, std::uint16_t port) {
  if (domain == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = __builtin_bswap16(port);
    in.sin_addr.s_addr = __builtin_bswap32(0x0a000001 + subject.number());
    return {Exact::of(in)};
  }
  const bool is_mapped = chance_.chance(0.3);  // ::ffff:10.0.0.1, as an IpAddress holds it
  const std::uint32_t number = subject.number();
  const IpAddress address = *IpAddress::parse(is_mapped ? v4_of(number) : v6_of(number));
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = __builtin_bswap16(port);
  std::ranges::copy(address.bytes(), in.sin6_addr.s6_addr);
  return {Exact::of(in)};
}

// Of any family and length, and of addresses that mean something special.
Address World::any_address() {
  if (chance_.chance(0.4)) {
    return address_of(any_subject(), chance_.one_of({AF_INET, AF_INET6}), any_port());
  }
  sockaddr_storage any{};
  auto* const bytes = reinterpret_cast<std::uint8_t*>(&any);
  for (std::size_t i = 0; i < 28; ++i) {
    bytes[i] = chance_.one_of<std::uint8_t>({0, 0, 1, 127, 224, 255, 10, 0xfd});
  }
  any.ss_family = static_cast<sa_family_t>(
      chance_.one_of({AF_INET, AF_INET, AF_INET6, AF_INET6, AF_UNSPEC, AF_UNIX, 255}));
  const auto size = chance_.one_of<std::size_t>(
      {0, 1, 2, 8, sizeof(sockaddr_in) - 1, sizeof(sockaddr_in), sizeof(sockaddr_in),
       sizeof(sockaddr_in6) - 4, sizeof(sockaddr_in6), sizeof(sockaddr_in6), sizeof any});
  return {Exact::of(any, size)};
}

// --- packets and time -------------------------------------------------------------------------

void World::pump(Subject& subject) {
  for (std::size_t i = 0; i < kMostPackets; ++i) {
    sluice_offload offload{};
    offload.size = sizeof offload;
    const bool as_is = subject.config().checksum_offload != 0 && chance_.chance(0.5);
    const std::size_t room = chance_.chance(0.02) ? chance_.below(100) : 65'535;
    ssize_t result = 0;
    Text packet = subject.output(room, as_is ? &offload : nullptr, result);
    if (result == 0 || result == -ENOMEM) return;
    if (result == -EMSGSIZE) {
      if (room == 65'535) subject.fail("no packet is longer than 65,535 bytes");
      continue;
    }
    expect_good(subject, packet, as_is ? &offload : nullptr);
    network_.carry(std::move(packet), as_is ? std::optional(offload) : std::nullopt,
                   shared_.now_ns);
  }
}

void World::expect_good(Subject& subject, const Text& packet, const sluice_offload* offload) {
  wire::VirtioNetHeader facts;
  if (offload != nullptr && offload->checksum == SLUICE_CHECKSUM_PARTIAL) {
    facts.flags = wire::VirtioNetHeader::kNeedsChecksum;
    facts.gso_type = offload->gso_type;
    facts.gso_size = offload->gso_size;
    facts.checksum_start = offload->checksum_start;
    facts.checksum_offset = offload->checksum_offset;
  }
  wire::Packet parsed;
  const DropReason reason = wire::parse_packet(packet, facts, parsed);
  if (reason != DropReason::none && reason != DropReason::fragment) {
    subject.fail("it sends a packet that is no good: " + std::string(drop_reason_name(reason)));
  }
  const bool is_super = offload != nullptr && offload->gso_type != SLUICE_GSO_NONE;
  if (!is_super && packet.size() > subject.config().mtu) subject.fail("a packet exceeds the MTU");
}

void World::deliver() {
  for (std::size_t i = 0; i < kMostPackets; ++i) {
    const std::optional<Flying> arrived = network_.take(shared_.now_ns);
    if (!arrived) return;
    Subject& to = *subjects_[arrived->to];
    has_news_[arrived->to] = true;
    const int result = to.input(arrived->packet, arrived->offload ? &*arrived->offload : nullptr);
    if (result != 0 && result != -ENOMEM) to.fail("a packet of ours was refused");
  }
}

void World::forge() {
  Subject& to = any_subject();
  has_news_[to.number()] = true;
  Text packet = chance_.chance(0.3) ? forger_.noise() : network_.recent();
  if (chance_.chance(0.3)) packet = forger_.damage(std::move(packet));
  if (chance_.chance(0.7)) packet = forger_.change_tcp(std::move(packet));
  const sluice_offload lie = forger_.lie(packet.size());
  const int result = to.input(packet, chance_.chance(0.4) ? &lie : nullptr);
  if (result != 0 && result != -ENOMEM && result != -EINVAL) {
    to.fail("a forged packet is no error of that kind");
  }
}

std::uint64_t World::next_event() {
  std::uint64_t next = network_.next_arrival();
  for (std::size_t i = 0; i < subjects_.size(); ++i) {
    deadlines_[i] = subjects_[i]->next_deadline();
    next = std::min(next, deadlines_[i]);
  }
  return next;
}

void World::let_time_pass() {
  const std::uint64_t next = next_event();
  const std::uint64_t step = chance_.chance(0.8) ? 10 * kMillisecond : 2 * kSecond;
  std::uint64_t now = shared_.now_ns + chance_.below(step);
  if (chance_.chance(0.8) && next != UINT64_MAX) now = std::max(shared_.now_ns, next);
  // An outage of hours is not what a quiet connection waits for.
  shared_.now_ns = std::min(now, shared_.now_ns + 3600 * kSecond);
  deliver();
  if (is_hostile_ && chance_.chance(0.5)) forge();
  if (is_hostile_ && chance_.chance(0.0005)) shared_.now_ns += chance_.below(kEndOfTime / 8);
  advance_due();
}

// Those that have something to do, as far as next_event() knew.
void World::advance_due() {
  for (std::size_t i = 0; i < subjects_.size(); ++i) {
    const bool is_due = deadlines_[i] <= shared_.now_ns;
    if (is_due) subjects_[i]->advance();
    if (std::exchange(has_news_[i], false) || is_due) pump(*subjects_[i]);
  }
}

// --- what callers do --------------------------------------------------------------------------

void World::act(Subject& subject) {
  const double kind = static_cast<double>(chance_.below(1000)) / 1000;
  if (kind < 0.70) return act_sensibly(*this, subject);
  if (kind < 0.97) return act_wildly(*this, subject);
  misuse(*this, subject);
}

void World::step() {
  Subject& subject = any_subject();
  act(subject);
  if (chance_.chance(0.6)) pump(subject);
  if (chance_.chance(0.4)) let_time_pass();
  if (chance_.chance(0.02)) subject.check_stats();
}

void World::expect_busy(Subject& subject) {
  ssize_t result = 0;
  switch (chance_.below(4)) {
    case 0: subject.input(network_.recent(), nullptr); return;
    case 1: subject.output(2000, nullptr, result); return;
    case 2: subject.advance(); return;
    default:
      if (sluice_stack_destroy(subject.stack()) != -EBUSY) subject.fail("destroyed in a callback");
  }
}

// Heard from the stack: any call may follow, of this stack or another.
void World::on_ready(Subject& subject, int handle, int events) {
  if (events <= 0) subject.fail("a callback without events");
  if (chance_.chance(0.1)) expect_busy(subject);
  if (chance_.chance(0.5)) act(subject);
  if (chance_.chance(0.05) && subject.sockets().contains(handle)) subject.close(handle);
}

void World::run() {
  while (trail_.calls() < last_call_) step();
  make_peace();
  for (const auto& subject : subjects_) {
    subject->check_stats();
    while (!subject->sockets().empty()) subject->close(subject->sockets().begin()->first);
    pump(*subject);
  }
}

// --- the end
// --------------------------------------------------------------------------------------

// Nothing goes wrong any more, everybody reads, and time passes: what was sent arrives.
void World::make_peace() {
  constexpr std::uint64_t kLongEnough = 2000 * kSecond;
  constexpr std::uint32_t kMostTurns = 1'000'000;
  network_.faults = {};
  shared_.memory_refusals = 0;
  const std::uint64_t end = shared_.now_ns + kLongEnough;
  for (std::uint32_t turn = 0;; ++turn) {
    const bool is_over = shared_.now_ns == end;
    if (is_over || turn % 64 == 0) {
      const std::string missing = find_missing();
      if (missing.empty()) return;
      if (is_over) trail_.fail(missing);
    }
    if (turn == kMostTurns) trail_.fail("time does not go on: a deadline is due for ever");
    shared_.now_ns = std::min(end, std::max(shared_.now_ns, next_event()));
    deliver();
    advance_due();
    read_all();
  }
}

void World::read_all() {
  for (const auto& subject : subjects_) {
    std::vector<int> readable;
    for (const auto& [handle, known] : subject->sockets()) {
      if (known.may_be_connected) readable.push_back(handle);
    }
    for (const int handle : readable) {
      while (subject->receive(handle, 65'536, 0, false) > 0) {
      }
    }
    pump(*subject);
  }
}

// Streams that somebody reads whose socket is open.
std::set<std::uint64_t> World::find_readers() {
  std::set<std::uint64_t> read;
  for (const auto& subject : subjects_) {
    for (const auto& [handle, known] : subject->sockets()) {
      const std::optional<std::uint64_t> number = known.in.number();
      if (number && known.reads_on && subject->is_established(handle)) read.insert(*number);
    }
  }
  return read;
}

// What has not arrived, of connections that stand; empty: nothing.
std::string World::find_missing() {
  if (!shared_.checks_bytes) return "";
  const std::set<std::uint64_t> read = find_readers();
  for (const auto& subject : subjects_) {
    for (const auto& [handle, known] : subject->sockets()) {
      if (!read.contains(known.out) || !subject->is_established(handle)) continue;
      const Stream& stream = *book_.find(known.out);
      if (stream.is_spoilt || stream.received == stream.sent) continue;
      return "of " + std::to_string(stream.sent) + " bytes from " + stream.flow.local + " to " +
             stream.flow.remote + " only " + std::to_string(stream.received) + " have arrived";
    }
  }
  return "";
}

}  // namespace sluice::calls

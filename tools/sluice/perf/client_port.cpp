#include "tools/sluice/perf/client_port.hpp"

#include <algorithm>
#include <string_view>

#include "dataplane/core.hpp"
#include "tools/sluice/perf/datagram_greeting.hpp"

namespace sluice::perf {
namespace {

constexpr Duration kRepeat = Duration::seconds(1);
constexpr int kAttempts = 30;

}  // namespace

ClientPort::ClientPort(Engine& engine, const FlowKey& flow)
    : engine_(engine), sockets_(engine.workers()), key_(flow) {
  bound_ = engine.bind({.address = flow.local, .port = flow.local_port}, *this);
  key_.local_port = bound_.port;
  owner_ = engine.owner_of(key_);
}

DatagramSocket* ClientPort::socket() const {
  return sockets_[Core::here().worker()];
}

void ClientPort::let_go() {
  const std::uint32_t worker = Core::here().worker();
  sockets_[worker] = nullptr;
  if (worker == owner_) flow_ = nullptr;
}

co::Task<co::Result<>> ClientPort::greet() {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (socket() == nullptr) co_return co::Outcome::unavailable;
    socket()->send(key_, bytes_of(kGreeting));
    auto answer = co_await answered_.raised().within(kRepeat);
    if (answer && is_refused_) co_return co::Outcome::refused;
    if (answer || answer.outcome() != co::Outcome::timeout) co_return answer;
  }
  co_return co::Outcome::timed_out;
}

void ClientPort::on_bound(DatagramSocket& socket) {
  sockets_[socket.worker()] = &socket;
}

void ClientPort::on_datagram(DatagramSocket& socket, const Datagram& datagram) {
  on_datagrams(socket, datagram);
}

void ClientPort::on_datagrams(DatagramSocket&, const Datagram& several) {
  if (several.flow != key_) return;  // on another core, too
  const Bytes bytes = several.payload.bytes();
  const bool is_answer = std::ranges::equal(bytes, bytes_of(kGreetingAnswer)) ||
                         std::ranges::equal(bytes, bytes_of(kOldGreetingAnswer));
  if (is_answer) return answered_.raise();
  if (flow_ != nullptr) flow_->on_datagrams(several);
}

void ClientPort::on_refused(DatagramSocket&, const FlowKey& flow) {
  if (flow != key_ || answered_.is_raised()) return;
  is_refused_ = true;
  answered_.raise();
}

void ClientPort::on_writable(DatagramSocket&) {
  if (flow_ != nullptr) flow_->on_writable();
}

}  // namespace sluice::perf

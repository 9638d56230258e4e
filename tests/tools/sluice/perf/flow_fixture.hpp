// A flow on an engine in a network namespace of its own, the kernel's sockets as its peer.
#pragma once

#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "tests/dataplane/coroutine/coroutine_fixture.hpp"
#include "tests/dataplane/engine/kernel_udp.hpp"
#include "tools/sluice/perf/flow.hpp"

namespace sluice::perf {

inline constexpr std::uint16_t kPort = 5201;

class FlowTest : public co::CoEngine, protected DatagramEvents {
 protected:
  FlowTest() {
    plan_.id = 1;
    plan_.budget = &unlimited_;
    plan_.mtu = 1500;
    plan_.on_lost = [this](co::Outcome outcome) { lost_.tell(outcome); };
  }
  // Waits for work on the flow's core.
  template <class Work>
  auto on_core(Work work) {
    std::promise<decltype(work())> done;
    const bool posted = engine_.post(0, [&] {
      if constexpr (std::is_void_v<decltype(work())>) {
        work();
        done.set_value();
      } else {
        done.set_value(work());
      }
    });
    if (!posted) throw std::runtime_error("the engine does not run");
    return done.get_future().get();
  }
  FlowCount count() {
    return on_core([this] { return flow_->count(); });
  }
  void start() {
    on_core([this] { flow_->start(); });
  }
  void stop() {
    on_core([this] { flow_->stop(); });
  }

  // A connection from the kernel, and a flow of it that has not started.
  std::unique_ptr<KernelTcp> connect(int receive_buffer_bytes = 0) {
    co::serve(engine_, {.port = kPort},
              [this](co::Stream stream) { return take(std::move(stream)); });
    auto peer = std::make_unique<KernelTcp>(kEngineSide, kPort, receive_buffer_bytes);
    EXPECT_TRUE(up_.wait());
    return peer;
  }
  // A socket of the kernel's, and a flow with it that has not started.
  std::unique_ptr<KernelUdp> bind() {
    engine_.bind({.address = {}, .port = kPort}, *this);
    auto peer = std::make_unique<KernelUdp>(kKernelSide);
    peer->connect_to(kEngineSide, kPort);
    peer->send({'9', '8', '7', '6'});
    EXPECT_TRUE(up_.wait());
    return peer;
  }

  FlowPlan plan_;
  Budget unlimited_;
  Told<bool> up_;
  Told<co::Outcome> lost_;
  std::unique_ptr<Flow> flow_;
  Stream* stream_ = nullptr;  // the flow's, while that is open

 private:
  co::Task<> take(co::Stream stream) {
    stream_ = stream.raw();
    flow_ = make_tcp_flow(std::move(stream), plan_);
    up_.tell(true);
    co_return;
  }
  void on_datagram(DatagramSocket& socket, const Datagram& datagram) override {
    if (flow_) return flow_->on_datagrams(datagram);
    flow_ = make_udp_flow(socket, datagram.flow, plan_);
    up_.tell(true);
  }
  void on_datagrams(DatagramSocket&, const Datagram& several) override {
    flow_->on_datagrams(several);
  }
  void on_writable(DatagramSocket&) override { flow_->on_writable(); }
};

}  // namespace sluice::perf

// A client's stream over UDP: a port of our own, and what tells the server that it is there.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/coroutine.hpp"
#include "dataplane/datagram.hpp"
#include "tools/sluice/perf/flag.hpp"
#include "tools/sluice/perf/flow.hpp"

namespace sluice::perf {

// Lives until the engine has stopped: it hears of its sockets on all cores.
class ClientPort final : private DatagramEvents {
 public:
  // Binds the flow's local port (0: one is chosen). Throws EngineError when it is taken.
  ClientPort(Engine& engine, const FlowKey& flow);
  ClientPort(const ClientPort&) = delete;
  ClientPort& operator=(const ClientPort&) = delete;

  const FlowKey& key() const { return key_; }
  std::uint32_t owner() const { return owner_; }  // the worker that owns the flow
  // No more datagrams; when it is let go on all cores.
  void unbind() { engine_.unbind(bound_); }

  // --- on the owner, once all cores are told --------------------------------------------------
  // Asks until the server answers.
  co::Task<co::Result<>> greet();
  // Whatever comes goes to the flow from now on.
  void give_to(Flow* flow) { flow_ = flow; }
  // Null once it is let go.
  DatagramSocket* socket() const;

  // --- on each core, before it is unbound -------------------------------------------------------
  void let_go();

 private:
  void on_bound(DatagramSocket& socket) override;
  void on_datagram(DatagramSocket& socket, const Datagram& datagram) override;
  void on_datagrams(DatagramSocket& socket, const Datagram& several) override;
  void on_writable(DatagramSocket& socket) override;
  void on_refused(DatagramSocket& socket, const FlowKey& flow) override;

  Engine& engine_;
  std::vector<DatagramSocket*> sockets_;  // by worker
  FlowKey key_;
  BindOptions bound_;
  std::uint32_t owner_;
  Flag answered_;
  bool is_refused_ = false;  // that was the answer
  Flow* flow_ = nullptr;
};

}  // namespace sluice::perf

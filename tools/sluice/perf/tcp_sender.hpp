// Keeps a connection full, or fills it at a rate.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/coroutine.hpp"
#include "tools/sluice/perf/budget.hpp"
#include "tools/sluice/perf/flow.hpp"
#include "tools/sluice/perf/pacer.hpp"
#include "tools/sluice/perf/parameters.hpp"
#include "tools/sluice/perf/payload.hpp"

namespace sluice::perf {

class TcpSender {
 public:
  // Stream and budget outlive it; the stream is open.
  TcpSender(co::Stream& stream, const FlowPlan& plan);

  // Sends until stop(), or the end of the connection. Lives no longer than the sender.
  co::Task<> run();
  // The budget is for what is accepted from here on.
  void begin_counting();
  // Now and then: the send buffer holds twice what the path does.
  void follow_path();
  // What is accepted from now on was not asked for, and does not count.
  void stop() { is_running_ = false; }
  // That the connection has accepted.
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::optional<Duration> send_due();
  Duration settle();
  bool claim();
  bool send_some();
  void on_accepted(std::uint32_t bytes);

  co::Stream& stream_;
  Budget* budget_;
  Budget& whole_budget_;  // once counting has begun
  const std::uint32_t block_bytes_;
  const std::uint32_t most_send_buffer_;
  const Payload payload_;
  Pacer pacer_;
  std::uint32_t send_buffer_ = 0;  // bytes; 0: somebody else has chosen
  bool is_running_ = true;
  std::uint64_t bytes_ = 0;
  std::uint64_t claimed_ = 0;  // bytes of blocks that are begun
  // Bytes of the last claim that were accepted. The budget hears of them with the next claim, or
  // when all is sent: else the news of its end would overtake them.
  std::uint64_t withheld_ = 0;
  bool saw_end_ = false;  // of the budget, when it looked last
};

}  // namespace sluice::perf

// Slow start and congestion avoidance of RFC 5681, with byte counting.
#pragma once

#include <cstdint>
#include <string_view>

#include "proto/tcp/loss_based.hpp"

namespace sluice::tcp {

class NewReno final : public LossBased {
 public:
  std::string_view name() const override { return "newreno"; }
  void on_ack(const AckEvent& event) override;
  // RFC 5681 R5681-9: threshold and window become half the flight.
  void on_congestion(std::uint32_t flight, bool by_ecn, Instant now) override;
  void on_timeout(std::uint32_t flight, bool first, Instant now) override;

 private:
  std::uint64_t acked_ = 0;  // bytes since the last growth in congestion avoidance
};

}  // namespace sluice::tcp

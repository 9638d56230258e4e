#include "tools/sluice/perf/datagram_receipt.hpp"

#include <cmath>

namespace sluice::perf {

void DatagramReceipt::on_datagram(const DatagramHeader& header, Instant arrival) {
  count(header.sequence);
  time(header.sent_us, arrival);
}

void DatagramReceipt::count(std::uint64_t sequence) {
  if (sequence > highest_) {
    lost_ += sequence - 1 - highest_;
    highest_ = sequence;
    return;
  }
  ++out_of_order_;
  if (lost_ > 0) --lost_;
}

void DatagramReceipt::time(std::int64_t sent_us, Instant arrival) {
  const double transit = static_cast<double>(arrival.ns() - sent_us * 1'000) * 1e-9;
  if (has_come_) jitter_seconds_ += (std::abs(transit - transit_seconds_) - jitter_seconds_) / 16;
  transit_seconds_ = transit;
  has_come_ = true;
}

}  // namespace sluice::perf

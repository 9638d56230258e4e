// How fast the path delivers: delivery rate estimation of draft-ietf-ccwg-bbr, section 4.1.
#pragma once

#include <cstdint>

#include "proto/base/time.hpp"
#include "proto/tcp/congestion.hpp"

namespace sluice::tcp {

// What a sent segment remembers of the moment at which it was sent.
struct SendStamp {
  Instant sent_at;
  Instant first_sent_at;        // start of the sampling interval on the sender's side
  Instant delivered_at;         // ... and on the receiver's
  std::uint64_t delivered = 0;  // bytes, over the connection's life
  std::uint64_t lost = 0;       // likewise
  std::uint32_t flight = 0;     // bytes outstanding, this segment among them
  bool is_app_limited = false;
};

class RateSampler {
 public:
  // `bytes` are sent now while `flight` others are outstanding.
  SendStamp stamp(std::uint32_t bytes, std::uint32_t flight, Instant now);
  // The sender has nothing to send, and the path has room: what is measured until all `flight`
  // bytes have been delivered says nothing about the path.
  void on_app_limited(std::uint32_t flight);
  void on_lost(std::uint32_t bytes) { lost_ += bytes; }
  // `bytes` have been delivered, the last sent of them with `newest` (null: nobody knows).
  RateSample on_delivered(std::uint32_t bytes, const SendStamp* newest, Duration min_rtt,
                          Instant now);

  std::uint64_t delivered() const { return delivered_; }
  // As last measured, in bytes a second; zero: never. What an idle application made less of does
  // not count.
  std::uint64_t last_rate() const;

 private:
  bool is_faster(const RateSample& sample) const;

  std::uint64_t delivered_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t app_limited_until_ = 0;  // of delivered_; zero: not limited
  Instant delivered_at_;
  Instant first_sent_at_;
  // What last_rate() is made of, once it is asked for: a division is dear.
  std::uint64_t last_bytes_ = 0;
  Duration last_interval_;
};

}  // namespace sluice::tcp

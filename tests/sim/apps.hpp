// What applications do with a stream. One endpoint plays every part: a plan says how much it sends,
// when it may send it, how it reads, and how it ends.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/stream.hpp"
#include "tests/sim/checkers.hpp"
#include "tests/sim/host.hpp"

namespace sluice::sim {

struct EndPlan {
  std::uint64_t send_bytes = 0;
  // What may be sent before anything has arrived, and how much more for each unit that has. Bulk:
  // all at once. A request and its response: one unit each.
  std::uint64_t head_start = UINT64_MAX;
  std::uint64_t unit_in = 1;
  std::uint64_t unit_out = 0;
  std::uint32_t chunk = 16'384;  // bytes offered with one call
  bool by_reference = false;     // lends frames of its own
  bool echo = false;             // sends back the slices that arrive
  bool nodelay = false;
  // Zero: reads all at once. Otherwise so many bytes at a time, once in each tick.
  std::uint32_t read_bytes = 0;
  Duration read_tick;
  std::uint64_t abort_after = UINT64_MAX;  // bytes sent and received
  bool half_close = false;                 // FIN as soon as all is sent
  bool closes_first = false;               // closes when all is sent and received
};

struct FlowPlan {
  std::string kind;          // for people
  std::uint32_t opener = 0;  // host 0 or 1
  bool v4 = true;
  std::uint16_t port = 0;
  Instant start;
  EndPlan opening;
  EndPlan accepting;
  std::uint64_t seed = 0;

  bool may_fail() const {
    return opening.abort_after != UINT64_MAX || accepting.abort_after != UINT64_MAX;
  }
};

// Frames of an application, from the heap.
class LentFrames final : public FrameHome {
 public:
  Slice lend(std::uint64_t seed, std::uint64_t position, std::uint32_t length);
  void take_back(Frame& frame) override;
  std::uint64_t out() const { return out_; }

 private:
  std::uint64_t out_ = 0;
};

class Endpoint final : public StreamEvents {
 public:
  struct Parts {
    Host& host;
    LentFrames& lent;
    Verdict& verdict;
    std::string name;
    EndPlan plan;
    std::uint64_t send_seed = 0;
    std::uint64_t receive_seed = 0;
    std::uint64_t expected_bytes = 0;  // from the other end
    bool may_fail = false;
    // The other end may forget TIME-WAIT too early, and answer our last words with a RST.
    bool may_be_forgotten = false;
  };
  explicit Endpoint(Parts parts)
      : parts_(std::move(parts)), received_(parts_.receive_seed, parts_.name, parts_.verdict) {}

  // connect() is tried again until it succeeds.
  void open(const ConnectOptions& options);
  // For an acceptor; null when this end is taken already.
  StreamEvents* accept(Stream& stream);

  bool has_ended() const { return ended_; }
  std::string describe() const;

  void on_open(Stream& stream) override;
  void on_readable(Stream& stream) override;
  void on_writable(Stream& stream) override;
  void on_peer_closed(Stream& stream) override;
  void on_closed(Stream& stream, CloseReason reason) override;
  void on_connect_failed(std::string_view why) override;

 private:
  const EndPlan& plan() const { return parts_.plan; }
  std::uint64_t allowance() const;
  std::uint32_t offer(std::uint32_t length);
  void pump();
  void pump_echo();
  void read_now();
  void take(Slice slice);
  void tick();
  void step_end();

  Parts parts_;
  ByteStream received_;
  ConnectOptions connect_;
  Stream* stream_ = nullptr;
  std::uint64_t sent_ = 0;
  std::vector<Slice> to_echo_;
  bool was_accepted_ = false;
  bool ticking_ = false;
  bool peer_closed_ = false;
  bool finished_sending_ = false;
  bool closed_ = false;
  bool ended_ = false;
};

}  // namespace sluice::sim

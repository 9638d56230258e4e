// What applications do with a stream. One endpoint plays every part: a plan says how much it sends,
// when it may send it, how it reads, and how it ends.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/sim/checkers.hpp"
#include "dataplane/sim/host.hpp"
#include "dataplane/stream.hpp"

namespace sluice::sim {

struct EndPlan {
  std::uint64_t send_bytes = 0;
  Duration send_for;  // and no longer, counted from the flow's start; zero: as long as it takes
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
  std::uint32_t opener = 0;  // hosts
  std::uint32_t acceptor = 1;
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

// Bytes that arrive from `from` on and before `to` are counted by themselves.
struct MeasuredTime {
  Instant from;
  Instant to;
};

// Frames of an application, which lie in the pattern itself.
class LentFrames final : public FrameHome {
 public:
  // At most `length` bytes, at least one.
  Slice lend(std::uint64_t seed, std::uint64_t position, std::uint32_t length);
  void take_back(Frame& frame) override { free_.push_back(&frame); }
  std::uint64_t out() const { return frames_.size() - free_.size(); }

 private:
  std::vector<std::unique_ptr<Frame>> frames_;
  std::vector<Frame*> free_;
};

class Endpoint final : public StreamEvents {
 public:
  struct Parts {
    Host& host;
    LentFrames& lent;
    Verdict& verdict;
    Progress& progress;
    std::string name;
    EndPlan plan;
    std::uint64_t send_seed = 0;
    std::uint64_t receive_seed = 0;
    MeasuredTime measured{};
    Fault fault = Fault::none;  // planted in this application
    bool may_fail = false;
    // The other end may forget TIME-WAIT too early, and answer our last words with a RST.
    bool may_be_forgotten = false;
  };
  explicit Endpoint(Parts parts)
      : parts_(std::move(parts)), received_(parts_.receive_seed, parts_.name, parts_.verdict) {}

  // The other end, before anything happens.
  void meet(const Endpoint& peer) { peer_ = &peer; }
  // On a core of the host; connect() is tried again, on the next core, until it succeeds.
  void open(const ConnectOptions& options, std::uint32_t core);
  // For an acceptor; null when this end is taken already.
  StreamEvents* accept(Stream& stream);

  // Of what it still holds of its host's memory, which is about to go.
  void let_go() { to_echo_.clear(); }

  bool has_ended() const { return ended_; }
  std::string describe() const;
  // How much it sends in all; UINT64_MAX while only time can tell.
  std::uint64_t total() const { return is_time_over_ ? sent_ : plan().send_bytes; }
  std::uint64_t measured_bytes() const { return measured_bytes_; }
  Instant ended_at() const { return ended_at_; }
  // When the last bytes arrived; zero: none have.
  Instant last_bytes_at() const { return last_bytes_at_; }

  void on_open(Stream& stream) override;
  void on_readable(Stream& stream) override;
  void on_writable(Stream& stream) override;
  void on_peer_closed(Stream& stream) override;
  void on_closed(Stream& stream, CloseReason reason) override;
  void on_connect_failed(std::string_view why) override;

 private:
  const EndPlan& plan() const { return parts_.plan; }
  std::uint64_t allowance() const;
  std::uint64_t expected() const { return peer_->total(); }
  void end_sending();
  std::uint32_t offer(std::uint32_t length);
  void pump();
  void pump_echo();
  void read_now();
  void take(Slice slice);
  void count(Bytes bytes);
  void tick();
  void step_end();

  Parts parts_;
  ByteStream received_;
  const Endpoint* peer_ = nullptr;
  Core* core_ = nullptr;
  std::uint32_t core_number_ = 0;  // where it was opened
  ConnectOptions connect_;
  Stream* stream_ = nullptr;
  std::uint64_t sent_ = 0;
  std::uint64_t measured_bytes_ = 0;
  Instant ended_at_;
  Instant last_bytes_at_;
  std::vector<std::uint8_t> scratch_;
  std::vector<Slice> to_echo_;
  bool was_accepted_ = false;
  bool is_time_over_ = false;
  bool has_erred_ = false;  // a planted fault has struck
  bool ticking_ = false;
  bool peer_closed_ = false;
  bool finished_sending_ = false;
  bool closed_ = false;
  bool ended_ = false;
};

}  // namespace sluice::sim

#include "dataplane/sim/fault.hpp"

#include <algorithm>
#include <array>

#include "dataplane/link/segmenter.hpp"
#include "proto/wire/packet.hpp"

namespace sluice::sim {
namespace {

constexpr auto kFaults = std::to_array<FaultRow>({
    {Fault::window_off_by_one, 0, "window-off-by-one",
     "the sender takes the peer's window for one unit larger than it is",
     "beyond the peer's window"},
    {Fault::shrinking_window, 1, "shrinking-window",
     "the receiver takes back a part of the window that it has offered", "right edge moves left"},
    {Fault::early_ack, 1, "early-ack", "the receiver acknowledges one byte more than has arrived",
     "acknowledges what was never sent"},
    {Fault::forgotten_rto, 0, "forgotten-rto", "the sender's timers never fire",
     "will ever happen"},
    {Fault::lost_frame, 1, "lost-frame", "one received frame never goes home", "frames came home"},
    {Fault::lost_connection, 1, "lost-connection", "an application never closes",
     "will ever happen"},
    {Fault::corrupted_byte, 0, "corrupted-byte", "a byte changes on the wire under a right sum",
     "wrong byte"},
    {Fault::duplicated_delivery, 1, "duplicated-delivery",
     "an application is given the same bytes twice", "wrong byte"},
    {Fault::skipped_delivery, 1, "skipped-delivery", "the application is not given some bytes",
     "wrong byte"},
    {Fault::bad_offload, 0, "bad-offload", "a super-segment says that its sum is finished",
     "refuse this offload"},
    {Fault::restless_timer, 0, "restless-timer", "a deadline stays in the past", "turn and turn"},
});

struct TcpView {
  explicit TcpView(MutableBytes whole)
      : ip(whole.subspan(wire::kVirtioNetHeaderSize)),
        good(wire::parse_packet(ip, wire::parse_virtio_net(whole), packet) == DropReason::none &&
             packet.protocol == wire::kProtocolTcp) {}
  bool is_pure_ack() const {
    return good && packet.tcp.flags == wire::kAck && packet.payload_length == 0;
  }
  std::uint8_t* field(std::size_t offset) { return &ip[packet.transport_offset + offset]; }

  wire::Packet packet;
  MutableBytes ip;
  bool good;
};

void finish(MutableBytes whole) {
  std::fill_n(whole.begin(), wire::kVirtioNetHeaderSize, std::uint8_t{0});
  fix_sums(whole);
}

void change_window(MutableBytes whole, int by) {
  TcpView tcp(whole);
  const int window = tcp.packet.tcp.window + by;
  if (!tcp.is_pure_ack() || window < 0 || window > 65'535) return;
  store_be16(tcp.field(14), static_cast<std::uint16_t>(window));
  finish(whole);
}

}  // namespace

std::span<const FaultRow> all_faults() {
  return kFaults;
}

Fault fault_of(std::string_view name) {
  const auto* const row = std::ranges::find(kFaults, name, &FaultRow::name);
  return row == kFaults.end() ? Fault::none : row->fault;
}

bool is_planted_in(std::uint32_t host, Fault fault) {
  const auto* const row = std::ranges::find(kFaults, fault, &FaultRow::fault);
  return row != kFaults.end() && row->host == host;
}

void falsify_sent(Fault fault, MutableBytes whole) {
  if (fault == Fault::shrinking_window) {
    TcpView tcp(whole);
    // Now and then, so that there is a larger window before it.
    if (tcp.good && tcp.packet.tcp.acknowledgment % 3 == 0) change_window(whole, -1000);
  }
  if (fault == Fault::early_ack) {
    TcpView tcp(whole);
    if (!tcp.is_pure_ack()) return;
    store_be32(tcp.field(8), tcp.packet.tcp.acknowledgment + 1);
    finish(whole);
  }
  const bool is_super_segment = whole[1] != wire::VirtioNetHeader::kGsoNone;
  if (fault == Fault::bad_offload && is_super_segment) whole[0] = 0;
}

void falsify_received(Fault fault, MutableBytes whole) {
  if (fault == Fault::window_off_by_one) change_window(whole, 1);
}

void falsify_crossing(Fault fault, MutableBytes whole) {
  if (fault != Fault::corrupted_byte) return;
  TcpView tcp(whole);
  if (!tcp.good || tcp.packet.payload_length < 500) return;
  whole.back() ^= 1;
  const bool is_finished_later = wire::parse_virtio_net(whole).flags != 0;
  if (!is_finished_later) fix_sums(whole);
}

}  // namespace sluice::sim

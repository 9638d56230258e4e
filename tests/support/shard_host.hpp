// A shard with its memory, and the hand that gives it packets and takes what it sends.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/memory/frame_pool.hpp"
#include "dataplane/shard/shard.hpp"
#include "proto/wire/format.hpp"
#include "tests/support/shard_packets.hpp"

namespace sluice::test {

// A packet that the shard sent.
struct SentPacket {
  PacketBytes bytes;
  wire::Packet packet;  // of a fragment only is_fragment and the addresses are set
  Bytes ip() const { return Bytes(bytes).subspan(wire::kVirtioNetHeaderSize); }
  Bytes payload() const {
    return Bytes(bytes).subspan(wire::kVirtioNetHeaderSize + packet.payload_offset,
                                packet.payload_length);
  }
};

inline ShardOptions shard_options(std::vector<Cidr> kernel_side = {*Cidr::parse("10.0.5.100/24"),
                                                                   *Cidr::parse("fd05::100/64")}) {
  ShardOptions options;
  options.kernel_side = std::move(kernel_side);
  options.checksum_offload = false;  // what it sends is complete: the parser verifies the sums
  options.max_connections = 64;
  options.max_time_waits = 64;
  options.tcp.max_payload_bytes = 0;
  options.secrets = {{1, 2}, {3, 4}, {5, 6}, 7};
  return options;
}

class ShardHost {
 public:
  explicit ShardHost(const ShardOptions& options = shard_options(),
                     Instant start = Instant() + Duration::seconds(1000))
      : now_(start), shard_(with_frames(options, frames_), resources_, start) {}
  ~ShardHost() {
    for (TxPacket* const packet : batch_.pushed()) batch_.complete(*packet);
    batch_.forget_pushed();
  }

  Shard& shard() { return shard_; }
  FramePool& blocks() { return blocks_; }  // that bytes are copied into
  Instant now() const { return now_; }

  // --- in -------------------------------------------------------------------------------------
  // Why the packet was refused, by the parser or by the shard; none when it was taken.
  DropReason gives(const PacketBytes& bytes) {
    Frame* const frame = frames_.take();
    if (frame == nullptr) {
      ADD_FAILURE() << "no frame is left";
      return DropReason::out_of_memory;
    }
    if (!bytes.empty()) std::memcpy(frame->data, bytes.data(), bytes.size());
    const Slice whole(*frame, 0, static_cast<std::uint32_t>(bytes.size()));
    if (bytes.size() < wire::kVirtioNetHeaderSize) return count(DropReason::truncated);
    Slice ip = whole;
    ip.drop_front(wire::kVirtioNetHeaderSize);
    wire::Packet packet;
    const auto offload = wire::parse_virtio_net(whole.bytes());
    const auto before = drops();
    DropReason refused = wire::parse_packet(ip.bytes(), offload, packet);
    if (refused == DropReason::fragment) {
      ip = shard_.join(ip, now_);
      if (ip.empty()) return difference(before, drops());
      refused = wire::parse_packet(ip.bytes(), wire::VirtioNetHeader(), packet);
    }
    if (refused != DropReason::none) return count(refused);
    shard_.on_packet(ip, packet, now_);
    return difference(before, drops());
  }
  void command(Command command) { shard_.on_command(std::move(command), now_); }
  void passes(Duration time) { runs_until(now_ + time); }
  // Lets time go by as a worker would: no deadline is passed over.
  void runs_until(Instant end) {
    while (now_ < end) {
      const Instant next = std::max(shard_.next_deadline(), now_ + Duration::microseconds(1));
      now_ = std::min(end, next);
      shard_.on_time(now_);
      collect();
    }
  }

  // --- out ------------------------------------------------------------------------------------
  // All that the shard has sent since the last call.
  std::vector<SentPacket> takes() {
    collect();
    return std::exchange(sent_, {});
  }
  // Exactly one packet.
  SentPacket takes_one() {
    std::vector<SentPacket> all = takes();
    EXPECT_EQ(all.size(), 1U) << describe(all);
    return all.empty() ? SentPacket() : all.front();
  }
  bool is_silent() {
    const std::vector<SentPacket> all = takes();
    if (!all.empty()) ADD_FAILURE() << describe(all);
    return all.empty();
  }

  std::uint64_t dropped(DropReason reason) {
    return shard_.stats().drops[static_cast<std::size_t>(reason)];
  }
  bool is_all_home() const {
    return frames_.free_count() == frames_.size() && blocks_.free_count() == blocks_.size() &&
           nodes_.free_count() == nodes_.size() && records_.free_count() == records_.size() &&
           batch_.free_count() == batch_.slots();
  }

 private:
  static ShardOptions with_frames(ShardOptions options, FrameSource& frames) {
    if (options.frames == nullptr) options.frames = &frames;
    return options;
  }
  using Drops = std::array<std::uint64_t, kDropReasons>;
  Drops drops() const { return shard_.stats().drops; }
  DropReason count(DropReason reason) {
    shard_.count_drop(reason);
    return reason;
  }
  static DropReason difference(const Drops& before, const Drops& after) {
    DropReason found = DropReason::none;
    for (std::size_t i = 0; i < kDropReasons; ++i) {
      if (before[i] != after[i]) found = static_cast<DropReason>(i);
    }
    return found;
  }
  static std::string describe(const std::vector<SentPacket>& all) {
    std::string text = "sent:";
    for (const SentPacket& one : all) text += "\n  " + wire::format_packet(one.packet);
    return text;
  }
  void collect() {
    do {
      shard_.fill(batch_, now_);
      for (TxPacket* const packet : batch_.pushed()) keep(*packet);
      batch_.forget_pushed();
    } while (shard_.has_output());
    shard_.check_invariants();
  }
  void keep(TxPacket& packet) {
    SentPacket sent;
    for (const iovec& piece : packet.iovecs()) {
      const auto* const from = static_cast<const std::uint8_t*>(piece.iov_base);
      sent.bytes.insert(sent.bytes.end(), from, from + piece.iov_len);
    }
    const auto offload = wire::parse_virtio_net(sent.bytes);
    const Bytes ip = Bytes(sent.bytes).subspan(wire::kVirtioNetHeaderSize);
    const DropReason refused = wire::parse_packet(ip, offload, sent.packet);
    EXPECT_TRUE(refused == DropReason::none || refused == DropReason::fragment)
        << drop_reason_name(refused);
    batch_.complete(packet);
    sent_.push_back(std::move(sent));
  }

  Instant now_;
  FramePool frames_{64, wire::kVirtioNetHeaderSize + 65'535};
  FramePool blocks_{256, 4096, 32};
  SliceNodePool nodes_{1024, 128};
  tcp::SentSegmentPool records_{512};
  tcp::Resources resources_{blocks_, nodes_, records_};
  TxBatch batch_{64};
  std::vector<SentPacket> sent_;
  Shard shard_;
};

// What an application was told, in order: "open readable closed(normal)".
class Witness : public StreamEvents {
 public:
  void on_open(Stream& opened) override {
    stream = &opened;
    note("open");
  }
  void on_readable(Stream& from) override {
    note("readable");
    if (!reads) return;
    while (from.readable() > 0) {
      const Slice slice = from.read();
      const Bytes bytes = slice.bytes();
      text.append(bytes.begin(), bytes.end());
    }
  }
  void on_writable(Stream&) override { note("writable"); }
  void on_peer_closed(Stream&) override { note("peer_closed"); }
  void on_closed(Stream&, CloseReason reason) override {
    stream = nullptr;
    note("closed(" + std::string(tcp::close_reason_name(reason)) + ")");
  }
  void on_connect_failed(std::string_view why) override {
    note("failed(" + std::string(why) + ")");
  }
  void note(const std::string& event) { heard += heard.empty() ? event : " " + event; }

  Stream* stream = nullptr;
  std::string heard;
  std::string text;  // what was read
  bool reads = true;
};

}  // namespace sluice::test

// Packets that belong to no connection: answers (resets, ACKs of TIME-WAIT, echo replies, errors)
// and datagrams. A short bounded queue; what does not fit is counted and dropped, as a flood
// deserves, or refused to the application.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "proto/base/frame.hpp"
#include "proto/base/piece_pool.hpp"
#include "proto/wire/build.hpp"

namespace sluice {

struct OutPacket {
  wire::IpFields ip;  // its protocol says which header counts
  wire::TcpHeader tcp;
  wire::UdpHeader udp;
  wire::IcmpHeader icmp;
  Slice payload;                    // what of it is still to be sent
  std::uint16_t segment_bytes = 0;  // UDP: the payload is several datagrams of this size
  std::uint32_t mtu = 0;            // of the path, when it is less than ours; 0: not known
  // Of what does not fit the MTU: the bytes behind the IP header that have been sent.
  std::uint32_t fragment_offset = 0;
  std::uint32_t fragment_identification = 0;
};

class OutQueue {
 public:
  // On demand it begins without memory, and doubles.
  explicit OutQueue(std::uint32_t limit, Growth growth = Growth::at_start) : limit_(limit) {
    if (growth == Growth::at_start) resize(limit);
  }

  bool empty() const { return count_ == 0; }
  std::uint32_t room() const { return limit_ - count_; }
  // Null when the queue is full, or no memory is to be had.
  OutPacket* push() {
    if (count_ == size_ && !try_grow()) return nullptr;
    return &packets_[(first_ + count_++) % size_];
  }
  OutPacket& front() { return packets_[first_]; }
  void pop() {
    packets_[first_] = OutPacket();
    first_ = (first_ + 1) % size_;
    --count_;
  }
  std::uint64_t held_bytes() const { return size_ * sizeof(OutPacket); }
  // Gives its memory back when it is empty.
  void trim() {
    if (empty()) resize(0);
  }

 private:
  static constexpr std::uint32_t kFewest = 8;

  void resize(std::uint32_t size) {
    std::unique_ptr<OutPacket[]> larger(size == 0 ? nullptr : new OutPacket[size]);
    for (std::uint32_t i = 0; i < count_; ++i) {
      larger[i] = std::move(packets_[(first_ + i) % size_]);
    }
    packets_ = std::move(larger);
    size_ = size;
    first_ = 0;
  }
  bool try_grow() {
    if (size_ == limit_) return false;
    try {
      resize(std::min(std::max(size_ * 2, kFewest), limit_));
    } catch (const std::bad_alloc&) {
      return false;
    }
    return true;
  }

  std::unique_ptr<OutPacket[]> packets_;
  std::uint32_t limit_;
  std::uint32_t size_ = 0;  // of the ring
  std::uint32_t first_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace sluice

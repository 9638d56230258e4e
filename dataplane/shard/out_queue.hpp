// Packets that belong to no connection: answers (resets, ACKs of TIME-WAIT, echo replies, errors)
// and datagrams. A short bounded queue; what does not fit is counted and dropped, as a flood
// deserves, or refused to the application.
#pragma once

#include <cstdint>
#include <memory>

#include "proto/base/frame.hpp"
#include "proto/wire/build.hpp"

namespace sluice {

struct OutPacket {
  wire::IpFields ip;  // its protocol says which header counts
  wire::TcpHeader tcp;
  wire::UdpHeader udp;
  wire::IcmpHeader icmp;
  Slice payload;                    // what of it is still to be sent
  std::uint16_t segment_bytes = 0;  // UDP: the payload is several datagrams of this size
  // Of what does not fit the MTU: the bytes behind the IP header that have been sent.
  std::uint32_t fragment_offset = 0;
  std::uint32_t fragment_identification = 0;
};

class OutQueue {
 public:
  explicit OutQueue(std::uint32_t capacity)
      : packets_(new OutPacket[capacity]), capacity_(capacity) {}

  bool empty() const { return count_ == 0; }
  std::uint32_t room() const { return capacity_ - count_; }
  // Null when the queue is full.
  OutPacket* push() {
    if (count_ == capacity_) return nullptr;
    return &packets_[(first_ + count_++) % capacity_];
  }
  OutPacket& front() { return packets_[first_]; }
  void pop() {
    packets_[first_] = OutPacket();
    first_ = (first_ + 1) % capacity_;
    --count_;
  }

 private:
  std::unique_ptr<OutPacket[]> packets_;
  std::uint32_t capacity_;
  std::uint32_t first_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace sluice

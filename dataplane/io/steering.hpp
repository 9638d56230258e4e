// Steering: the kernel puts each packet on the queue of the worker that owns its flow. An eBPF
// program computes steering_hash() (proto/flow.hpp) and takes the queue that shard_of() names.
// Source: Linux drivers/net/tun.c (TUNSETSTEERINGEBPF, since 4.16), bpf(2), bpf-helpers(7).
#pragma once

#include <cstdint>
#include <string>

#include "dataplane/io/tun.hpp"
#include "proto/flow.hpp"

namespace sluice::io {

// The program, loaded into the kernel but not yet attached to a device. Not thread-safe.
class SteeringProgram {
 public:
  // For queues 0 to `queues` - 1 (at least 1). `rotate` is added to each queue's number: 0 for the
  // owner's queue; 1 sends every packet to a wrong one, where there is more than one. Throws
  // TunError with one line when the kernel refuses it: it needs root or CAP_BPF, and not in a user
  // namespace.
  SteeringProgram(const FlowHashKeys& keys, std::uint32_t queues, std::uint32_t rotate = 0);

  // The device keeps the program from then on, also when this object is gone. Its kernel then
  // learns no more flows by itself. Throws TunError.
  void attach(const Tun& tun) const;

  // The queue for a packet, as the kernel's own run of the program says. `ip` has at most
  // kLongestTestPacket bytes. Throws std::system_error. For tests.
  std::uint32_t run(Bytes ip) const;
  static constexpr std::size_t kLongestTestPacket = 3000;  // what fits a page beside the kernel's

 private:
  UniqueFd fd_;
};

// Takes the program from the device, whose kernel learns flows again. Throws TunError.
void detach_steering(const Tun& tun);

// Loads and attaches in one; returns why not, in one line, or nothing when the device steers.
std::string try_steer(const Tun& tun, const FlowHashKeys& keys, std::uint32_t rotate = 0);

}  // namespace sluice::io

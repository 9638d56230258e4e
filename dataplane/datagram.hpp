// UDP sockets as the application sees them.
//
// A socket exists once on every core, and each datagram comes to the core that owns its flow
// (addresses and ports), where the socket is called. Every call below is made on that core.
#pragma once

#include <cstdint>
#include <optional>

#include "proto/base/frame.hpp"
#include "proto/flow.hpp"
#include "proto/tcp/path_error.hpp"
#include "proto/wire/family.hpp"

namespace sluice {

struct BindOptions {
  std::optional<IpAddress> address = {};  // none: every address of ours
  std::uint16_t port = 0;                 // 0: the engine chooses a free one
  Family family = Family::both;           // without an address
};

// What has arrived. To answer, send to the same flow.
struct Datagram {
  FlowKey flow;   // local: the address and port that it came to; remote: who sent it
  Slice payload;  // may be kept, but on this core only and not beyond the engine's stop()
  // Above 0: the payload is several datagrams of this many bytes each, the last one perhaps
  // shorter, that the kernel handed over in one piece.
  std::uint16_t segment_bytes = 0;
};

class DatagramSocket;

// What happens to a socket. Called on its core; must not block. One object serves the sockets of
// all cores; it must outlive them.
class DatagramEvents {
 public:
  // Once on each core: from now on it can send.
  virtual void on_bound(DatagramSocket&) {}
  virtual void on_datagram(DatagramSocket&, const Datagram&) {}
  // Several at once; calls on_datagram for each unless overridden.
  virtual void on_datagrams(DatagramSocket& socket, const Datagram& several);
  // There is room again, after send() took nothing.
  virtual void on_writable(DatagramSocket&) {}
  // The peer of `flow` has answered that nobody listens there (ICMP port unreachable).
  virtual void on_refused(DatagramSocket&, const FlowKey& /*flow*/) {}
  // An ICMP error has come for what was sent along `flow`; with packet_too_big `mtu` is what its
  // sender can forward. Calls on_refused when it says so, unless overridden.
  virtual void on_path_error(DatagramSocket& socket, const FlowKey& flow, tcp::PathError error,
                             std::uint32_t mtu);

 protected:
  ~DatagramEvents() = default;
};

// Lives until unbind() has come to its core, or else as long as that runs callbacks and what was
// posted there.
class DatagramSocket {
 public:
  DatagramSocket(const DatagramSocket&) = delete;
  DatagramSocket& operator=(const DatagramSocket&) = delete;

  // Sends one datagram from flow.local (an address of ours) and this socket's port to flow.remote,
  // flow.remote_port; with `segment_bytes`, several, cut from the payload, each of which must fit
  // the MTU. One that is larger goes out in fragments. False, and nothing is sent, when the queue
  // to the device is full (on_writable() follows), the payload is above 65,507 bytes (IPv6:
  // 65,487) or must not be sent in fragments, or an address is not to be used. UDP promises nothing
  // beyond that.
  bool send(const FlowKey& flow, Slice payload, std::uint16_t segment_bytes = 0);
  // Copies; also false when no memory is left for that.
  bool send(const FlowKey& flow, Bytes payload, std::uint16_t segment_bytes = 0);

  // --- choices, for what this core sends from now on --------------------------------------------
  // The whole octet: whoever sets the bits of ECN is to heed them.
  void set_traffic_class(std::uint8_t value);
  // Nothing in fragments: send() refuses what is larger than the MTU. (What fits it carries IPv4's
  // DF in any case.)
  void set_dont_fragment(bool on);

  std::uint32_t worker() const;

  const BindOptions options;  // what it is bound to; the port is never 0

 protected:
  explicit DatagramSocket(const BindOptions& bound_to) : options(bound_to) {}
  ~DatagramSocket() = default;
};

}  // namespace sluice

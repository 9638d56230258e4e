// One TCP connection as the application sees it.
//
// A stream belongs to one core: every call below is made there, from a callback or from work that
// was posted (engine.hpp). It lives from on_open() (or connect) until on_closed() returns.
#pragma once

#include <cstdint>
#include <string_view>

#include "proto/base/frame.hpp"
#include "proto/base/time.hpp"
#include "proto/flow.hpp"
#include "proto/tcp/connection.hpp"

namespace sluice {

using tcp::CloseReason;

class Stream;

// Names a stream from any thread; never used again for another one.
struct StreamId {
  std::uint32_t worker = 0;
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;

  bool operator==(const StreamId&) const = default;
};

// What happens to a stream. Called on its core; may call any stream of that core, and must not
// block. One object may serve many streams; it must outlive them.
class StreamEvents {
 public:
  // connect() has begun: the SYN is on its way, and abort() would stop that.
  virtual void on_connecting(Stream&) {}
  // The handshake is done.
  virtual void on_open(Stream&) {}
  // The peer has urgent data under way, or its urgent byte has come (RFC 9293 MUST-32). Streams get
  // it in line, as RFC 6093 advises; a read stops in front of the urgent byte.
  virtual void on_urgent(Stream&) {}
  // More bytes can be read. Called again only when more arrive: read all, or come back later.
  virtual void on_readable(Stream&) {}
  // There is room again, after send() had filled the buffer or took less than it was offered.
  virtual void on_writable(Stream&) {}
  // The peer will send no more, and everything before that has been read.
  virtual void on_peer_closed(Stream&) {}
  // It is over: the connection knows why. What came before may still be read; on_closed() follows.
  virtual void on_ended(Stream&) {}
  // The last call for this stream, for whatever reason it ended.
  virtual void on_closed(Stream&, CloseReason) {}
  // connect() could not even begin: no address, port or memory. There is no stream.
  virtual void on_connect_failed(std::string_view) {}

 protected:
  ~StreamEvents() = default;
};

// What costs nothing to say of a connection; bytes and microseconds. The rest: Stream::snapshot().
struct StreamStats {
  tcp::State state = tcp::State::closed;
  std::string_view congestion;  // the algorithm's name
  std::uint32_t congestion_window = 0;
  std::uint32_t in_flight = 0;       // sent, and neither known to have arrived nor taken for lost
  std::uint32_t receive_buffer = 0;  // what it may hold now
  std::uint32_t send_buffer = 0;
  std::int64_t smoothed_rtt_us = 0;
  tcp::ConnectionCounters counters;
};

class Stream {
 public:
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Each returns how many bytes were taken: fewer than offered when the send buffer is full. Once
  // it is, on_writable() follows when a third of it is free; none once closed for sending.
  std::uint32_t send(Bytes bytes);  // copies
  // By reference: the frame goes home once its bytes are acknowledged. (A small part of a pooled
  // frame is copied instead, so that it does not pin the whole.)
  std::uint32_t send(Slice slice);
  std::uint32_t send_space() const;

  // The next bytes in order, at most `max_bytes`, without copying; empty when there are none.
  // Keep the slice as long as you like: it holds the frame, and so a part of the receive memory.
  Slice read(std::uint32_t max_bytes = UINT32_MAX);
  std::uint32_t readable() const;

  // Half close: FIN follows what has been sent. Receiving goes on.
  void shutdown_send();
  // Lets go: FIN follows what has been sent; what arrives later is answered with RST, as are bytes
  // left unread (RFC 9293 SHLD-3). Only on_closed() is called from then on.
  void close();
  // RST, and what has not been sent is lost.
  void abort();

  // --- choices, at any time; those of StreamOptions, which see for units and bounds -------------
  void set_nodelay(bool on);
  void set_traffic_class(std::uint8_t value);
  // Segments become smaller from now on, never larger again.
  void set_max_segment(std::uint32_t bytes);
  // The size from now on, without growth. What was offered to the peer stays, and the handshake has
  // said how large a window can be told.
  void set_receive_buffer(std::uint32_t bytes);
  void set_send_buffer(std::uint32_t bytes);
  void set_unsent_low_water(std::uint32_t bytes);
  // At any time; the first choice is config.tcp.congestion.
  void set_congestion(tcp::Algorithm algorithm);
  void set_keepalive(Duration idle);  // zero: off, which is the default
  void set_user_timeout(Duration timeout);

  StreamId id() const;
  const FlowKey& flow() const;
  // When our SYN or the peer's was met.
  Instant began() const;
  StreamStats stats() const;
  // All that Linux tells in tcp_info. Looks at every segment that is under way.
  tcp::Snapshot snapshot() const;

  // For the application: whatever belongs to this stream. Not owned.
  void* context = nullptr;

 protected:
  Stream() = default;
  ~Stream() = default;
};

}  // namespace sluice

// A capture file: packets as a wire would carry them, for tcpdump, tshark and their kin.
// Format: pcap with link type RAW (the IP header comes first) and nanosecond timestamps.
#pragma once

#include <sys/time.h>
#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "proto/base/time.hpp"

struct pcap;         // of libpcap
struct pcap_dumper;  // of libpcap

namespace sluice::io {

// One line that a person can act on: which file, and why.
class CaptureError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// All calls from any thread. What is written is buffered until flush(), close() or destruction. The
// first failed write (a full disk) ends the recording; flush() and close() tell.
class Capture {
 public:
  // Makes the file, or empties it; throws CaptureError.
  explicit Capture(const std::string& path);
  ~Capture();  // closes; a failure is not reported any more
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  // [virtio_net_hdr | IP packet] in pieces, stamped with the time of this call. The virtio_net_hdr
  // is left out, and a sum that it leaves to the device is finished in the copy, so that only a
  // super-segment differs from a wire: it stays one packet. What is too short for a
  // virtio_net_hdr is ignored.
  void write(std::span<const iovec> packet);
  // The same, stamped with `at` as if the epoch were 1970.
  void write(std::span<const iovec> packet, Instant at);

  // Each throws CaptureError when anything written so far could not be stored.
  void flush();
  void close();  // nothing is written afterwards

 private:
  struct Close {
    void operator()(pcap* format) const;
    void operator()(pcap_dumper* file) const;
  };

  void store(std::span<const iovec> packet, timeval stamp);
  void gather(std::span<const iovec> packet);
  void flush_locked();

  const std::string path_;
  std::mutex guard_;  // of all below
  std::unique_ptr<pcap, Close> format_;
  std::unique_ptr<pcap_dumper, Close> file_;  // null once closed
  std::vector<std::uint8_t> bytes_;           // the packet in one piece
  int error_ = 0;                             // errno of the first write that failed
};

}  // namespace sluice::io

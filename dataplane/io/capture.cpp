#include "dataplane/io/capture.hpp"

#include <pcap/pcap.h>
#include <time.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "proto/wire/virtio_net.hpp"

namespace sluice::io {
namespace {

constexpr int kSnapshotLength = 262'144;  // tcpdump's: larger than any packet of a device
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::size_t kUsualPacket = 65'535 + wire::kVirtioNetHeaderSize;

CaptureError failure(const std::string& path, const std::string& reason) {
  return CaptureError("cannot write capture file '" + path + "': " + reason);
}

std::string reason_of(int error) {
  return std::generic_category().message(error);
}

// With nanosecond precision libpcap takes them from where microseconds usually are.
timeval time_stamp() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return {time.tv_sec, time.tv_nsec};
}

}  // namespace

void Capture::Close::operator()(pcap* format) const {
  pcap_close(format);
}

void Capture::Close::operator()(pcap_dumper* file) const {
  pcap_dump_close(file);
}

Capture::Capture(const std::string& path)
    : path_(path),
      format_(pcap_open_dead_with_tstamp_precision(DLT_RAW, kSnapshotLength,
                                                   PCAP_TSTAMP_PRECISION_NANO)) {
  if (!format_) throw failure(path_, reason_of(ENOMEM));
  FILE* const stream = std::fopen(path_.c_str(), "wbe");
  if (stream == nullptr) throw failure(path_, reason_of(errno));
  file_.reset(pcap_dump_fopen(format_.get(), stream));
  if (!file_) throw failure(path_, pcap_geterr(format_.get()));
  bytes_.reserve(kUsualPacket);
}

Capture::~Capture() = default;

void Capture::gather(std::span<const iovec> packet) {
  bytes_.clear();
  for (const iovec& piece : packet) {
    const auto* const first = static_cast<const std::uint8_t*>(piece.iov_base);
    bytes_.insert(bytes_.end(), first, first + piece.iov_len);
  }
}

void Capture::write(std::span<const iovec> packet) {
  store(packet, time_stamp());
}

void Capture::write(std::span<const iovec> packet, Instant at) {
  store(packet, {at.ns() / kNanosecondsPerSecond, at.ns() % kNanosecondsPerSecond});
}

void Capture::store(std::span<const iovec> packet, timeval stamp) {
  const std::lock_guard lock(guard_);
  if (!file_ || error_ != 0) return;
  gather(packet);
  if (bytes_.size() < wire::kVirtioNetHeaderSize) return;
  const MutableBytes ip = MutableBytes(bytes_).subspan(wire::kVirtioNetHeaderSize);
  wire::finish_checksum(ip, wire::parse_virtio_net(bytes_));
  pcap_pkthdr record{};
  record.ts = stamp;
  record.len = static_cast<bpf_u_int32>(ip.size());
  record.caplen = record.len;
  pcap_dump(reinterpret_cast<u_char*>(file_.get()), &record, ip.data());
  if (std::ferror(pcap_dump_file(file_.get())) != 0) error_ = errno;
}

void Capture::flush() {
  const std::lock_guard lock(guard_);
  flush_locked();
}

void Capture::close() {
  const std::lock_guard lock(guard_);
  flush_locked();
  file_.reset();
}

void Capture::flush_locked() {
  if (file_ && error_ == 0 && pcap_dump_flush(file_.get()) != 0) error_ = errno;
  if (error_ != 0) throw failure(path_, reason_of(error_));
}

}  // namespace sluice::io

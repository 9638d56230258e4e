#include <array>
#include <cstring>
#include <memory>
#include <random>

#include "tools/sluice/services/services.hpp"

namespace sluice::services {
namespace {

// RFC 864: lines of 72 of the 95 printing characters, each line begins one character later.
constexpr std::uint32_t kLine = 74;
constexpr std::uint32_t kCycle = 95 * kLine;
constexpr std::uint32_t kChunk = 65'536;

// The pattern, long enough that a chunk from any place in the cycle lies in one piece. Nobody
// counts its slices across cores, so each core has its own frame over the same bytes.
class Pattern final : public FrameHome {
 public:
  Pattern() {
    for (std::uint32_t i = 0; i < bytes_.size(); ++i) bytes_[i] = character_at(i % kCycle);
    frame_.home = this;
    frame_.data = bytes_.data();
    frame_.capacity = static_cast<std::uint32_t>(bytes_.size());
  }
  void take_back(Frame&) override {}
  Slice chunk_at(std::uint64_t position) {
    return {frame_, static_cast<std::uint32_t>(position % kCycle), kChunk};
  }

 private:
  static std::uint8_t character_at(std::uint32_t position) {
    const std::uint32_t line = position / kLine;
    const std::uint32_t column = position % kLine;
    if (column == 72) return '\r';
    if (column == 73) return '\n';
    return static_cast<std::uint8_t>(' ' + (line + column) % 95);
  }

  std::array<std::uint8_t, kCycle + kChunk> bytes_;
  Frame frame_;
};

class Chargen final : public StreamEvents {
 public:
  void on_open(Stream& stream) override {
    stream.context = new Position{0};
    on_writable(stream);
  }
  void on_writable(Stream& stream) override {
    static thread_local Pattern pattern;
    auto& position = *static_cast<Position*>(stream.context);
    std::uint32_t taken = kChunk;
    while (taken == kChunk) {
      taken = stream.send(pattern.chunk_at(position.bytes));
      position.bytes += taken;
    }
  }
  void on_readable(Stream& stream) override {
    while (!stream.read().empty()) {
    }
  }
  void on_peer_closed(Stream& stream) override { stream.close(); }
  void on_closed(Stream& stream, CloseReason) override {
    delete static_cast<Position*>(stream.context);
  }

 private:
  struct Position {
    std::uint64_t bytes;
  };
};

class UdpChargen final : public DatagramEvents {
 public:
  void on_datagram(DatagramSocket& socket, const Datagram& datagram) override {
    constexpr std::uint32_t kMost = 512;
    thread_local Pattern pattern;
    thread_local std::minstd_rand length(socket.worker() + 1);
    if (is_answer(datagram)) return;
    socket.send(datagram.flow,
                pattern.chunk_at(0).front(static_cast<std::uint32_t>(length() % (kMost + 1))));
  }
};

}  // namespace

DatagramEvents& udp_chargen() {
  static UdpChargen service;
  return service;
}

StreamEvents& chargen() {
  static Chargen service;
  return service;
}

}  // namespace sluice::services

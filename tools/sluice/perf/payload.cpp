#include "tools/sluice/perf/payload.hpp"

#include <algorithm>
#include <array>
#include <random>

#include "proto/base/rng.hpp"

namespace sluice::perf {
namespace {

constexpr std::uint32_t kDigits = 10;

// Bytes that go with their last slice.
class Block final : public FrameHome {
 public:
  static Slice make(bool is_digits) {
    auto* const block = new Block;
    if (is_digits) {
      block->fill_with_digits();
    } else {
      block->fill_at_random();
    }
    return {block->frame_, 0, block->frame_.capacity};
  }

 private:
  Block() {
    frame_.home = this;
    frame_.data = bytes_.data();
    frame_.capacity = static_cast<std::uint32_t>(bytes_.size());
  }
  void take_back(Frame&) override { delete this; }

  void fill_with_digits() {
    for (std::uint32_t i = 0; i < bytes_.size(); ++i) {
      bytes_[i] = static_cast<std::uint8_t>('0' + i % kDigits);
    }
  }
  void fill_at_random() {
    Rng rng(std::random_device{}());
    for (std::uint8_t& byte : bytes_) byte = static_cast<std::uint8_t>(rng.next());
  }

  // A piece may begin at any digit.
  std::array<std::uint8_t, kMaxPayloadPiece + kDigits> bytes_;
  Frame frame_;
};

Slice of_this_core(bool is_digits) {
  thread_local std::array<Slice, 2> kept;
  Slice& all = kept[is_digits ? 1 : 0];
  if (all.empty()) all = Block::make(is_digits);
  return all;
}

}  // namespace

Payload::Payload(bool is_digits)
    : all_(of_this_core(is_digits)), period_(is_digits ? kDigits : 1) {}

Slice Payload::at(std::uint64_t position, std::uint32_t bytes) const {
  Slice piece = all_;
  piece.drop_front(static_cast<std::uint32_t>(position % period_));
  piece.keep_front(std::min(bytes, kMaxPayloadPiece));
  return piece;
}

}  // namespace sluice::perf

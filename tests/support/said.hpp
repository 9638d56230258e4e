// One line of a conversation: a segment that the peer sends, or one that it expects.
//
// Sequence numbers are relative: a SYN is 0, the first byte of either stream is 1. Of an expected
// segment only what the test names is compared; flags always are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/tcp.hpp"

namespace sluice::test {

struct Said {
  std::uint8_t flags_ = 0;
  std::optional<std::uint32_t> seq_, ack_, win_, len_, gso_, pieces_, urg_;
  std::optional<std::uint32_t> ts_value_, ts_echo_;
  std::optional<std::vector<wire::SackBlock>> sack_;  // relative
  std::optional<wire::TcpOptions> options_;           // the whole of them, for a SYN
  std::optional<std::string> text_;
  bool no_timestamps_ = false;

  Said& seq(std::uint32_t n) { return seq_ = n, *this; }
  Said& ack(std::uint32_t n) { return ack_ = n, *this; }
  Said& win(std::uint32_t field) { return win_ = field, *this; }
  Said& len(std::uint32_t bytes) { return len_ = bytes, *this; }
  Said& gso(std::uint32_t size) { return gso_ = size, *this; }
  Said& urg(std::uint32_t pointer) { return urg_ = pointer, flag(wire::kUrg); }
  Said& urg_off() { return urg_ = 0, *this; }
  Said& pieces(std::uint32_t count) { return pieces_ = count, *this; }
  Said& ts(std::uint32_t value) { return ts_value_ = value, *this; }
  Said& ecr(std::uint32_t echo) { return ts_echo_ = echo, *this; }
  Said& no_ts() { return no_timestamps_ = true, *this; }
  Said& sack(std::vector<wire::SackBlock> blocks) { return sack_ = std::move(blocks), *this; }
  Said& no_sack() { return sack({}); }
  Said& options(const wire::TcpOptions& all) { return options_ = all, *this; }
  Said& flag(std::uint8_t more) { return flags_ = static_cast<std::uint8_t>(flags_ | more), *this; }
};

inline Said flags(int bits) {
  Said said;
  said.flags_ = static_cast<std::uint8_t>(bits);
  return said;
}
inline Said no_flags() {
  return flags(0);
}
inline Said syn() {
  return flags(wire::kSyn).seq(0);
}
inline Said syn_ack() {
  return flags(wire::kSyn | wire::kAck).seq(0);
}
inline Said ack() {
  return flags(wire::kAck);
}
inline Said ack(std::uint32_t n) {
  return ack().ack(n);
}
inline Said psh_ack() {
  return flags(wire::kAck | wire::kPsh);
}
inline Said fin_ack() {
  return flags(wire::kAck | wire::kFin);
}
inline Said fin_psh_ack() {
  return flags(wire::kAck | wire::kPsh | wire::kFin);
}
inline Said rst() {
  return flags(wire::kRst);
}
inline Said rst_ack() {
  return flags(wire::kRst | wire::kAck);
}
// Text of the stream, where the sender stands; seq() puts it elsewhere.
inline Said data(std::uint32_t bytes) {
  return ack().len(bytes);
}
inline Said data(std::string_view text) {
  Said said = ack().len(static_cast<std::uint32_t>(text.size()));
  said.text_ = std::string(text);
  return said;
}

}  // namespace sluice::test

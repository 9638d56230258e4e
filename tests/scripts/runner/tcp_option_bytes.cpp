#include "tests/scripts/runner/tcp_option_bytes.hpp"

namespace sluice::script {
namespace {

using Kind = TcpOption::Kind;

// RFC 9293 3.1, RFC 7323 2.2 and 3.2, RFC 2018 2: the length of each kind; 0: it varies.
std::size_t length_of(Kind kind) {
  switch (kind) {
    case Kind::end:
    case Kind::nop: return 1;
    case Kind::sack_ok: return 2;
    case Kind::wscale: return 3;
    case Kind::mss: return 4;
    case Kind::timestamps: return 10;
    case Kind::sack:
    case Kind::raw: break;
  }
  return 0;
}

class Writer {
 public:
  void put(std::uint32_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
      out_.push_back(static_cast<std::uint8_t>(value >> shift));
    }
  }

  void put(const TcpOption& option) {
    if (option.kind == Kind::raw) {
      out_.insert(out_.end(), option.bytes.begin(), option.bytes.end());
      return;
    }
    put(static_cast<std::uint32_t>(option.kind), 1);
    if (option.kind == Kind::end || option.kind == Kind::nop) return;
    const std::size_t length =
        option.kind == Kind::sack ? 2 + 8 * option.blocks.size() : length_of(option.kind);
    put(static_cast<std::uint32_t>(length), 1);
    if (option.kind == Kind::mss) put(option.value, 2);
    if (option.kind == Kind::wscale) put(option.value, 1);
    if (option.kind == Kind::timestamps) {
      put(option.value, 4);
      put(option.echo, 4);
    }
    for (const wire::SackBlock& block : option.blocks) {
      put(block.left, 4);
      put(block.right, 4);
    }
  }

  std::vector<std::uint8_t> padded() {
    while (out_.size() % 4 != 0) out_.push_back(0);
    return std::move(out_);
  }

 private:
  std::vector<std::uint8_t> out_;
};

TcpOption raw(Bytes bytes) {
  TcpOption option;
  option.kind = Kind::raw;
  option.bytes.assign(bytes.begin(), bytes.end());
  return option;
}

std::vector<wire::SackBlock> decode_blocks(Bytes bytes) {
  std::vector<wire::SackBlock> blocks;
  for (std::size_t at = 2; at + 8 <= bytes.size(); at += 8) {
    blocks.push_back({load_be32(bytes.data() + at), load_be32(bytes.data() + at + 4)});
  }
  return blocks;
}

// `bytes` is one option: its kind, its length and what that counts.
TcpOption decode_one(Bytes bytes) {
  TcpOption option;
  option.kind = static_cast<Kind>(bytes[0]);
  const std::uint8_t* const value = bytes.data() + 2;
  if (option.kind == Kind::sack && bytes.size() % 8 == 2 && bytes.size() > 2) {
    option.blocks = decode_blocks(bytes);
    return option;
  }
  if (bytes.size() != length_of(option.kind)) return raw(bytes);
  if (option.kind == Kind::mss) option.value = load_be16(value);
  if (option.kind == Kind::wscale) option.value = *value;
  if (option.kind == Kind::timestamps) {
    option.value = load_be32(value);
    option.echo = load_be32(value + 4);
  }
  return option;
}

}  // namespace

std::vector<std::uint8_t> encode_options(const std::vector<TcpOption>& options) {
  Writer writer;
  for (const TcpOption& option : options) writer.put(option);
  return writer.padded();
}

std::vector<TcpOption> decode_options(Bytes bytes) {
  std::vector<TcpOption> options;
  while (!bytes.empty()) {
    TcpOption option;
    option.kind = static_cast<Kind>(bytes[0]);
    std::size_t length = 1;
    if (option.kind != Kind::end && option.kind != Kind::nop) {
      length = bytes.size() > 1 ? bytes[1] : 0;
      if (length < 2 || length > bytes.size()) length = bytes.size();
      option = length < 2 ? raw(bytes) : decode_one(bytes.first(length));
    }
    options.push_back(option);
    if (option.kind == Kind::end) break;
    bytes = bytes.subspan(length);
  }
  return options;
}

}  // namespace sluice::script

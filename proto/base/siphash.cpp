#include "proto/base/siphash.hpp"

namespace sluice {
namespace {

std::uint64_t load(const std::uint8_t* p, std::size_t length) {
  std::uint64_t word = 0;
  std::memcpy(&word, p, length);
  return word;
}

}  // namespace

std::uint64_t siphash(const SipKey& key, Bytes message) {
  SipHash hash(key);
  const std::size_t tail = message.size() % 8;
  const std::uint8_t* const end = message.data() + (message.size() - tail);
  for (const std::uint8_t* p = message.data(); p != end; p += 8) hash.add(load(p, 8));
  return hash.finish(load(end, tail), message.size());
}

}  // namespace sluice

#include "tests/fuzz/calls/book.hpp"

#include <algorithm>

#include "proto/base/bytes.hpp"

namespace sluice::calls {
namespace {

std::uint8_t byte_at(std::uint64_t number, std::uint64_t at) {
  const std::uint64_t mixed = (number + 1) * 0x9e3779b97f4a7c15ULL + at * 0xbf58476d1ce4e5b9ULL;
  return static_cast<std::uint8_t>(mixed >> 56);
}

}  // namespace

void write_pattern(std::uint64_t number, std::uint64_t at, std::span<std::uint8_t> bytes) {
  for (std::uint8_t& byte : bytes) byte = byte_at(number, at++);
}

bool is_pattern(std::uint64_t number, std::uint64_t at, std::span<const std::uint8_t> bytes) {
  return std::ranges::all_of(bytes,
                             [&](std::uint8_t byte) { return byte == byte_at(number, at++); });
}

// --- streams ----------------------------------------------------------------------------------

std::uint64_t Book::open(Flow flow) {
  streams_.emplace(next_, Stream{std::move(flow)});
  return next_++;
}

Stream* Book::find(std::uint64_t number) {
  const auto found = streams_.find(number);
  return found == streams_.end() ? nullptr : &found->second;
}

void Book::write_stream(std::uint64_t number, std::uint64_t at, std::span<std::uint8_t> bytes) {
  Text head(kStreamHead);
  store_be64(head.data(), number);
  for (; at < kStreamHead && !bytes.empty(); bytes = bytes.subspan(1)) bytes[0] = head[at++];
  write_pattern(number, at, bytes);
}

std::optional<std::uint64_t> Reader::number() const {
  if (is_lost_ || head_.size() < Book::kStreamHead) return {};
  return load_be64(head_.data());
}

std::string Reader::check(Book& book, const Flow& flow, std::span<const std::uint8_t> bytes,
                          std::uint64_t& at, Text& head) const {
  for (; head.size() < Book::kStreamHead && !bytes.empty(); bytes = bytes.subspan(1), ++at) {
    head.push_back(bytes[0]);
  }
  if (head.size() < Book::kStreamHead) return "";
  const std::uint64_t number = load_be64(head.data());
  const Stream* const stream = book.find(number);
  if (stream == nullptr) return "the stream's first bytes are nobody's";
  if (stream->is_spoilt) return "";
  const bool has_names = !flow.local.empty();  // a connection that has ended has none
  if (has_names && !(stream->flow.turned() == flow)) {
    return "bytes of " + stream->flow.local + " to " + stream->flow.remote + " arrived at " +
           flow.local + " from " + flow.remote;
  }
  if (at + bytes.size() > stream->sent) return "more bytes arrived than were sent";
  if (!is_pattern(number, at, bytes)) {
    return "wrong bytes at " + std::to_string(at) + " of a stream";
  }
  at += bytes.size();
  return "";
}

std::string Reader::read(Book& book, const Flow& flow, std::span<const std::uint8_t> bytes,
                         bool is_peek) {
  if (is_lost_) return "";
  std::uint64_t at = at_;
  Text head = head_;
  std::string problem = check(book, flow, bytes, at, head);
  if (is_peek || !problem.empty()) return problem;
  head_ = std::move(head);
  at_ += bytes.size();
  if (const auto known = number()) book.find(*known)->received = at_;
  return "";
}

void Reader::skip(Book& book, std::uint64_t count) {
  if (!number()) return give_up();
  at_ += count;
  book.find(*number())->received = at_;
}

// --- datagrams --------------------------------------------------------------------------------

Text Book::make_datagram(std::size_t size) {
  Text text(size);
  const std::uint64_t number = next_++;
  if (size < kLeastPart) {
    write_pattern(size, 0, text);
    return text;
  }
  store_be64(text.data(), number);
  store_be32(text.data() + 8, static_cast<std::uint32_t>(size));
  write_pattern(number, kLeastPart, std::span(text).subspan(kLeastPart));
  return text;
}

bool Book::is_datagram(std::span<const std::uint8_t> text, bool is_cut) {
  if (!is_cut && text.size() < kLeastPart) return is_pattern(text.size(), 0, text);
  while (text.size() >= kLeastPart) {
    const std::uint32_t size = load_be32(text.data() + 8);
    if (size < kLeastPart || (size > text.size() && !is_cut)) return false;
    const auto part = text.first(std::min<std::size_t>(size, text.size()));
    if (!is_pattern(load_be64(part.data()), kLeastPart, part.subspan(kLeastPart))) return false;
    text = text.subspan(part.size());
  }
  return is_cut || text.empty();
}

}  // namespace sluice::calls

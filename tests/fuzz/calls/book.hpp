// What was sent, so that what arrives can be told from what should: every byte of a TCP stream
// follows from the stream's number and its place, every byte of a datagram from its own number.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice::calls {

using Text = std::vector<std::uint8_t>;

// Fills in, or checks; false when some byte is another.
void write_pattern(std::uint64_t number, std::uint64_t at, std::span<std::uint8_t> bytes);
bool is_pattern(std::uint64_t number, std::uint64_t at, std::span<const std::uint8_t> bytes);

// The two ends of a connection, as text.
struct Flow {
  std::string local;
  std::string remote;
  Flow turned() const { return {remote, local}; }
  bool operator==(const Flow&) const = default;
};

// One direction of a TCP connection. It begins with its number, so that whoever reads knows it.
struct Stream {
  Flow flow;  // as its sender sees it
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  bool is_spoilt = false;  // urgent bytes may be missing from it
};

class Book {
 public:
  static constexpr std::size_t kStreamHead = sizeof(std::uint64_t);

  std::uint64_t open(Flow flow);
  Stream* find(std::uint64_t number);
  // What a stream holds from `at` on.
  static void write_stream(std::uint64_t number, std::uint64_t at, std::span<std::uint8_t> bytes);

  // A datagram of `size` bytes that tells whether it is whole; or a part of one, of at least
  // kLeastPart bytes: its number and its length come first.
  static constexpr std::size_t kLeastPart = 12;
  Text make_datagram(std::size_t size);
  // `text` is what was received of a datagram, `is_cut` when there was more. False when it is not
  // one that was sent.
  static bool is_datagram(std::span<const std::uint8_t> text, bool is_cut);

  const std::map<std::uint64_t, Stream>& streams() const { return streams_; }

 private:
  std::map<std::uint64_t, Stream> streams_;
  std::uint64_t next_ = 1;
};

// What a socket reads of one stream.
class Reader {
 public:
  // The next bytes, or such as come later (peeked). What is wrong with them; empty: nothing.
  std::string read(Book& book, const Flow& flow, std::span<const std::uint8_t> bytes, bool is_peek);
  // Bytes were thrown away unseen.
  void skip(Book& book, std::uint64_t count);
  // Nothing is known any more.
  void give_up() { is_lost_ = true; }
  std::optional<std::uint64_t> number() const;

 private:
  std::string check(Book& book, const Flow& flow, std::span<const std::uint8_t> bytes,
                    std::uint64_t& at, Text& head) const;

  Text head_;  // the first bytes, as far as they have come
  std::uint64_t at_ = 0;
  bool is_lost_ = false;
};

}  // namespace sluice::calls

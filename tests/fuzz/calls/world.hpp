// Some stacks that talk to each other, and callers who do whatever occurs to them, all of it from
// one seed.
#pragma once

#include <array>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/fuzz/calls/network.hpp"
#include "tests/fuzz/calls/subject.hpp"

namespace sluice::calls {

// A socket address on the heap, of its own length or another.
struct Address {
  Exact bytes;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(bytes.data()); }
  socklen_t length() const { return static_cast<socklen_t>(bytes.size()); }
};

class World {
 public:
  // Ends after about `most_calls`, and a while of peace in which what was sent arrives.
  World(Trail& trail, std::uint64_t seed, std::uint64_t most_calls);
  void run();

  // --- for those who act ------------------------------------------------------------------------
  Chance& chance() { return chance_; }
  Book& book() { return book_; }
  Subject& any_subject() { return *chance_.element_of(subjects_); }
  // Mostly one that is open; now and then any number.
  int any_handle(Subject& subject);
  // One that is open, of that type, preferably with a peer; -1: there is none.
  int open_handle(Subject& subject, int type);
  // Mostly where somebody listens.
  Address any_server(int domain);
  // Of a stack of this world.
  Address address_of(const Subject& subject, int domain, std::uint16_t port);
  Address any_address();
  // Where somebody may listen.
  std::uint16_t any_port() { return static_cast<std::uint16_t>(80 + chance_.below(6)); }
  // Takes what the stack has to send. Not from a callback.
  void pump(Subject& subject);
  // Everybody else's packets go on, and so does time.
  void let_time_pass();
  bool is_hostile() const { return is_hostile_; }

 private:
  static constexpr std::uint64_t kSecond = 1'000'000'000;
  static constexpr std::size_t kMostStacks = 3;

  void make_subject(std::uint32_t number);
  sluice_config draw_config(const std::string& addresses);
  void expect_good(Subject& subject, const Text& packet, const sluice_offload* offload);
  void step();
  void act(Subject& subject);
  void on_ready(Subject& subject, int handle, int events);
  void expect_busy(Subject& subject);
  void deliver();
  void forge();
  void advance_due();
  std::uint64_t next_event();
  void make_peace();
  void read_all();
  std::set<std::uint64_t> find_readers();
  std::string find_missing();

  Trail& trail_;
  Chance chance_;
  Book book_;
  bool is_hostile_;
  Shared shared_;
  Network network_;
  Forger forger_;
  std::uint64_t last_call_;
  std::vector<std::unique_ptr<Subject>> subjects_;
  std::array<std::uint64_t, kMostStacks> deadlines_{};
  std::array<bool, kMostStacks> has_news_{};  // packets have come
};

// Does something to the stack; what, is a matter of chance.
void act_sensibly(World& world, Subject& subject);
void act_wildly(World& world, Subject& subject);
// Calls that are wrong in a known way, each with the error that it must have.
void misuse(World& world, Subject& subject);

}  // namespace sluice::calls

#include "dataplane/worker/crew.hpp"

namespace sluice {

Crew::Crew(std::uint32_t workers, const Inbox::Capacity& capacity)
    : undrained_(workers), meeting_(static_cast<std::ptrdiff_t>(workers)) {
  for (std::uint32_t i = 0; i < workers; ++i) {
    members_.push_back(std::make_unique<Member>(capacity));
  }
}

void Crew::give_word(Word word) {
  word_.store(word, std::memory_order_release);
  word_.notify_all();
}

bool Crew::wait_for_word() {
  word_.wait(Word::wait, std::memory_order_acquire);
  return word_.load(std::memory_order_acquire) == Word::begin;
}

}  // namespace sluice

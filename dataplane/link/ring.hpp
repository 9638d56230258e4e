// A queue whose memory is reserved at once and touched only as far as the queue has been long.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace sluice {

// Holds `most` items; who pushes more has looked at size() before.
template <class T>
class Ring {
 public:
  explicit Ring(std::size_t most) { items_.reserve(most); }

  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  const T& front() const { return items_[first_]; }

  void push_back(T item) {
    if (count_ == items_.size()) grow();
    items_[place_of(count_)] = std::move(item);
    ++count_;
  }
  T pop_front() {
    T item = std::move(items_[first_]);
    first_ = place_of(1);
    --count_;
    return item;
  }
  void clear() {
    while (!empty()) pop_front();
  }

 private:
  std::size_t place_of(std::size_t number) const {
    const std::size_t place = first_ + number;
    return place < items_.size() ? place : place - items_.size();
  }
  void grow() {
    std::rotate(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_), items_.end());
    first_ = 0;
    items_.resize(std::min(std::max<std::size_t>(2 * items_.size(), 64), items_.capacity()));
  }

  std::vector<T> items_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

}  // namespace sluice

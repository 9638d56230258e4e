// Random arguments: sensible ones, and those at the edges.
#pragma once

#include <climits>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <memory>

#include "proto/base/rng.hpp"

namespace sluice::calls {

// On the heap and not a byte longer, so that AddressSanitizer sees one that is read too far.
class Exact {
 public:
  explicit Exact(std::size_t size) : bytes_(new std::uint8_t[size]), size_(size) {
    std::memset(bytes_.get(), 0xee, size);
  }
  template <class T>
  static Exact of(const T& value, std::size_t size = sizeof(T)) {
    Exact made(size);
    std::memcpy(made.data(), &value, size < sizeof(T) ? size : sizeof(T));
    return made;
  }
  std::uint8_t* data() { return bytes_.get(); }
  const std::uint8_t* data() const { return bytes_.get(); }
  std::size_t size() const { return size_; }
  template <class T>
  T* as() {
    return reinterpret_cast<T*>(bytes_.get());
  }

 private:
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t size_;
};

class Chance : public Rng {
 public:
  using Rng::Rng;

  template <class T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[below(values.size())];
  }
  template <class Container>
  auto& element_of(Container& container) {
    return *std::next(std::begin(container),
                      static_cast<std::ptrdiff_t>(below(std::size(container))));
  }
  int any_int() {
    if (chance(0.5)) return one_of({0, 1, -1, 2, 7, 255, 256, 65'536, INT_MAX, INT_MIN});
    return static_cast<int>(next());
  }
  // Mostly small, now and then up to `most`.
  std::size_t size_up_to(std::size_t most) {
    const std::size_t limit = chance(0.7) && most > 2000 ? 2000 : most;
    return below(limit + 1);
  }
};

}  // namespace sluice::calls

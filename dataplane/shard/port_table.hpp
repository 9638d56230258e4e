// Who is bound to a port, by port: an exact address first, then any.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "proto/wire/family.hpp"

namespace sluice {

// `Entry` has `options` with an optional `address`, the `family` that counts without one, and a
// `port`. Entries stay where they are until they are removed.
template <class Entry>
class PortTable {
 public:
  // The caller (the control plane) has made sure that address and port are free.
  Entry& add(std::unique_ptr<Entry> entry) {
    const auto position = std::upper_bound(
        entries_.begin(), entries_.end(), entry,
        [](const auto& a, const auto& b) { return is_before(a->options, b->options); });
    return **entries_.insert(position, std::move(entry));
  }
  template <class Options>
  void remove(const Options& options) {
    std::erase_if(entries_, [&options](const auto& entry) { return is_at(*entry, options); });
  }
  void remove(const Entry& entry) {
    std::erase_if(entries_, [&entry](const auto& other) { return other.get() == &entry; });
  }
  void clear() { entries_.clear(); }
  template <class Options>
  static bool is_at(const Entry& entry, const Options& options) {
    const Options& theirs = entry.options;
    return theirs.port == options.port && theirs.address == options.address &&
           theirs.family == options.family;
  }

  // The entry itself, whatever address packets come to. Null when there is none.
  template <class Options>
  Entry* find_at(const Options& options) const {
    const auto it = std::find_if(entries_.begin(), entries_.end(),
                                 [&options](const auto& entry) { return is_at(*entry, options); });
    return it == entries_.end() ? nullptr : it->get();
  }
  // Null when nobody is bound there. Good until the next remove.
  Entry* find(const IpAddress& address, std::uint16_t port) const {
    for (auto it = first_of(port); it != entries_.end() && (*it)->options.port == port; ++it) {
      if (takes((*it)->options, address)) return it->get();
    }
    return nullptr;
  }
  // The one with the highest `fit(entry)` above 0, of equals the last that was added. Null when
  // there is none.
  template <class Fit>
  Entry* find_best(std::uint16_t port, Fit fit) const {
    Entry* best = nullptr;
    int best_fit = 1;
    for (auto it = first_of(port); it != entries_.end() && (*it)->options.port == port; ++it) {
      const int how_well = fit(**it);
      if (how_well < best_fit) continue;
      best = it->get();
      best_fit = how_well;
    }
    return best;
  }
  bool uses_port(std::uint16_t port) const {
    const auto it = first_of(port);
    return it != entries_.end() && (*it)->options.port == port;
  }
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& entry : entries_) visit(*entry);
  }

 private:
  template <class Options>
  static bool takes(const Options& options, const IpAddress& address) {
    return options.address ? *options.address == address : is_of(options.family, address);
  }
  template <class Options>
  static bool is_before(const Options& a, const Options& b) {
    if (a.port != b.port) return a.port < b.port;
    return a.address.has_value() && !b.address.has_value();
  }
  auto first_of(std::uint16_t port) const {
    return std::lower_bound(
        entries_.begin(), entries_.end(), port,
        [](const auto& entry, std::uint16_t wanted) { return entry->options.port < wanted; });
  }

  std::vector<std::unique_ptr<Entry>> entries_;  // sorted by port, exact addresses first
};

}  // namespace sluice

// A queue of slices in nodes from a pool: what send and receive buffers are made of.
#pragma once

#include <cstdint>

#include "proto/base/frame.hpp"
#include "proto/base/piece_pool.hpp"

namespace sluice {

struct SliceNode {
  Slice slice;
  std::uint32_t sequence = 0;  // free for the queue's user
  bool open_tail = false;      // the bytes behind the slice are unused and belong to this node
  SliceNode* next = nullptr;
};

// All nodes of a shard.
class SliceNodePool {
 public:
  // Scarce when fewer than `reserve` are free.
  explicit SliceNodePool(std::uint32_t count, std::uint32_t reserve = 0,
                         Growth growth = Growth::at_start)
      : nodes_(count, growth), reserve_(reserve) {}

  // Null when the pool is empty.
  SliceNode* take() { return nodes_.take(); }
  void give_back(SliceNode& node) {
    node.slice = Slice();
    node.open_tail = false;
    nodes_.give_back(node);
  }
  void trim() { nodes_.trim(); }

  MemoryLevel level() const { return memory_level(free_count(), reserve_); }
  bool is_scarce() const { return free_count() < reserve_; }
  // How many can be taken before the reserve is touched.
  std::uint32_t spare_count() const { return is_scarce() ? 0 : free_count() - reserve_; }
  std::uint32_t free_count() const { return nodes_.free_count(); }
  std::uint32_t size() const { return nodes_.size(); }
  const PiecePool<SliceNode>& pieces() const { return nodes_; }

 private:
  PiecePool<SliceNode> nodes_;
  std::uint32_t reserve_;
};

// First in, first out. Must be emptied through its pool before it goes.
class SliceQueue {
 public:
  SliceQueue() = default;
  SliceQueue(const SliceQueue&) = delete;
  SliceQueue& operator=(const SliceQueue&) = delete;
  ~SliceQueue() { SLUICE_ASSERT(empty()); }

  bool empty() const { return head_ == nullptr; }
  SliceNode* front() const { return head_; }
  SliceNode* back() const { return tail_; }

  void push(SliceNode& node) {
    SLUICE_ASSERT(node.next == nullptr);
    if (tail_ == nullptr) {
      head_ = &node;
    } else {
      tail_->next = &node;
    }
    tail_ = &node;
  }
  // Links `node` behind `before`, or at the front when `before` is null.
  void insert_after(SliceNode* before, SliceNode& node) {
    if (before == tail_) return push(node);
    SLUICE_ASSERT(node.next == nullptr);
    SliceNode*& link = before == nullptr ? head_ : before->next;
    node.next = link;
    link = &node;
  }
  SliceNode& take_front() {
    SliceNode& node = *head_;
    head_ = node.next;
    if (head_ == nullptr) tail_ = nullptr;
    node.next = nullptr;
    return node;
  }
  void pop(SliceNodePool& pool) { pool.give_back(take_front()); }
  void clear(SliceNodePool& pool) {
    while (!empty()) pop(pool);
  }

 private:
  SliceNode* head_ = nullptr;
  SliceNode* tail_ = nullptr;
};

}  // namespace sluice

// A doubly linked list through its elements: no allocation, O(1) removal, an element knows whether
// it is in a list.
#pragma once

#include "proto/base/assert.hpp"

namespace sluice {

// Derive from ListNode<Tag> once for each list that an element may be in at a time.
template <class Tag>
class ListNode {
 public:
  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { SLUICE_ASSERT(!is_linked()); }

  bool is_linked() const { return next_ != nullptr; }
  void unlink() {
    if (!is_linked()) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  template <class T, class U>
  friend class IntrusiveList;
  ListNode* next_ = nullptr;
  ListNode* previous_ = nullptr;
};

// Does not own its elements.
template <class T, class Tag>
class IntrusiveList {
  using Node = ListNode<Tag>;

 public:
  IntrusiveList() { head_.next_ = head_.previous_ = &head_; }
  ~IntrusiveList() {
    SLUICE_ASSERT(empty());
    head_.next_ = head_.previous_ = nullptr;
  }

  bool empty() const { return head_.next_ == &head_; }
  T& front() {
    SLUICE_ASSERT(!empty());
    return static_cast<T&>(*head_.next_);
  }
  const T& front() const { return const_cast<IntrusiveList&>(*this).front(); }
  // Null at the end, or when there is none.
  T* first() { return element_at(head_.next_); }
  T* last() { return element_at(head_.previous_); }
  T* next(T& element) { return element_at(static_cast<Node&>(element).next_); }
  T* previous(T& element) { return element_at(static_cast<Node&>(element).previous_); }
  void push_back(T& element) { link_before(head_, element); }
  void push_front(T& element) { link_before(*head_.next_, element); }
  void insert_after(T& position, T& element) {
    link_before(*static_cast<Node&>(position).next_, element);
  }
  // An element of this list.
  void move_to_back(T& element) {
    static_cast<Node&>(element).unlink();
    push_back(element);
  }
  T& pop_front() {
    T& element = front();
    static_cast<Node&>(element).unlink();
    return element;
  }
  // Moves every element of `other` to the end of this list, in order.
  void append(IntrusiveList& other) {
    if (other.empty()) return;
    Node* const first = other.head_.next_;
    Node* const last = other.head_.previous_;
    other.head_.next_ = other.head_.previous_ = &other.head_;
    first->previous_ = head_.previous_;
    head_.previous_->next_ = first;
    last->next_ = &head_;
    head_.previous_ = last;
  }
  template <class Visitor>
  void for_each(Visitor visit) {
    for (Node* node = head_.next_; node != &head_;) {
      Node* const next = node->next_;
      visit(static_cast<T&>(*node));
      node = next;
    }
  }
  template <class Visitor>
  void for_each(Visitor visit) const {
    for (const Node* node = head_.next_; node != &head_; node = node->next_) {
      visit(static_cast<const T&>(*node));
    }
  }

 private:
  T* element_at(Node* node) { return node == &head_ ? nullptr : static_cast<T*>(node); }
  void link_before(Node& position, T& element) {
    Node& node = element;
    SLUICE_ASSERT(!node.is_linked());
    node.previous_ = position.previous_;
    node.next_ = &position;
    position.previous_->next_ = &node;
    position.previous_ = &node;
  }

  Node head_;
};

}  // namespace sluice

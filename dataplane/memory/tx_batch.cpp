#include "dataplane/memory/tx_batch.hpp"

namespace sluice {

TxBatch::TxBatch(std::uint32_t slots) : packets_(new TxPacket[slots]), slots_(slots) {
  pushed_.reserve(slots);
  for (std::uint32_t i = slots; i-- > 0;) complete(packets_[i]);
}

TxBatch::~TxBatch() {
  SLUICE_ASSERT(free_count_ == slots_);
}

TxPacket* TxBatch::claim() {
  TxPacket* const packet = free_;
  if (packet == nullptr) return nullptr;
  free_ = packet->next_free;
  --free_count_;
  return packet;
}

void TxBatch::complete(TxPacket& packet) {
  for (std::uint32_t i = 0; i < packet.pieces; ++i) packet.pins[i] = Slice();
  packet.pieces = 0;
  packet.length = 0;
  packet.next_free = free_;
  free_ = &packet;
  ++free_count_;
}

}  // namespace sluice

#include "tools/sluice/perf/payload.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string_view>
#include <thread>

namespace sluice::perf {
namespace {

std::string_view text_of(const Slice& slice) {
  return {reinterpret_cast<const char*>(slice.data()), slice.size()};
}

TEST(PerfPayload, DigitsGoOnFromAnyPosition) {
  const Payload payload(true);
  EXPECT_EQ(text_of(payload.at(0, 12)), "012345678901");
  EXPECT_EQ(text_of(payload.at(1'234'567'898, 4)), "8901");
  EXPECT_EQ(text_of(payload.at(9, kMaxPayloadPiece)).substr(65'530), "901234");
}

TEST(PerfPayload, RandomBytesAreThat) {
  const Slice bytes = Payload(false).at(0, 4096);
  const std::set<std::uint8_t> values(bytes.data(), bytes.data() + bytes.size());
  EXPECT_GT(values.size(), 250U);
}

TEST(PerfPayload, APieceIsNoLongerThanThereIs) {
  EXPECT_EQ(Payload(false).at(123, 1 << 20).size(), kMaxPayloadPiece);
}

TEST(PerfPayload, IsSharedOnACoreAndOnItAlone) {
  const Payload payload(false);
  EXPECT_EQ(Payload(false).at(0, 1).frame(), payload.at(0, 1).frame());
  const Frame* other = nullptr;
  std::thread([&] { other = Payload(false).at(0, 1).frame(); }).join();
  EXPECT_NE(other, payload.at(0, 1).frame());
}

TEST(PerfPayload, OutlivesItsCore) {
  Slice piece;
  std::thread([&] { piece = Payload(true).at(5, 3); }).join();
  EXPECT_EQ(text_of(piece), "567");
}

}  // namespace
}  // namespace sluice::perf

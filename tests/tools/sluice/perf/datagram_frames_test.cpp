#include "tools/sluice/perf/datagram_frames.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "tools/sluice/perf/payload.hpp"

namespace sluice::perf {
namespace {

class DatagramFramesTest : public testing::Test {
 protected:
  DatagramFrames::Owner frames_ = DatagramFrames::make(Payload(true).at(0, 12), 3);
};

TEST_F(DatagramFramesTest, RepeatTheDatagram) {
  const Slice room = frames_->take();
  const std::string_view text(reinterpret_cast<const char*>(room.data()), room.size());
  EXPECT_EQ(text, "012345678901012345678901012345678901");
}

TEST_F(DatagramFramesTest, AreUsedAgain) {
  const Frame* const first = frames_->take().frame();
  EXPECT_EQ(frames_->take().frame(), first);
}

TEST_F(DatagramFramesTest, AreFew) {
  std::vector<Slice> away;
  for (std::size_t i = 0; i < DatagramFrames::kMost; ++i) away.push_back(frames_->take());
  EXPECT_TRUE(std::none_of(away.begin(), away.end(), [](const Slice& s) { return s.empty(); }));
  EXPECT_TRUE(frames_->take().empty());
  away.pop_back();
  EXPECT_FALSE(frames_->take().empty());
}

// A leak or a use after it would be found by the sanitizers.
TEST_F(DatagramFramesTest, ThatAreAwayOutliveTheirOwner) {
  Slice away = frames_->take();
  frames_.reset();
  away.frame()->data[0] = 'x';
  EXPECT_EQ(*away.data(), 'x');
}

}  // namespace
}  // namespace sluice::perf

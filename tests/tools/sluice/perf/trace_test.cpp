#include "tools/sluice/perf/trace.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>
#include <vector>

namespace sluice::perf {
namespace {

constexpr Instant kBegin = Instant::from_ns(5'000'000'000);

TraceSample sample() {
  TraceSample sample;
  sample.id = 3;
  sample.at = kBegin + Duration::microseconds(2'500);
  sample.in_flight = 4344;
  sample.tcp.state = tcp::State::established;
  sample.tcp.ca_state = tcp::CaState::recovery;
  sample.tcp.snd_mss = 1448;
  sample.tcp.cwnd = 10;
  sample.tcp.ssthresh = 7;
  sample.tcp.rtt = Duration::microseconds(83);
  sample.tcp.rttvar = Duration::microseconds(21);
  sample.tcp.pacing_rate = 5'000'000'000;
  sample.tcp.delivery_rate = 1'250'000;
  sample.tcp.total_retrans = 4;
  sample.tcp.snd_wnd = 65'535;
  sample.tcp.rcv_wnd = 32'768;
  return sample;
}

class PerfTrace : public testing::Test {
 protected:
  ~PerfTrace() override { std::filesystem::remove(file_); }
  std::vector<nlohmann::json> lines() const {
    std::ifstream file(file_);
    std::vector<nlohmann::json> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }

  const std::string file_ =
      std::filesystem::temp_directory_path() / ("trace_test." + std::to_string(getpid()));
};

TEST(PerfTraceLine, SaysEverything) {
  EXPECT_EQ(trace_line(sample(), kBegin),
            R"({"t":0.002500,"id":3,"cwnd":14480,"ssthresh":10136,"in_flight":4344,"srtt":83,)"
            R"("rttvar":21,"pacing_rate":5000000000,"delivery_rate":1250000,"retransmits":4,)"
            R"("rwnd":65535,"rcv_wnd":32768,"state":"ESTABLISHED","recovery":"recovery"})");
}

TEST(PerfTraceLine, HasNoThresholdBeforeThereIsOne) {
  TraceSample early = sample();
  early.tcp.ssthresh = UINT32_MAX;
  EXPECT_TRUE(nlohmann::json::parse(trace_line(early, kBegin)).at("ssthresh").is_null());
}

TEST_F(PerfTrace, WritesALineForEachSampleOfEachCore) {
  Trace trace(file_);
  trace.begin(kBegin);
  std::vector<std::thread> cores;
  for (int id = 0; id < 3; ++id) {
    cores.emplace_back([&trace, id] {
      TraceSample one = sample();
      one.id = id;
      for (int i = 0; i < 1000; ++i) trace.add(one);
    });
  }
  for (std::thread& core : cores) core.join();
  EXPECT_EQ(trace.finish(), "");
  std::vector<int> counts(3);
  for (const nlohmann::json& line : lines()) ++counts.at(line.at("id").get<std::size_t>());
  EXPECT_EQ(counts, std::vector<int>(3, 1000));
}

TEST_F(PerfTrace, EmptiesTheFile) {
  std::ofstream(file_) << "what was there before\n";
  EXPECT_EQ(Trace(file_).finish(), "");
  EXPECT_TRUE(lines().empty());
}

TEST_F(PerfTrace, SaysWhatItHadToDrop) {
  Trace trace(file_);
  constexpr int kAll = 2'000'000;
  for (int i = 0; i < kAll; ++i) trace.add(sample());
  const std::string said = trace.finish();
  const std::size_t lost = kAll - lines().size();
  ASSERT_GT(lost, 0U);
  EXPECT_EQ(said, file_ + " lacks " + std::to_string(lost) + " samples that came too fast");
}

TEST(PerfTraceFile, ThatCannotBeWrittenIsNamed) {
  try {
    const Trace trace("/nowhere/trace.json");
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "cannot write /nowhere/trace.json: No such file or directory");
  }
}

TEST(PerfTraceFile, OnAFullDiskIsNotComplete) {
  Trace trace("/dev/full");
  for (int i = 0; i < 1000; ++i) trace.add(sample());
  EXPECT_EQ(trace.finish(), "/dev/full is not complete: No space left on device");
  EXPECT_EQ(trace.finish(), "/dev/full is not complete: No space left on device");
}

}  // namespace
}  // namespace sluice::perf

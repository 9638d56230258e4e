#include "tests/scripts/runner/settings.hpp"

#include <gtest/gtest.h>

namespace sluice::script {
namespace {

std::vector<Option> options_of(std::string_view lines) {
  return parse_script("a.pkt", lines).options;
}

TEST(ScriptSettings, AreThoseOfTheProfileLinuxAtFirst) {
  Settings settings;
  read_settings({}, settings);
  EXPECT_EQ(settings.config.strict, 0);
  EXPECT_EQ(settings.config.seed, 1u);
  EXPECT_STREQ(settings.config.addresses, "192.168.0.1");
  EXPECT_EQ(settings.remote.to_string(), "192.0.2.1");
}

TEST(ScriptSettings, NameEveryNumberOfTheConfig) {
  Settings settings;
  read_settings(options_of("--mtu=1400\n--timestamps=0\n--window_scale=6\n--max_memory=9999999\n"
                           "--quick_acks=0\n--time_wait_us=5000000\n"),
                settings);
  EXPECT_EQ(settings.config.mtu, 1400u);
  EXPECT_EQ(settings.config.timestamps, 0);
  EXPECT_EQ(settings.config.window_scale, 6);
  EXPECT_EQ(settings.config.max_memory, 9'999'999u);
  EXPECT_EQ(settings.config.quick_acks, 0u);
  EXPECT_EQ(settings.config.time_wait_us, 5'000'000u);
}

TEST(ScriptSettings, TheProfileCountsWhereverItStands) {
  Settings settings;
  read_settings(options_of("--mtu=1400\n--profile=strict\n"), settings);
  EXPECT_EQ(settings.config.strict, 1);
  EXPECT_EQ(settings.config.mtu, 1400u);
}

TEST(ScriptSettings, ChooseTheFamily) {
  Settings settings;
  read_settings(options_of("--ip_version=ipv6\n"), settings);
  EXPECT_TRUE(settings.is_v6());
  EXPECT_STREQ(settings.config.addresses, "fd3d:a0b:17d6::1");
  Settings mapped;
  read_settings(options_of("--ip_version=ipv4-mapped-ipv6\n"), mapped);
  EXPECT_FALSE(mapped.is_v6());
  EXPECT_STREQ(mapped.config.addresses, "192.168.0.1");
}

TEST(ScriptSettings, ChooseAddressesAndTheRunnersOwn) {
  Settings settings;
  read_settings(options_of("--local_ip=10.0.0.1\n--addresses=\"10.0.0.1 10.0.0.2\"\n"
                           "--congestion=newreno\n--tolerance_usecs=5\n--bind_port=99\n"),
                settings);
  EXPECT_STREQ(settings.config.addresses, "10.0.0.1 10.0.0.2");
  EXPECT_STREQ(settings.config.congestion, "newreno");
  EXPECT_EQ(settings.tolerance, Duration::microseconds(5));
  EXPECT_EQ(settings.bind_port, 99);
}

TEST(ScriptSettings, RefuseWhatTheStackRefuses) {
  Settings settings;
  EXPECT_THROW(read_settings(options_of("--mtu=20\n"), settings), SyntaxError);
  EXPECT_THROW(read_settings(options_of("--congestion=fast\n"), settings), SyntaxError);
  EXPECT_THROW(read_settings(options_of("--local_ip=here\n"), settings), SyntaxError);
  EXPECT_THROW(read_settings(options_of("--ip_version=ipv5\n"), settings), SyntaxError);
  EXPECT_THROW(read_settings(options_of("--window_scale=x\n"), settings), SyntaxError);
}

}  // namespace
}  // namespace sluice::script

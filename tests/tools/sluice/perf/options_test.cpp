// What is typed behind `sluice perf`.
#include "tools/sluice/perf/options.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace sluice::perf {
namespace {

class PerfOptions : public testing::Test {
 protected:
  // What comes of `sluice perf LINE`; nothing when it was refused: then said_ is what it said.
  std::optional<Options> parse(const std::string& line) {
    CLI::App app("sluice");
    std::optional<Options> parsed;
    add_perf_command(app, [&parsed](Options options) { parsed = std::move(options); });
    testing::internal::CaptureStderr();
    code_ = 0;
    try {
      app.parse("perf " + line);
    } catch (const CLI::ParseError& error) {
      code_ = error.get_exit_code();
    }
    said_ = testing::internal::GetCapturedStderr();
    return parsed;
  }
  Options good(const std::string& line) {
    const auto parsed = parse(line);
    EXPECT_TRUE(parsed) << line << ": " << said_;
    return parsed.value_or(Options());
  }
  Options client(const std::string& line) { return good("-c host " + line); }
  Parameters asked(const std::string& line) { return client(line).parameters; }
  void expect_refused(const std::string& line, const std::string& why) {
    EXPECT_FALSE(parse(line)) << line;
    EXPECT_EQ(code_, 1) << line;
    EXPECT_EQ(said_, "sluice: parameter error - " + why + "\n") << line;
  }

  std::string said_;
  int code_ = 0;
};

TEST_F(PerfOptions, OfAClientHaveIperfsDefaults) {
  const Options options = good("-c 10.0.6.100");
  EXPECT_EQ(options.role, Role::client);
  EXPECT_EQ(options.host, "10.0.6.100");
  EXPECT_EQ(options.port, 5201);
  EXPECT_EQ(options.interval_seconds, 1);
  EXPECT_EQ(options.parameters.seconds, 10U);
  EXPECT_EQ(options.parameters.block_bytes, 131'072U);
  EXPECT_EQ(options.parameters.bits_per_second, 0U);
  EXPECT_EQ(options.report.form, ReportOptions::Form::text);
  EXPECT_EQ(options.report.unit, 'a');
}

TEST_F(PerfOptions, GiveClientAndServerDevicesOfTheirOwn) {
  const Options client = good("-c host");
  EXPECT_EQ(client.config.tun_name, "tun2");
  ASSERT_EQ(client.config.addresses.size(), 2U);
  EXPECT_EQ(client.config.addresses[0].address, *IpAddress::parse("10.0.6.100"));
  EXPECT_EQ(client.config.addresses[1].address, *IpAddress::parse("fd06::100"));
  const Options server = good("-s");
  EXPECT_EQ(server.role, Role::server);
  EXPECT_EQ(server.config.tun_name, "tun1");
  EXPECT_EQ(server.config.addresses[0].address, *IpAddress::parse("10.0.5.100"));
  const Options chosen = good("-c host --tun t0 --address 192.0.2.1/24");
  EXPECT_EQ(chosen.config.tun_name, "t0");
  EXPECT_EQ(chosen.config.addresses.size(), 1U);
}

TEST_F(PerfOptions, AreThoseOfTheEngine) {
  const Config config = good(
                            "-s --workers 4 --pin 0,1,2,3 --io poll --no-csum --no-steering "
                            "--netns n --mtu 9000 --loss 1% --in-delay 5ms --receive-buffer 1M")
                            .config;
  EXPECT_EQ(config.workers, 4U);
  EXPECT_EQ(config.pin.size(), 4U);
  EXPECT_EQ(config.io, IoBackend::poll);
  EXPECT_FALSE(config.checksum || config.tso || config.uso);
  EXPECT_EQ(config.steering, SteeringMode::learned);
  EXPECT_EQ(config.mtu, 9000U);
  EXPECT_DOUBLE_EQ(config.link_in.loss, 0.01);
  EXPECT_EQ(config.link_in.delay, Duration::milliseconds(5));
  EXPECT_EQ(config.link_out.delay, Duration());
  EXPECT_EQ(config.tcp.receive_buffer_bytes, 1U << 20);
}

TEST_F(PerfOptions, HaveIperfsNumbers) {
  EXPECT_EQ(asked("-b 1.5g").bits_per_second, 1'500'000'000U);
  EXPECT_EQ(asked("-b 100m/4").bits_per_second, 100'000'000U);
  EXPECT_EQ(asked("-b 100M/4").burst, 4U);
  EXPECT_EQ(asked("--bandwidth 64K").bits_per_second, 64'000U);
  EXPECT_EQ(asked("-n 1.5k").bytes, 1'536U);
  EXPECT_EQ(asked("-n 1T").bytes, 1ULL << 40);
  EXPECT_EQ(asked("-k 2K").blocks, 2'048U);
  EXPECT_EQ(asked("-l 1m").block_bytes, 1U << 20);
  EXPECT_EQ(asked("-w 4M").window_bytes, 4U << 20);
  EXPECT_EQ(asked("--fq-rate 1G").fq_bits_per_second, 1'000'000'000U);
  EXPECT_EQ(asked("--pacing-timer 2k").pacing_timer_us, 2'048U);
  EXPECT_EQ(client("-i 0.5").interval_seconds, 0.5);
  EXPECT_EQ(client("-i 0").interval_seconds, 0);
}

TEST_F(PerfOptions, EndATestOneWay) {
  EXPECT_EQ(asked("-n 1M").seconds, 0U);
  EXPECT_EQ(asked("-k 5").seconds, 0U);
  EXPECT_EQ(asked("-t 0").seconds, 0U);
  EXPECT_EQ(asked("-t 86400 -O 60").omit_seconds, 60U);
  const std::string why = "only one test end condition (-t, -n, -k) may be specified";
  expect_refused("-c host -t 1 -n 5", why);
  expect_refused("-c host -n 5 -k 5", why);
  expect_refused("-c host -k 5 -t 0", why);
}

TEST_F(PerfOptions, SayWhereDataGoes) {
  EXPECT_EQ(asked("-R").direction, Direction::reverse);
  EXPECT_EQ(asked("--bidir -P 128").all_streams(), 256U);
  expect_refused("-c host -R --bidir", "cannot be both reverse and bidirectional");
}

TEST_F(PerfOptions, HaveDatagramsOfTheirOwnDefaults) {
  const Parameters udp = asked("-u");
  EXPECT_EQ(udp.protocol, Protocol::udp);
  EXPECT_EQ(udp.bits_per_second, 1'048'576U);
  EXPECT_EQ(udp.block_bytes, 0U) << "as the control connection's MSS allows";
  EXPECT_EQ(asked("-u -b 0").bits_per_second, 0U);
  EXPECT_EQ(asked("-u -l 1400").block_bytes, 1400U);
  EXPECT_EQ(asked("-l 0").block_bytes, 131'072U);
  const std::string why = "block size invalid (minimum = 16 bytes, maximum = 65507 bytes): -l ";
  expect_refused("-c host -u -l 15", why + "15");
  expect_refused("-c host -l 65508 -u", why + "65508");
}

TEST_F(PerfOptions, MarkPackets) {
  EXPECT_EQ(asked("-S 0x10").tos, 16);
  EXPECT_EQ(asked("-S 020").tos, 16);
  EXPECT_EQ(asked("-S 255").tos, 255);
  EXPECT_EQ(asked("--dscp 10").tos, 40);
  EXPECT_EQ(asked("--dscp 0x0a").tos, 40);
  EXPECT_EQ(asked("--dscp AF43").tos, 152);
  EXPECT_EQ(asked("--dscp af11").tos, 0x28);
  EXPECT_EQ(asked("--dscp cs7").tos, 0xe0);
  EXPECT_EQ(asked("--dscp ef").tos, 184);
  EXPECT_EQ(asked("--dscp lowdelay").tos, 16);
  const std::string why = "bad TOS value (must be between 0 and 255 inclusive): ";
  for (const char* const tos : {"256", "x", "08", "0x", "16x"}) {
    expect_refused(std::string("-c host -S ") + tos, why + "-S " + tos);
  }
  for (const char* const dscp : {"64", "af44", "af50", "cs8", "cs1x", "af1"}) {
    expect_refused(std::string("-c host --dscp ") + dscp, why + "--dscp " + dscp);
  }
}

TEST_F(PerfOptions, NameSeveralAlgorithms) {
  EXPECT_EQ(asked("-C cubic,BBR").congestion, "cubic,bbr");
  EXPECT_EQ(asked("-C newreno").congestion, "reno") << "as a stock peer knows it";
  expect_refused("-c host -C cubic,vegas",
                 "'vegas' is none of cubic, newreno, bbr: -C cubic,vegas");
  expect_refused("-c host -C cubic,", "'' is none of cubic, newreno, bbr: -C cubic,");
}

TEST_F(PerfOptions, AreOnOrOff) {
  const Parameters all = asked(
      "-N -Z --udp-counters-64bit --repeating-payload --dont-fragment "
      "--get-server-output -T title --extra-data more");
  EXPECT_TRUE(all.nodelay && all.zerocopy && all.counters_64bit && all.repeating_payload);
  EXPECT_TRUE(all.dont_fragment && all.wants_server_output);
  EXPECT_EQ(all.title, "title");
  EXPECT_EQ(all.extra_data, "more");
}

TEST_F(PerfOptions, ShapeTheReport) {
  EXPECT_EQ(client("-J").report.form, ReportOptions::Form::json);
  EXPECT_EQ(client("-J --json-stream").report.form, ReportOptions::Form::json_stream);
  EXPECT_EQ(client("-f K").report.unit, 'K');
  EXPECT_TRUE(client("-V --forceflush").report.verbose);
  EXPECT_EQ(client("--timestamps -t 3").report.timestamp_format, "%c ");
  EXPECT_TRUE(client("--timestamps").report.timestamps);
  EXPECT_EQ(client("--timestamps=%s").report.timestamp_format, "%s");
  EXPECT_EQ(client("--logfile out -I pid --trace flows").logfile, "out");
  expect_refused("-c host -f x",
                 "bad format specifier (valid formats are in the set [kmgtKMGT]): -f x");
}

TEST_F(PerfOptions, NameAddressesAndPorts) {
  const Options options = client("-p 1 -B 10.0.6.9 --cport 4000 -6 -A 2,3");
  EXPECT_EQ(options.port, 1);
  EXPECT_EQ(options.bind, IpAddress::parse("10.0.6.9"));
  EXPECT_EQ(options.client_port, 4000);
  EXPECT_EQ(options.family, Family::v6);
  EXPECT_EQ(options.config.pin, std::vector<std::uint32_t>{2});
  EXPECT_EQ(options.parameters.server_cpu, 3U);
  EXPECT_FALSE(client("").family);
  expect_refused("-c host -B here", "'here' is no address: -B here");
  expect_refused("-c host -4 -6", "only one of -4 and -6 may be specified");
  for (const char* const port : {"0", "65536", "x", "1x"}) {
    expect_refused(std::string("-c host -p ") + port,
                   "port number must be between 1 and 65535 inclusive: -p " + std::string(port));
  }
  expect_refused("-c host --cport 65535 -P 2",
                 "port number must be between 1 and 65535 inclusive: the last stream of --cport "
                 "65535 would have 65536");
}

TEST_F(PerfOptions, SetTimeouts) {
  EXPECT_EQ(client("--connect-timeout 500").connect_timeout, Duration::milliseconds(500));
  EXPECT_EQ(client("-R --rcv-timeout 100").receive_timeout, Duration::milliseconds(100));
  EXPECT_EQ(client("").receive_timeout, Duration::seconds(120));
  EXPECT_EQ(client("--snd-timeout 900").config.tcp.user_timeout, Duration::milliseconds(900));
  EXPECT_EQ(good("-s --idle-timeout 5").idle_timeout, Duration::seconds(5));
  expect_refused("-c host --rcv-timeout 500",
                 "client receive timeout is valid only in receiving mode");
  expect_refused("-s --rcv-timeout 99", "'99' is too small: at least 100: --rcv-timeout 99");
  expect_refused("-s --rcv-timeout 86400001",
                 "receive timeout value is incorrect or not in range: --rcv-timeout 86400001");
  expect_refused("-s --idle-timeout 86401",
                 "idle timeout parameter is not positive or larger than allowed limit: "
                 "--idle-timeout 86401");
}

TEST_F(PerfOptions, LimitAServer) {
  const Options options = good("-s -1 --server-bitrate-limit 1G/2.5");
  EXPECT_TRUE(options.one_off);
  EXPECT_EQ(options.bitrate_limit, 1'000'000'000U);
  EXPECT_EQ(options.bitrate_limit_interval, Duration::milliseconds(2'500));
  EXPECT_EQ(good("-s --server-bitrate-limit 1M").bitrate_limit_interval, Duration::seconds(5));
}

TEST_F(PerfOptions, AreOfOneRole) {
  expect_refused("", "must either be a client (-c) or server (-s)");
  expect_refused("-t 3", "must either be a client (-c) or server (-s)");
  expect_refused("-s -c host", "cannot be both server and client: -s and -c");
  const std::string why = "some option you are trying to set is client only: ";
  expect_refused("-s -u", why + "-u,--udp");
  expect_refused("-s --time 3", why + "-t,--time");
  expect_refused("-s -R", why + "-R,--reverse");
  expect_refused("-s --cport 5", why + "--cport");
  expect_refused("-c host -1", "some option you are trying to set is server only: -1,--one-off");
  EXPECT_EQ(good("-s -6").family, Family::v6);
}

TEST_F(PerfOptions, BeyondTheLimitsSayIperfsWords) {
  const struct {
    const char* option;
    const char* why;
  } kCases[] = {
      {"-t 86401", "test duration too long (maximum = 86400 seconds)"},
      {"-P 129", "number of parallel streams too large (maximum = 128)"},
      {"-l 1048577", "block size too large (maximum = 1048576 bytes)"},
      {"-w 513M", "socket buffer size too large (maximum = 536870912 bytes)"},
      {"-i 0.05", "invalid report interval (min = 0.1, max = 60 seconds)"},
      {"-i 61", "invalid report interval (min = 0.1, max = 60 seconds)"},
      {"-i x", "invalid report interval (min = 0.1, max = 60 seconds)"},
      {"-M 9217", "TCP MSS too large (maximum = 9216 bytes)"},
      {"-O 61", "bogus value for --omit"},
      {"-b 1M/1001", "invalid burst count (maximum = 1000)"},
      {"-b 1M/", "'' is no whole number"},
      {"-b fast", "'fast' is no rate: give bits a second such as 100M or 1G"},
      {"-n 5x", "'5x' is no size: give bytes such as 1500, 256k or 4M"},
      {"-t 2.5", "'2.5' is no whole number"},
      {"-t 99999999999999999999", "'99999999999999999999' is no whole number"},
      {"-P 0", "'0' is too small: at least 1"},
      {"-M 87", "'87' is too small: at least 88"},
      {"-A x", "'x' is no whole number"},
  };
  for (const auto& [option, why] : kCases) {
    expect_refused(std::string("-c host ") + option, std::string(why) + ": " + option);
  }
}

TEST_F(PerfOptions, TakeTheLastOfSeveral) {
  EXPECT_EQ(asked("-t 3 -t 4").seconds, 4U);
  EXPECT_EQ(good("-s --address 192.0.2.1/24 --address 2001:db8::1/64").config.addresses.size(), 2U);
}

TEST_F(PerfOptions, ThatAreMissingSaySo) {
  const std::string begin = "an option you are trying to set is not implemented yet: ";
  expect_refused(
      "-s -D", begin + "-D,--daemon (it stays in the foreground, for a service manager or nohup)");
  expect_refused("-c host -F file", begin + "-F,--file (streams carry no file)");
  expect_refused("-c host --sctp", begin + "--sctp (there are TCP and UDP)");
}

TEST_F(PerfOptions, ThatAreWrittenTogether) {
  EXPECT_EQ(asked("-P4 -uR -t5").streams, 4U);
  EXPECT_EQ(asked("--parallel=7").streams, 7U);
}

}  // namespace
}  // namespace sluice::perf

#include "dataplane/io/offload_check.hpp"

#include <gmock/gmock.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sys/syscall.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "dataplane/io/clock.hpp"
#include "dataplane/io/forwarding.hpp"
#include "dataplane/io/offload_patterns.hpp"
#include "proto/wire/build.hpp"
#include "tests/dataplane/io/private_network.hpp"

namespace sluice::io {
namespace {

using State = OffloadVerdict::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr unsigned kTso = kOffloadChecksum | kOffloadTso4 | kOffloadTso6;
constexpr unsigned kUso = kOffloadChecksum | kOffloadUso4 | kOffloadUso6;

OffloadReport report_of(std::array<State, kOffloadKinds> states) {
  OffloadReport report;
  for (std::size_t i = 0; i < states.size(); ++i) report.verdicts.at(i) = {states.at(i), "why"};
  return report;
}

// The calling thread's, and those of threads that it starts.
void drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none{};
  ASSERT_EQ(syscall(SYS_capset, &header, none.data()), 0);
}

class OffloadCheck : public PrivateNetwork {};

TEST_F(OffloadCheck, FindsThatOffloadsWork) {
  const OffloadReport report = check_offloads();
  EXPECT_EQ(report.skipped, "");
  for (std::size_t i = 0; i < kOffloadKinds; ++i) {
    const auto offload = static_cast<Offload>(i);
    const OffloadVerdict& verdict = report.of(offload);
    if (verdict.state == State::works) continue;
    // An older kernel, or one without IPv6; nothing else is an excuse.
    EXPECT_NE(verdict.state, State::broken) << name_of(offload) << ": " << verdict.why;
    EXPECT_THAT(verdict.why, testing::AnyOf(HasSubstr("Linux 6.2"), HasSubstr("IPv6")))
        << name_of(offload);
  }
}

// At best: other tests that make namespaces, too, hold up whoever makes one.
TEST_F(OffloadCheck, TakesLessThanASecond) {
  Duration shortest = Duration::seconds(60);
  for (int i = 0; i < 10 && shortest.ms() >= 1000; ++i) {
    const Instant start = now();
    check_offloads();
    shortest = std::min(shortest, now() - start);
  }
  EXPECT_LT(shortest.ms(), 1000);
}

TEST_F(OffloadCheck, LeavesNothingBehind) {
  const auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  const auto before = descriptors();
  const auto network = std::filesystem::read_symlink("/proc/thread-self/ns/net");
  for (int i = 0; i < 5; ++i) check_offloads();
  EXPECT_EQ(descriptors(), before);
  EXPECT_EQ(std::filesystem::read_symlink("/proc/thread-self/ns/net"), network);
  EXPECT_EQ(if_nametoindex("offload0"), 0U);
}

TEST(OffloadReport, SaysWhyNothingCouldBeTested) {
  OffloadReport report;
  std::thread([&report] {
    drop_capabilities();
    report = check_offloads();
  }).join();
  EXPECT_THAT(report.skipped, StartsWith("cannot make a network namespace: "));
  EXPECT_THAT(report.complaints(), ElementsAre("offloads are not tested: " + report.skipped));
  EXPECT_EQ(report.usable({}), Offloads{}) << "what was not tested is not held against it";
}

TEST(OffloadReport, LeavesOutWhatIsBrokenOrRefused) {
  constexpr State W = State::works;
  constexpr State U = State::untested;
  for (const State bad : {State::refused, State::broken}) {
    const auto usable = [](std::array<State, kOffloadKinds> states) {
      return report_of(states).usable({});
    };
    EXPECT_EQ(usable({W, W, W, W, W}), (Offloads{true, true, true}));
    EXPECT_EQ(usable({W, W, U, W, U}), (Offloads{true, true, true}));
    EXPECT_EQ(usable({W, bad, W, W, W}), (Offloads{true, false, true}));
    EXPECT_EQ(usable({W, W, bad, W, W}), (Offloads{true, false, true}));
    EXPECT_EQ(usable({W, W, W, bad, W}), (Offloads{true, true, false}));
    EXPECT_EQ(usable({W, W, W, W, bad}), (Offloads{true, true, false}));
    EXPECT_EQ(usable({bad, W, W, W, W}), (Offloads{false, false, false}));
  }
  const Offloads none{false, false, false};
  EXPECT_EQ(report_of({W, W, W, W, W}).usable(none), none) << "what is not wanted is not used";
}

TEST(OffloadReport, ComplainsOfWhatIsBrokenOnly) {
  EXPECT_THAT(
      report_of({State::works, State::broken, State::untested, State::refused, State::refused})
          .complaints(),
      ElementsAre("offload tso4 is broken on this machine: why"));
  EXPECT_THAT(report_of({}).complaints(), IsEmpty());
}

// The patterns see what goes wrong: each test lets the device or the kernel do something else.
class OffloadPatterns : public PrivateNetwork {
 protected:
  template <typename Check>
  static std::string failure_of(Check check) {
    try {
      check();
    } catch (const OffloadBroken& error) {
      return error.what();
    }
    return "(none)";
  }
};

TEST_F(OffloadPatterns, MissSuperSegmentsOfTheKernel) {
  OffloadLab lab;
  ASSERT_TRUE(lab.try_bits(kOffloadChecksum));
  EXPECT_EQ(failure_of([&] { check_tcp(lab, OffloadNet::v4()); }),
            "from the kernel: the kernel sends no super-segment");
  EXPECT_EQ(failure_of([&] { check_udp(lab, OffloadNet::v4(), kPatternBytes); }),
            "from the kernel: datagrams do not arrive as the socket sent them");
}

TEST_F(OffloadPatterns, MissPacketsThatTheKernelDrops) {
  OffloadLab lab;
  ASSERT_TRUE(lab.try_bits(0));
  EXPECT_EQ(failure_of(
                [&] { check_forwarded(lab, OffloadNet::v4(), wire::kProtocolTcp, kPatternBytes); }),
            "forwarded: no packet arrives");
}

TEST_F(OffloadPatterns, SeeThatTheKernelDoesNotCut) {
  OffloadLab lab;
  if (!try_forwarding()) GTEST_SKIP() << "/proc/sys is read-only";
  ASSERT_TRUE(lab.try_bits(kTso));
  EXPECT_EQ(failure_of(
                [&] { check_forwarded(lab, OffloadNet::v4(), wire::kProtocolTcp, kPatternBytes); }),
            "forwarded: the kernel leaves work to a device without offloads");
}

TEST_F(OffloadPatterns, SeeAWrongSum) {
  OffloadLab lab;
  if (!try_forwarding()) GTEST_SKIP() << "/proc/sys is read-only";
  ASSERT_TRUE(lab.try_bits(0));
  const OffloadNet net = OffloadNet::v4();
  wire::IpFields ip;
  ip.source = net.us;
  ip.destination = net.other;
  wire::Checksum wrong;
  wrong.add_u16(1);
  wire::TcpHeader tcp;
  tcp.source_port = tcp.destination_port = 9;
  std::array<std::uint8_t, wire::kMaxHeaders> headers;
  const std::size_t length = wire::build_tcp_packet(
      headers, ip, tcp, {.length = 1000, .gso_size = 0, .payload_sum = &wrong});
  lab.write(Bytes(headers).first(length), offload_pattern(1000));
  EXPECT_EQ(failure_of([&] { lab.read(net.us, wire::kProtocolTcp); }),
            "a packet arrives malformed: bad_checksum");
}

TEST_F(OffloadPatterns, PassWithEveryOffloadOn) {
  OffloadLab lab;
  const OffloadNet net = lab.has_v6() ? OffloadNet::v6() : OffloadNet::v4();
  const bool uso = lab.try_bits(kTso | kUso);
  ASSERT_TRUE(uso || lab.try_bits(kTso));
  EXPECT_EQ(failure_of([&] { check_tcp(lab, net); }), "(none)");
  EXPECT_EQ(failure_of([&] { check_udp(lab, net, uso ? kPatternBytes : 1000); }), "(none)");
}

}  // namespace
}  // namespace sluice::io

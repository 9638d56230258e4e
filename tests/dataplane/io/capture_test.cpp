#include "dataplane/io/capture.hpp"

#include <gtest/gtest.h>
#include <pcap/pcap.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "dataplane/memory/tx_batch.hpp"
#include "proto/wire/build.hpp"
#include "proto/wire/packet.hpp"

namespace sluice::io {
namespace {

using ByteVector = std::vector<std::uint8_t>;

class CaptureTest : public testing::Test {
 protected:
  CaptureTest() {
    std::string pattern = testing::TempDir() + "sluice-capture-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    path_ = folder_ / "packets.pcap";
  }
  ~CaptureTest() override { std::filesystem::remove_all(folder_); }

  // As libpcap reads it; the file must be sound to its end.
  std::vector<ByteVector> packets() {
    char error[PCAP_ERRBUF_SIZE] = "";
    pcap_t* const file =
        pcap_open_offline_with_tstamp_precision(path_.c_str(), PCAP_TSTAMP_PRECISION_NANO, error);
    EXPECT_NE(file, nullptr) << error;
    if (file == nullptr) return {};
    EXPECT_EQ(pcap_datalink(file), DLT_RAW);
    EXPECT_GE(pcap_snapshot(file), 65'535);
    std::vector<ByteVector> all;
    pcap_pkthdr* header = nullptr;
    const u_char* bytes = nullptr;
    int result = 0;
    while ((result = pcap_next_ex(file, &header, &bytes)) == 1) {
      EXPECT_EQ(header->caplen, header->len);
      EXPECT_LT(header->ts.tv_usec, 1'000'000'000);
      times_.push_back(header->ts);
      all.emplace_back(bytes, bytes + header->caplen);
    }
    EXPECT_EQ(result, PCAP_ERROR_BREAK) << pcap_geterr(file);
    pcap_close(file);
    return all;
  }

  std::filesystem::path folder_;
  std::filesystem::path path_;
  std::vector<timeval> times_;
};

void write(Capture& capture, ByteVector bytes) {
  const iovec whole{bytes.data(), bytes.size()};
  capture.write({&whole, 1});
}

// A packet behind a virtio_net_hdr that asks for nothing.
ByteVector behind_header(const ByteVector& ip) {
  ByteVector bytes(wire::kVirtioNetHeaderSize);
  bytes.insert(bytes.end(), ip.begin(), ip.end());
  return bytes;
}

// Of the clock that stamps the packets: time() reads one that lags behind it by up to a tick.
std::time_t exact_seconds() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec;
}

std::string error_of(const std::string& path) {
  try {
    Capture capture(path);
  } catch (const CaptureError& error) {
    return error.what();
  }
  return "(no error)";
}

TEST_F(CaptureTest, APacketIsReadBackWithItsTime) {
  const ByteVector packet(100, 0x45);
  const std::time_t before = exact_seconds();
  {
    Capture capture(path_);
    write(capture, behind_header(packet));
    write(capture, behind_header({0x60}));
  }
  EXPECT_EQ(packets(), (std::vector<ByteVector>{packet, {0x60}}));
  EXPECT_GE(times_[0].tv_sec, before);
  EXPECT_LE(times_[0].tv_sec, exact_seconds());
  EXPECT_LE(times_[0].tv_sec, times_[1].tv_sec);
}

TEST_F(CaptureTest, TheLargestPacketIsWhole) {
  const ByteVector packet(65'535, 0x45);
  Capture capture(path_);
  write(capture, behind_header(packet));
  capture.flush();
  EXPECT_EQ(packets(), (std::vector<ByteVector>{packet}));
}

TEST_F(CaptureTest, AnEmptyFileIsSound) {
  { Capture capture(path_); }
  EXPECT_TRUE(packets().empty());
}

// A super-segment in pieces, its sum left to the device.
TEST_F(CaptureTest, PiecesAreJoinedAndTheSumIsFinished) {
  const wire::IpFields ip{.source = *IpAddress::parse("10.0.5.101"),
                          .destination = *IpAddress::parse("10.0.5.100")};
  wire::TcpHeader tcp;
  tcp.source_port = 7;
  tcp.destination_port = 41'000;
  tcp.flags = wire::kAck;
  ByteVector payload(5001);
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<std::uint8_t>(i * 7);
  TxPacket sent;
  const auto header = static_cast<std::uint32_t>(
      build_tcp_packet(sent.header, ip, tcp, {.length = 5001, .gso_size = 1460}));
  const std::vector<iovec> pieces = {{sent.header.data(), header},
                                     {payload.data(), 1001},
                                     {payload.data() + 1001, 0},
                                     {payload.data() + 1001, 4000}};
  const auto header_before = sent.header;
  Capture capture(path_);
  capture.write(pieces);
  capture.close();
  EXPECT_EQ(sent.header, header_before);
  const std::vector<ByteVector> found = packets();
  ASSERT_EQ(found.size(), 1U);
  wire::Packet parsed;  // verifies the sum: nothing tells it not to
  ASSERT_EQ(parse_packet(found[0], {}, parsed), DropReason::none);
  ASSERT_EQ(parsed.payload_length, payload.size());
  const auto begin = found[0].begin() + parsed.payload_offset;
  EXPECT_TRUE(std::equal(payload.begin(), payload.end(), begin, found[0].end()));
}

TEST_F(CaptureTest, ImpossibleOffloadFactsChangeNothing) {
  const ByteVector packet(40, 0x45);
  Capture capture(path_);
  for (const auto& [start, offset] :
       {std::pair{0xffff, 0xffff}, {39, 0}, {40, 0}, {20, 0xffff}, {0xffff, 0}}) {
    ByteVector bytes = behind_header(packet);
    wire::build_virtio_net(bytes, {.flags = 0xff,
                                   .gso_type = 0xff,
                                   .header_length = 0xffff,
                                   .gso_size = 0xffff,
                                   .checksum_start = static_cast<std::uint16_t>(start),
                                   .checksum_offset = static_cast<std::uint16_t>(offset)});
    write(capture, bytes);
  }
  capture.close();
  EXPECT_EQ(packets(), std::vector<ByteVector>(5, packet));
}

TEST_F(CaptureTest, WhatHasNoHeaderIsIgnored) {
  Capture capture(path_);
  capture.write({});
  write(capture, {});
  write(capture, ByteVector(wire::kVirtioNetHeaderSize - 1));
  capture.close();
  EXPECT_TRUE(packets().empty());
}

TEST_F(CaptureTest, ManyThreadsWriteWholePackets) {
  constexpr int kThreads = 4;
  constexpr int kEach = 2000;
  {
    Capture capture(path_);
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&capture, i] {
        for (int n = 0; n < kEach; ++n) {
          write(capture, behind_header(ByteVector(static_cast<std::size_t>(20 + n % 100),
                                                  static_cast<std::uint8_t>(i))));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  std::array<std::size_t, kThreads> seen{};
  for (const ByteVector& packet : packets()) {
    ASSERT_EQ(packet, ByteVector(20 + seen.at(packet[0]) % 100, packet[0]));
    ++seen.at(packet[0]);
  }
  for (const std::size_t count : seen) EXPECT_EQ(count, std::size_t{kEach});
}

TEST_F(CaptureTest, AnExistingFileIsReplaced) {
  std::ofstream(path_) << std::string(10'000, 'x');
  { Capture capture(path_); }
  EXPECT_TRUE(packets().empty());
}

TEST_F(CaptureTest, SaysWhyAFileCannotBeWritten) {
  EXPECT_EQ(error_of(folder_),
            "cannot write capture file '" + folder_.string() + "': Is a directory");
  EXPECT_EQ(error_of(folder_ / "no" / "such"), "cannot write capture file '" + folder_.string() +
                                                   "/no/such': No such file or directory");
  EXPECT_EQ(error_of(""), "cannot write capture file '': No such file or directory");
}

TEST_F(CaptureTest, AFullDiskIsToldByFlushAndClose) {
  if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full";
  Capture capture("/dev/full");
  for (int i = 0; i < 10; ++i) write(capture, behind_header(ByteVector(60'000, 0x45)));
  for (int i = 0; i < 2; ++i) {
    try {
      capture.flush();
      FAIL() << "flush() says nothing";
    } catch (const CaptureError& error) {
      EXPECT_STREQ(error.what(), "cannot write capture file '/dev/full': No space left on device");
    }
  }
  EXPECT_THROW(capture.close(), CaptureError);
}

TEST_F(CaptureTest, NothingIsWrittenAfterClose) {
  Capture capture(path_);
  capture.close();
  write(capture, behind_header({0x45}));
  capture.flush();
  capture.close();
  EXPECT_TRUE(packets().empty());
}

}  // namespace
}  // namespace sluice::io

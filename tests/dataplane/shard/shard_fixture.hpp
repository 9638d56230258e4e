// A shard at 10.0.5.101 and fd05::101, and a peer at .7 of another network.
#pragma once

#include "tests/support/shard_host.hpp"

namespace sluice::test {

inline FlowKey v4_flow(std::uint16_t remote_port = 5000, std::uint16_t local_port = 80) {
  return {*IpAddress::parse("10.0.5.101"), *IpAddress::parse("192.0.2.7"), local_port, remote_port};
}
inline FlowKey v6_flow(std::uint16_t remote_port = 5000, std::uint16_t local_port = 80) {
  return {*IpAddress::parse("fd05::101"), *IpAddress::parse("2001:db8::7"), local_port,
          remote_port};
}

inline TcpText text(std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledgment = 0,
                    std::string_view payload = {}) {
  TcpText made;
  made.flags = flags;
  made.sequence = sequence;
  made.acknowledgment = acknowledgment;
  made.payload.assign(payload.begin(), payload.end());
  return made;
}

class ShardTest : public ::testing::Test {
 protected:
  void make(const ShardOptions& options) { host_.emplace(options); }
  ShardHost& host() {
    if (!host_) host_.emplace(shard_options());
    return *host_;
  }
  Shard& shard() { return host().shard(); }

  void listens(std::uint16_t port = 80, std::uint32_t backlog = 16) {
    ListenCommand listen;
    listen.options.port = port;
    listen.options.backlog = backlog;
    listen.acceptor = [this](Stream&) { return accepts ? &app : nullptr; };
    host().command(std::move(listen));
  }
  DropReason gives(const FlowKey& flow, const TcpText& what) {
    return host().gives(tcp_packet(flow, what));
  }
  // SYN and SYN-ACK; the peer's ISN is 1000. Returns ours.
  std::uint32_t half_opens(const FlowKey& flow) {
    TcpText syn = text(wire::kSyn, 1000);
    syn.options.has_mss = true;
    syn.options.mss = 1440;
    EXPECT_EQ(gives(flow, syn), DropReason::none);
    const SentPacket answer = host().takes_one();
    EXPECT_EQ(answer.packet.tcp.flags, wire::kSyn | wire::kAck);
    EXPECT_EQ(answer.packet.tcp.acknowledgment, 1001U);
    return answer.packet.tcp.sequence;
  }
  // The peer's next byte is 1001; returns the number of ours.
  std::uint32_t opens(const FlowKey& flow) {
    const std::uint32_t ours = half_opens(flow) + 1;
    EXPECT_EQ(gives(flow, text(wire::kAck, 1001, ours)), DropReason::none);
    EXPECT_TRUE(host().is_silent());
    return ours;
  }
  // Into TIME-WAIT: we close first. The peer's next byte is 1002 then; returns ours.
  std::uint32_t waits(const FlowKey& flow) {
    const std::uint32_t ours = opens(flow);
    app.stream->close();
    EXPECT_EQ(host().takes_one().packet.tcp.flags, wire::kFin | wire::kAck);
    EXPECT_EQ(gives(flow, text(wire::kFin | wire::kAck, 1001, ours + 1)), DropReason::none);
    EXPECT_EQ(host().takes_one().packet.tcp.acknowledgment, 1002U);
    EXPECT_EQ(shard().connections(), 0U);
    EXPECT_EQ(shard().stats().time_waits, 1U);
    return ours + 1;
  }

  void TearDown() override {
    if (!host_ || shard().connections() != 0) return;
    EXPECT_TRUE(host_->is_all_home());
  }

  Witness app;
  bool accepts = true;

 private:
  std::optional<ShardHost> host_;
};

}  // namespace sluice::test

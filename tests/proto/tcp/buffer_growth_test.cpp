// Buffers that follow path and application, as a peer sees them.
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

class BufferGrowth : public Conversation {
 protected:
  void opens_wide() {
    peer.says = {.mss = 1000, .scale = 10, .timestamps = true, .sack = true};
    peer.opens();
    peer.expects(syn_ack().ack(1));
    peer.after(100_ms);
    peer.sends(ack(1));
  }
  // What the peer may send now is sent, `round_trips` times; all but `share` is read at once.
  void fills_the_window(int round_trips, double share = 1) {
    for (int i = 0; i < round_trips; ++i) {
      std::uint32_t left = std::min(peer.connection().rcv_wnd(), kPerRoundTrip);
      while (left > 0) {
        const std::uint32_t length = std::min(left, 60'000u);
        EXPECT_EQ(peer.sends(data(length).gso(1000)), DropReason::none);
        left -= length;
        app.reads(static_cast<std::uint32_t>(peer.connection().readable() * share));
        peer.drains();
      }
      peer.ignores_for(100_ms);
    }
  }
  Seq edge() { return peer.connection().rcv_nxt() + peer.connection().rcv_wnd(); }
  static constexpr std::uint32_t kPerRoundTrip = 1'250'000;  // 100 Mbit/s and 100 ms
};

TEST_F(BufferGrowth, the_window_opens_for_a_reader_on_a_long_path) {
  opens_wide();
  EXPECT_LE(peer.connection().rcv_wnd(), 65'535u);
  fills_the_window(8);
  EXPECT_GE(peer.connection().rcv_wnd(), 2 * kPerRoundTrip - 2048);
  EXPECT_LE(peer.connection().rcv_wnd(), 8 * kPerRoundTrip);
}

TEST_F(BufferGrowth, the_window_stays_for_a_slow_reader) {
  opens_wide();
  fills_the_window(20, 0.05);
  EXPECT_EQ(peer.connection().receive_buffer_bytes(), 65'535u);
  app.reads_all();
  peer.drains();
}

TEST_F(BufferGrowth, the_edge_never_moves_left_while_it_grows) {
  opens_wide();
  Seq last = edge();
  for (int i = 0; i < 20; ++i) {
    fills_the_window(1, i % 3 == 0 ? 0.2 : 1);
    EXPECT_GE(edge(), last);
    last = edge();
  }
  app.reads_all();
  peer.drains();
}

TEST_F(BufferGrowth, the_limit_is_kept) {
  peer.settings.receive_buffer_bytes = 300'000;
  opens_wide();
  fills_the_window(10);
  EXPECT_EQ(peer.connection().receive_buffer_bytes(), 300'000u);
  EXPECT_LE(peer.connection().rcv_wnd(), 300'000u);
  EXPECT_GE(peer.connection().rcv_wnd(), 299'000u);
}

TEST_F(BufferGrowth, a_buffer_that_starts_at_its_limit_is_of_that_size) {
  peer.settings.receive_buffer_bytes = peer.settings.initial_receive_buffer_bytes = 200'000;
  opens_wide();
  fills_the_window(5);
  EXPECT_EQ(peer.connection().receive_buffer_bytes(), 200'000u);
}

struct ScaleRow {
  std::uint32_t limit;
  std::uint8_t scale;
};

// RFC 7323 2.3: the shift is for the largest window there will be, not for the first one.
TEST_F(BufferGrowth, RFC7323_R7323_1_the_scale_is_chosen_for_the_limit) {
  for (const ScaleRow row :
       {ScaleRow{65'535, 0}, {65'536, 1}, {1 << 20, 5}, {32 << 20, 10}, {1 << 30, 14}}) {
    Peer other;
    other.settings.receive_buffer_bytes = row.limit;
    other.called();
    other.expects(syn().win(65'535));
    EXPECT_EQ(other.last().options.window_scale, row.scale) << row.limit;
  }
}

// --- sending --------------------------------------------------------------------------------

TEST_F(BufferGrowth, the_send_buffer_follows_the_congestion_window) {
  peer.settings.initial_send_buffer_bytes = 20'000;
  peer.says = {.mss = 1000, .window = 65'535, .scale = 10};
  peer.connects();
  std::uint32_t acked = 1;
  for (int i = 0; i < 6; ++i) {
    app.sends(1 << 20);
    peer.drains();
    acked += peer.connection().pipe();
    peer.sends(ack(acked));
    EXPECT_GE(peer.connection().send_buffer_bytes(), peer.connection().congestion().window());
  }
  EXPECT_GE(peer.connection().send_buffer_bytes(), 90'000u);
  app.aborts();
  peer.drains();
}

TEST_F(BufferGrowth, the_send_buffer_keeps_its_limit) {
  peer.settings.initial_send_buffer_bytes = 20'000;
  peer.settings.send_buffer_bytes = 50'000;
  peer.says = {.mss = 1000, .window = 65'535, .scale = 10};
  peer.connects();
  std::uint32_t acked = 1;
  for (int i = 0; i < 6; ++i) {
    app.sends(1 << 20);
    peer.drains();
    acked += peer.connection().pipe();
    peer.sends(ack(acked));
  }
  EXPECT_EQ(peer.connection().send_buffer_bytes(), 50'000u);
  app.aborts();
  peer.drains();
}

// Nobody waits for room: what is sent now and then needs none.
TEST_F(BufferGrowth, the_send_buffer_of_a_lazy_application_stays) {
  peer.settings.initial_send_buffer_bytes = 20'000;
  peer.connects();
  std::uint32_t acked = 1;
  for (int i = 0; i < 30; ++i) {
    app.sends(5000);
    peer.drains();
    acked += 5000;
    peer.sends(ack(acked));
  }
  EXPECT_EQ(peer.connection().send_buffer_bytes(), 20'000u);
}

}  // namespace
}  // namespace sluice::tcp

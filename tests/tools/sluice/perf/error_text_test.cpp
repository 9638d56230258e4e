// What iperf3 prints for a code.
#include "tools/sluice/perf/error_text.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace sluice::perf {
namespace {

TEST(ErrorText, NamesWhatTheSystemSaid) {
  EXPECT_EQ(error_text(ErrorCode::connect, ECONNREFUSED),
            "unable to connect to server: Connection refused");
  EXPECT_EQ(error_text(ErrorCode::stream_listen, EADDRINUSE),
            "unable to start stream listener: Address already in use");
}

TEST(ErrorText, IsSilentOfAnErrnoThatMeansNothing) {
  EXPECT_EQ(error_text(ErrorCode::control_closed, ECONNREFUSED),
            "control socket has closed unexpectedly");
  EXPECT_EQ(error_text(ErrorCode::busy), "the server is busy running a test. try again later");
  EXPECT_EQ(error_text(ErrorCode::receive_results), "unable to receive results");
}

TEST(ErrorText, TakesAnyNumberOfAPeer) {
  EXPECT_EQ(error_text(static_cast<ErrorCode>(28)), "int_errno=28");
  EXPECT_EQ(error_text(static_cast<ErrorCode>(INT32_MIN), ECONNRESET),
            "int_errno=-2147483648: Connection reset by peer");
  EXPECT_FALSE(error_text(ErrorCode::connect, -7).empty());
}

}  // namespace
}  // namespace sluice::perf

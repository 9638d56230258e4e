#include "tools/sluice/packet_view.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <system_error>

#include "proto/wire/describe.hpp"
#include "proto/wire/format.hpp"

namespace sluice {
namespace {

// The local time of day, to the microsecond.
std::string time_text() {
  using std::chrono::microseconds;
  using std::chrono::system_clock;
  const auto now = std::chrono::time_point_cast<microseconds>(system_clock::now());
  const std::int64_t fraction = now.time_since_epoch().count() % 1'000'000;
  return fmt::format("{:%H:%M:%S}.{:06}", fmt::localtime(system_clock::to_time_t(now)), fraction);
}

}  // namespace

PacketView::PacketView(const PacketViewOptions& options) : options_(options) {
  if (options_.file) capture_.emplace(*options_.file);
}

void PacketView::show(MutableBytes packet) {
  ++shown_;
  if (capture_) {
    const iovec whole{packet.data(), packet.size()};
    capture_->write({&whole, 1});
  }
  if (!options_.quiet && !lost_reader_) print(packet);
}

void PacketView::print(Bytes packet) {
  const wire::VirtioNetHeader offload = wire::parse_virtio_net(packet);
  const Bytes ip = packet.subspan(wire::kVirtioNetHeaderSize);
  const std::string text =
      options_.one_line ? fmt::format("{} {}\n", time_text(), wire::format_packet(ip, offload))
                        : fmt::format("packet {}, {}, {} bytes\n{}\n", shown_, time_text(),
                                      ip.size(), wire::describe_packet(ip, offload));
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) on_output_error(errno);
}

void PacketView::flush() {
  if (capture_) capture_->flush();
  if (!lost_reader_ && std::fflush(stdout) != 0) on_output_error(errno);
}

void PacketView::close() {
  if (capture_) capture_->close();
  flush();
}

void PacketView::on_output_error(int error) {
  if (error == EPIPE) return on_lost_reader();
  throw std::runtime_error("cannot write to standard output: " +
                           std::generic_category().message(error));
}

}  // namespace sluice

#include "tools/sluice/dump.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "dataplane/io/network_namespace.hpp"
#include "dataplane/io/tun.hpp"
#include "proto/wire/virtio_net.hpp"
#include "tools/sluice/options.hpp"
#include "tools/sluice/packet_view.hpp"

namespace sluice {
namespace {

struct DumpOptions {
  Config config;  // of it, the device
  std::string netns;
  PacketViewOptions view;
  std::optional<std::int64_t> count;  // packets to end after
};

constexpr const char* kExamples = R"(
Examples:
  sluice dump --netns demo           in a network namespace of its own, gone at the end
  ip netns exec demo ping 10.0.5.101 what it then shows (there is no answer)
  sluice dump --netns demo -1 -c 10  ten packets, a line each
  sluice dump --netns demo -w packets.pcap --quiet

The device has no offloads: each packet is complete, as on a wire.
SIGINT and SIGTERM end it with exit code 0.)";

constexpr std::size_t kLargestPacket = 65'535 + wire::kVirtioNetHeaderSize;
constexpr int kPacketsInTurn = 64;  // before looking for a signal again

[[noreturn]] void fail_system(const std::string& what, int error) {
  throw std::runtime_error(what + ": " + std::generic_category().message(error));
}

void check(const DumpOptions& options) {
  std::string problems;
  for (const std::string& problem : options.config.validate()) {
    problems += (problems.empty() ? "" : "\n") + problem;
  }
  if (!problems.empty()) fail(problems);
  if (options.count && *options.count < 1) {
    fail(fmt::format("--count {}: give the number of packets to end after", *options.count));
  }
  if (options.view.quiet && !options.view.file) fail("--quiet needs --write FILE");
}

// No offloads are asked for: the kernel finishes sums and cuts segments before we read.
io::Tun open_device(const Config& config) {
  io::Tun tun = io::Tun::open(config.tun_name, 1);
  tun.set_mtu(config.mtu);
  for (const Cidr& address : config.addresses) tun.add_address(address);
  tun.set_queue_length(config.queue_length);
  return tun;
}

// The loop: packets in, until something ends it.
class Dump {
 public:
  Dump(const DumpOptions& options, const io::Tun& tun, PacketView& view, const sigset_t& signals)
      : tun_(tun),
        view_(view),
        watches_reader_(!options.view.quiet),
        limit_(static_cast<std::uint64_t>(options.count.value_or(0))),
        buffer_(kLargestPacket) {
    signals_ = io::UniqueFd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_) fail_system("cannot wait for signals", errno);
  }

  // Until a signal comes, all packets asked for are shown, or nobody reads stdout any more.
  void run() {
    while (true) {
      const bool idle = take_turn();
      if (idle) view_.flush();
      if (is_done() || is_ended(idle ? -1 : 0)) return;
    }
  }

 private:
  bool is_done() const {
    return view_.has_lost_reader() || (limit_ != 0 && view_.shown() == limit_);
  }

  // Shows what has arrived; true when nothing more is there.
  bool take_turn() {
    for (int i = 0; i < kPacketsInTurn && !is_done(); ++i) {
      const ssize_t length = read(tun_.descriptor(0), buffer_.data(), buffer_.size());
      if (length < 0 && errno == EAGAIN) return true;
      if (length < 0) fail_system("cannot read from " + tun_.name(), errno);
      const auto bytes = static_cast<std::size_t>(length);
      if (bytes >= wire::kVirtioNetHeaderSize) view_.show(MutableBytes(buffer_).first(bytes));
    }
    return false;
  }

  // Waits, for a packet at most; true when a signal or the end of the reader came instead.
  bool is_ended(int timeout_ms) {
    std::array<pollfd, 3> events{{{tun_.descriptor(0), POLLIN, 0},
                                  {signals_.get(), POLLIN, 0},
                                  {watches_reader_ ? STDOUT_FILENO : -1, 0, 0}}};
    if (poll(events.data(), events.size(), timeout_ms) < 0) return false;
    if ((events[2].revents & POLLERR) != 0) view_.on_lost_reader();
    return events[1].revents != 0 || view_.has_lost_reader();
  }

  const io::Tun& tun_;
  PacketView& view_;
  const bool watches_reader_;
  const std::uint64_t limit_;  // packets; 0: none
  io::UniqueFd signals_;
  std::vector<std::uint8_t> buffer_;
};

void say_what_happened(const PacketView& view, const io::Tun& tun) {
  const std::uint64_t dropped = tun.tx_dropped();
  std::string line = fmt::format("{} packet{}", view.shown(), view.shown() == 1 ? "" : "s");
  if (dropped != 0) line += fmt::format(", {} more dropped by the kernel", dropped);
  fmt::print(stderr, "sluice: {}\n", line);
}

void dump(const DumpOptions& options) {
  check(options);
  try {
    const sigset_t signals = block_signals({SIGINT, SIGTERM});
    std::optional<io::NetworkNamespace> netns;
    if (!options.netns.empty()) netns.emplace(options.netns);
    io::Tun tun = open_device(options.config);
    PacketView view(options.view);
    Dump loop(options, tun, view, signals);
    tun.set_up();
    fmt::print(stderr, "sluice: listening on {}, MTU {}\n", tun.name(), tun.mtu());
    loop.run();
    view.close();
    if (!view.has_lost_reader()) say_what_happened(view, tun);
  } catch (const std::runtime_error& error) {
    fail(error.what());
  }
}

}  // namespace

void add_dump_command(CLI::App& app) {
  auto options = std::make_shared<DumpOptions>();
  CLI::App& command =
      *app.add_subcommand("dump", "Show each packet that the kernel sends into the device");
  command.footer(kExamples);
  add_device_options(command, options->config, options->netns);
  command.add_flag("-1,--one-line", options->view.one_line, "One line a packet, as tcpdump");
  command.add_option("-c,--count", options->count, "End after so many packets")->type_name("N");
  command.add_option("-w,--write", options->view.file, "Write the packets to a pcap file, too")
      ->type_name("FILE");
  command.add_flag("-q,--quiet", options->view.quiet, "With --write: show nothing");
  command.callback([options] { dump(*options); });
}

}  // namespace sluice

// sluice_bare: a TUN device with the least behind it that stock TCP peers talk to (ceiling.hpp).
// Its figures are what no stack on one queue of such a device can beat. Runs in the current network
// namespace until a signal ends it; the device goes with the process.
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "bench/bare/ceiling.hpp"
#include "dataplane/io/cpu.hpp"
#include "dataplane/io/tun.hpp"

namespace sluice::bare {
namespace {

constexpr std::size_t kFrameBytes = wire::kVirtioNetHeaderSize + 65'535;
constexpr int kReadsAtOnce = 16;  // between acknowledgements: 10 to 40 % faster than one
constexpr int kSilenceMs = 200;

struct Options {
  std::string tun = "tun1";
  std::vector<std::string> addresses{"10.0.5.100/24"};
  std::uint32_t mtu = 1500;
  std::uint32_t queue_length = 32'768;
  std::optional<std::uint32_t> pin;
};

bool open_device(io::Tun& tun, const Options& options) {
  const bool tso = tun.set_offloads({.checksum = true, .tso = true}).tso;
  tun.set_mtu(options.mtu);
  tun.set_queue_length(options.queue_length);
  for (const std::string& text : options.addresses) {
    const auto address = Cidr::parse(text);
    if (!address) throw std::runtime_error("--address " + text + ": give such as 10.0.5.100/24");
    tun.add_address(*address);
  }
  tun.set_up();
  return tso;
}

// Hands over what has arrived, a batch at most; true when the batch was full.
bool read_batch(int fd, MutableBytes frame, Ceiling& ceiling) {
  for (int i = 0; i < kReadsAtOnce; ++i) {
    const ssize_t length = read(fd, frame.data(), frame.size());
    if (length > 0) {
      ceiling.on_packet(frame.first(static_cast<std::size_t>(length)));
      continue;
    }
    if (errno == EAGAIN || errno == EINTR) return false;
    throw std::system_error(errno, std::generic_category(), "cannot read from the device");
  }
  return true;
}

[[noreturn]] void serve(int fd, Ceiling& ceiling) {
  std::vector<std::uint8_t> frame(kFrameBytes);
  while (true) {
    const bool more_to_read = read_batch(fd, frame, ceiling);
    const bool more_to_send = ceiling.flush();
    if (more_to_read || more_to_send) continue;
    pollfd watched{fd, POLLIN, 0};
    if (poll(&watched, 1, kSilenceMs) == 0) ceiling.on_silence();
  }
}

void run(const Options& options) {
  if (options.pin) io::pin_to_cpu(*options.pin);
  io::Tun tun = io::Tun::open(options.tun, 1);
  const bool tso = open_device(tun, options);
  std::printf("ready: %s, MTU %u, %s\n", options.tun.c_str(), options.mtu,
              tso ? "tso+checksum" : "no tso");
  std::fflush(stdout);
  Ceiling ceiling(tun.descriptor(0), options.mtu, tso);
  serve(tun.descriptor(0), ceiling);
}

}  // namespace
}  // namespace sluice::bare

int main(int argc, char** argv) {
  sluice::bare::Options options;
  CLI::App app("sluice_bare: a TUN sink and source that does no TCP worth the name");
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return "sluice_bare: " + std::string(error.what()) + " (see sluice_bare --help)\n";
  });
  app.add_option("--tun", options.tun, "Name of the TUN device it makes")->capture_default_str();
  app.add_option("--address", options.addresses,
                 "The kernel's address with its prefix; every other one is answered. Repeatable")
      ->type_name("CIDR")
      ->capture_default_str();
  app.add_option("--mtu", options.mtu, "Largest IP packet, in bytes")->capture_default_str();
  app.add_option("--queue-length", options.queue_length, "Packets that may wait for it")
      ->capture_default_str();
  app.add_option("--pin", options.pin, "CPU to run on");
  CLI11_PARSE(app, argc, argv);
  try {
    sluice::bare::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sluice_bare: %s\n", error.what());
    return 1;
  }
}

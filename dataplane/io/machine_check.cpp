#include "dataplane/io/machine_check.hpp"

#include <fcntl.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "dataplane/io/cpu.hpp"
#include "dataplane/io/lent_frames.hpp"
#include "dataplane/io/offload_check.hpp"
#include "dataplane/io/permission.hpp"
#include "dataplane/io/steering.hpp"
#include "dataplane/io/uring.hpp"
#include "dataplane/memory/frame_pool.hpp"

namespace sluice::io {
namespace {

using Answer = Finding::Answer;

constexpr const char* kNowhere = "no device of our own to try it on";
constexpr std::string_view kPollInstead = "; the engine uses poll instead";

// Empty when `action` throws nothing of this kind.
template <typename Error, typename Action>
std::string refusal_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

std::string driver_refusal() {
  return refusal_of<TunError>([] { open_tun_driver(); });
}

class MachineCheck {
 public:
  MachineReport run() {
    check_system();
    check_permissions();
    check_uring();
    if (driver_refusal().empty() && enter_private_network() != PrivateNetwork::none) {
      check_device();
      add_offloads(check_offloads());
    } else {
      add("multi_queue", Answer::unknown, kNowhere);
      add("steering", Answer::unknown, kNowhere);
      OffloadReport untested;
      untested.skipped = kNowhere;
      add_offloads(untested);
    }
    return std::move(report_);
  }

 private:
  void add(std::string name, Answer answer, std::string text) {
    report_.findings.push_back({std::move(name), answer, std::move(text)});
  }
  // Yes with `text`, unless there is a reason why not.
  void add_unless(std::string name, const std::string& why_not, const char* text) {
    const bool is_there = why_not.empty();
    add(std::move(name), is_there ? Answer::yes : Answer::no, is_there ? text : why_not);
  }
  void mark_needed() { report_.findings.back().needed = true; }

  void check_system();
  void check_permissions();
  void check_uring();
  void check_uring_features();
  void check_device();
  void add_offloads(const OffloadReport& offloads);

  MachineReport report_;
};

void MachineCheck::check_system() {
  utsname name{};
  uname(&name);
  add("kernel", Answer::yes, std::string(name.sysname) + " " + name.release);
  const std::vector<std::uint32_t> cpus = allowed_cpus();
  std::string list;
  for (const std::uint32_t cpu : cpus) list += " " + std::to_string(cpu);
  add("cpus", Answer::yes, std::to_string(cpus.size()) + ":" + list);
}

void MachineCheck::check_permissions() {
  add_unless("tun_driver", driver_refusal(), "/dev/net/tun opens");
  mark_needed();
  add_unless("permission", why_no_device(), "this process may make network devices");
  mark_needed();
  add_unless("user_namespaces", why_no_user_namespace(),
             "ordinary users may make a network of their own (unshare -Urn)");
}

std::string explain_uring(int error) {
  std::string line = std::generic_category().message(error);
  if (error == EPERM) {
    line += " (sysctl kernel.io_uring_disabled, or the seccomp profile of a container)";
  } else if (error == ENOSYS) {
    line += " (this kernel has none)";
  }
  return line;
}

void MachineCheck::check_uring() {
  io_uring ring{};
  const int result = io_uring_queue_init(8, &ring, 0);
  if (result < 0) {
    return add("io_uring", Answer::no, explain_uring(-result) + std::string(kPollInstead));
  }
  io_uring_queue_exit(&ring);
  add("io_uring", Answer::yes, "a ring can be made");
  check_uring_features();
}

// Each as the engine uses it.
void MachineCheck::check_uring_features() {
  const UniqueFd file(::open("/dev/null", O_RDWR | O_CLOEXEC));  // to register
  const std::array files{file.get()};
  try {
    Uring ring(8, 8, files);
    add("defer_taskrun", Answer::yes, "single issuer, with its work deferred to its own calls");
    FramePool pool(0, 0);
    const std::string no_buffers =
        refusal_of<std::system_error>([&] { const LentFrames frames(ring, pool, 8); });
    add_unless("buffer_rings", no_buffers + (no_buffers.empty() ? "" : " (Linux 5.19 has them)"),
               "the kernel takes frames by itself");
    add_unless(
        "read_multishot",
        ring.supports(kReadMultishot) ? "" : "Linux 6.7 has it; plain reads are used instead",
        "one request reads all packets");
    add_unless(
        "msg_ring",
        ring.supports(IORING_OP_MSG_RING) ? "" : "Linux 5.18 has it; eventfd is used instead",
        "workers wake each other through their rings");
    report_.uring = true;
  } catch (const std::system_error& error) {
    add("defer_taskrun", Answer::no,
        error.code().message() + " (Linux 6.1 has it)" + std::string(kPollInstead));
  }
}

void MachineCheck::check_device() {
  try {
    Tun tun = Tun::open("check0", 2);
    add("multi_queue", Answer::yes, "a device has a queue for each worker");
    const std::string problem = try_steer(tun, FlowHashKeys{}, 0);
    add_unless("steering", problem, "an eBPF program brings each flow to its worker");
    report_.steering = problem.empty();
    constexpr unsigned kTso = kOffloadChecksum | kOffloadTso4 | kOffloadTso6;
    add_unless("offload_tso_ecn",
               tun.try_offload_bits(kTso | kOffloadTsoEcn) ? "" : "the kernel does not take it",
               "taken by the kernel");
  } catch (const TunError& error) {
    add("multi_queue", Answer::no, error.what());
  }
}

void MachineCheck::add_offloads(const OffloadReport& offloads) {
  using State = OffloadVerdict::State;
  report_.offloads = offloads.usable({});
  for (std::size_t i = 0; i < kOffloadKinds; ++i) {
    const auto offload = static_cast<Offload>(i);
    const OffloadVerdict& verdict = offloads.of(offload);
    const std::string name = "offload_" + std::string(name_of(offload));
    switch (verdict.state) {
      case State::works: add(name, Answer::yes, "known patterns come through, both ways"); break;
      case State::refused: add(name, Answer::no, verdict.why); break;
      case State::broken: add(name, Answer::no, "broken: " + verdict.why); break;
      case State::untested:
        add(name, Answer::unknown, offloads.skipped + verdict.why);  // one of them is empty
        break;
    }
  }
}

}  // namespace

std::vector<Finding> MachineReport::missing() const {
  std::vector<Finding> result;
  std::copy_if(findings.begin(), findings.end(), std::back_inserter(result),
               [](const Finding& f) { return f.needed && f.answer != Answer::yes; });
  return result;
}

MachineReport check_machine() {
  return MachineCheck().run();
}

}  // namespace sluice::io

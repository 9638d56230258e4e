#include "dataplane/io/cpu.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

namespace sluice::io {
namespace {

// More CPUs than Linux can be built for (CONFIG_NR_CPUS is at most 8,192). glibc's cpu_set_t ends
// at 1,024, and the kernel refuses a set that is shorter than its own.
constexpr std::uint32_t kMaxCpus = 8192;

class CpuSet {
 public:
  CpuSet() { CPU_ZERO_S(sizeof sets_, sets_.data()); }
  bool contains(std::uint32_t cpu) const { return CPU_ISSET_S(cpu, sizeof sets_, sets_.data()); }
  void add(std::uint32_t cpu) { CPU_SET_S(cpu, sizeof sets_, sets_.data()); }
  cpu_set_t* data() { return sets_.data(); }
  std::size_t bytes() const { return sizeof sets_; }

 private:
  std::array<cpu_set_t, kMaxCpus / CPU_SETSIZE> sets_;
};

}  // namespace

std::vector<std::uint32_t> allowed_cpus() {
  CpuSet set;
  if (sched_getaffinity(0, set.bytes(), set.data()) != 0) {
    throw std::system_error(errno, std::generic_category(), "sched_getaffinity");
  }
  std::vector<std::uint32_t> cpus;
  for (std::uint32_t cpu = 0; cpu < kMaxCpus; ++cpu) {
    if (set.contains(cpu)) cpus.push_back(cpu);
  }
  return cpus;
}

void pin_to_cpu(std::uint32_t cpu) {
  CpuSet set;
  if (cpu < kMaxCpus) set.add(cpu);  // an empty set is refused, as a CPU that is not there
  if (sched_setaffinity(0, set.bytes(), set.data()) != 0) {
    throw std::system_error(errno, std::generic_category(),
                            "cannot run on CPU " + std::to_string(cpu));
  }
}

void prepare_worker_thread(const char* name) {
  // Both only make a worker better, and cannot fail for a thread of ours.
  prctl(PR_SET_TIMERSLACK, 1UL);
  std::array<char, 16> short_name{};
  std::strncpy(short_name.data(), name, short_name.size() - 1);
  pthread_setname_np(pthread_self(), short_name.data());
}

}  // namespace sluice::io

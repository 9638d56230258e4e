#include "tools/sluice/perf/identity.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>

#include "dataplane/sluice.h"

namespace sluice::perf {

std::string version_text() {
  return fmt::format("sluice {}.{}.{}", SLUICE_VERSION_MAJOR, SLUICE_VERSION_MINOR,
                     SLUICE_VERSION_PATCH);
}

std::string system_text() {
  utsname system{};
  if (::uname(&system) != 0) return "unknown";
  return fmt::format("{} {} {} {} {}", system.sysname, system.nodename, system.release,
                     system.version, system.machine);
}

}  // namespace sluice::perf

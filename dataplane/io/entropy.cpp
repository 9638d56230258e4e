#include "dataplane/io/entropy.hpp"

#include <sys/random.h>

#include <cerrno>
#include <system_error>

namespace sluice::io {

void fill_random(MutableBytes out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace sluice::io

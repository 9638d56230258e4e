#include "tests/fuzz/calls/trail.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace sluice::calls {

std::string name_of_error(std::int64_t result) {
  if (result >= 0 || result < -4095) return "";
  const char* const name = strerrorname_np(static_cast<int>(-result));
  return name == nullptr ? "" : name;
}

void Trail::begin(std::string how) {
  how_ = std::move(how);
  calls_before_ = calls_;
  last_ = {};
}

void Trail::note(const Call& call) {
  last_[calls_++ % kRemembered] = call;
  Results* row = results_.data();
  while (row->name != nullptr && std::strcmp(row->name, call.name) != 0) ++row;
  row->name = call.name;
  if (call.result >= 0) {
    ++row->good;
  } else {
    ++row->errors[std::min<std::uint64_t>(static_cast<std::uint64_t>(-call.result), 255)];
  }
}

void Trail::judge(const Call& call, std::span<const int> errors) {
  note(call);
  if (call.result >= 0) return;
  const auto error = static_cast<int>(-call.result);
  if (error == EBADF || error == EINVAL || error == EBUSY) return;
  if (error == ENOMEM && refuses_memory_) return;
  if (std::ranges::find(errors, error) != errors.end()) return;
  const std::string name = name_of_error(call.result);
  fail("its documentation does not promise " + (name.empty() ? "this result" : name));
}

void Trail::fail(const std::string& what) const {
  const std::uint64_t in_world = calls_ - calls_before_;
  for (std::uint64_t i = in_world - std::min<std::uint64_t>(in_world, kRemembered); i < in_world;
       ++i) {
    const Call& call = last_[(calls_before_ + i) % kRemembered];
    const std::string error = name_of_error(call.result);
    std::fprintf(stderr, "%8llu %12.6f s  stack %u: %s(%lld, %lld, %lld) = %lld %s\n",
                 static_cast<unsigned long long>(i), static_cast<double>(call.now_ns) * 1e-9,
                 call.stack, call.name, static_cast<long long>(call.handle),
                 static_cast<long long>(call.second), static_cast<long long>(call.third),
                 static_cast<long long>(call.result), error.c_str());
  }
  std::fprintf(stderr, "sluice_calls: %s\nrepeat it with: %s\n", what.c_str(), how_.c_str());
  std::exit(EXIT_FAILURE);
}

std::string Trail::summary() const {
  std::string text;
  for (const Results& row : results_) {
    if (row.name == nullptr) break;
    text += std::string(row.name) + ": ok " + std::to_string(row.good);
    for (std::size_t error = 0; error < row.errors.size(); ++error) {
      if (row.errors[error] == 0) continue;
      text += " " + name_of_error(-static_cast<std::int64_t>(error)) + " " +
              std::to_string(row.errors[error]);
    }
    text += "\n";
  }
  return text;
}

}  // namespace sluice::calls

#include "proto/wire/drop_reason.hpp"

#include <array>

namespace sluice {
namespace {

constexpr std::array<std::string_view, kDropReasons> kNames = {"none",
#define SLUICE_DROP_NAME(name) #name,
                                                               SLUICE_DROP_REASONS(SLUICE_DROP_NAME)
#undef SLUICE_DROP_NAME
};

}  // namespace

std::string_view drop_reason_name(DropReason reason) {
  return kNames[static_cast<std::size_t>(reason)];
}

}  // namespace sluice

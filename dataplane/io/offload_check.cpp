#include "dataplane/io/offload_check.hpp"

#include <exception>
#include <thread>

#include "dataplane/io/forwarding.hpp"
#include "dataplane/io/offload_patterns.hpp"
#include "proto/wire/tcp.hpp"
#include "proto/wire/udp.hpp"

namespace sluice::io {
namespace {

using State = OffloadVerdict::State;

constexpr std::uint32_t kOneDatagram = 1000;  // bytes

struct Kind {
  std::string_view name;
  unsigned bits;  // to ask a device for
  bool is_v6;
  std::uint8_t protocol;
  const char* since;
};

// In the order of Offload.
constexpr std::array<Kind, kOffloadKinds> kKinds = {{
    {"checksum", kOffloadChecksum, false, wire::kProtocolUdp, "2.6.27"},
    {"tso4", kOffloadChecksum | kOffloadTso4, false, wire::kProtocolTcp, "2.6.27"},
    {"tso6", kOffloadChecksum | kOffloadTso6, true, wire::kProtocolTcp, "2.6.27"},
    {"uso4", kOffloadChecksum | kOffloadUso4 | kOffloadUso6, false, wire::kProtocolUdp, "6.2"},
    {"uso6", kOffloadChecksum | kOffloadUso4 | kOffloadUso6, true, wire::kProtocolUdp, "6.2"},
}};

const Kind& kind_of(Offload offload) {
  return kKinds.at(static_cast<std::size_t>(offload));
}

void run_patterns(OffloadLab& lab, const Kind& kind, const OffloadNet& net, bool forwards) {
  const std::uint32_t length = kind.bits == kOffloadChecksum ? kOneDatagram : kPatternBytes;
  if (forwards) {
    lab.try_bits(0);
    check_forwarded(lab, net, kind.protocol, length);
  }
  lab.try_bits(kind.bits);
  if (kind.protocol == wire::kProtocolTcp) {
    check_tcp(lab, net);
  } else {
    check_udp(lab, net, length);
  }
}

OffloadVerdict check_kind(OffloadLab& lab, const Kind& kind, bool forwards) {
  if (!lab.try_bits(kind.bits)) {
    return {State::refused,
            "the kernel does not take it (Linux " + std::string(kind.since) + " does)"};
  }
  if (kind.is_v6 && !lab.has_v6()) return {State::untested, "there is no IPv6 on this machine"};
  try {
    run_patterns(lab, kind, kind.is_v6 ? OffloadNet::v6() : OffloadNet::v4(), forwards);
  } catch (const OffloadBroken& error) {
    return {State::broken, error.what()};
  }
  return {State::works, {}};
}

OffloadReport check_here() {
  OffloadReport report;
  try {
    OffloadLab lab;
    const bool forwards = try_forwarding();
    for (std::size_t i = 0; i < kOffloadKinds; ++i) {
      report.verdicts.at(i) = check_kind(lab, kKinds.at(i), forwards);
    }
  } catch (const std::exception& error) {
    report.skipped = error.what();
  }
  return report;
}

}  // namespace

std::string_view name_of(Offload offload) {
  return kind_of(offload).name;
}

const OffloadVerdict& OffloadReport::of(Offload offload) const {
  return verdicts.at(static_cast<std::size_t>(offload));
}

Offloads OffloadReport::usable(const Offloads& wanted) const {
  const auto is_good = [this](Offload offload) {
    const State state = of(offload).state;
    return state == State::works || state == State::untested;
  };
  const bool sums = is_good(Offload::checksum);
  return {.checksum = wanted.checksum && sums,
          .tso = wanted.tso && sums && is_good(Offload::tso4) && is_good(Offload::tso6),
          .uso = wanted.uso && sums && is_good(Offload::uso4) && is_good(Offload::uso6)};
}

std::vector<std::string> OffloadReport::complaints() const {
  if (!skipped.empty()) return {"offloads are not tested: " + skipped};
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < kOffloadKinds; ++i) {
    if (verdicts.at(i).state != State::broken) continue;
    lines.push_back("offload " + std::string(kKinds.at(i).name) +
                    " is broken on this machine: " + verdicts.at(i).why);
  }
  return lines;
}

OffloadReport check_offloads() {
  OffloadReport report;
  std::thread([&report] { report = check_here(); }).join();
  return report;
}

}  // namespace sluice::io

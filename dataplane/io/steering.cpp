#include "dataplane/io/steering.hpp"

#include <bpf/bpf.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "dataplane/io/ebpf_code.hpp"
#include "proto/base/assert.hpp"
#include "proto/wire/ip.hpp"
#include "proto/wire/tcp.hpp"
#include "proto/wire/udp.hpp"

namespace sluice::io {
namespace {

// The program's registers; a call keeps only R6 to R9.
constexpr EbpfCode::Register kPacket = BPF_REG_6;
constexpr EbpfCode::Register kHash = BPF_REG_7;
constexpr EbpfCode::Register kField = BPF_REG_8;

// Where it copies headers: on its stack.
constexpr std::int16_t kHeader = -static_cast<std::int16_t>(wire::kIpv6Header);
constexpr std::uint16_t kMoreFragmentsOrOffset = 0x3fff;

constexpr int kEthernetHeader = 14;  // a test run takes it off

// Writes the program. Each step is one of steering_hash()'s.
class SteeringCode {
 public:
  SteeringCode(const FlowHashKeys& keys, std::uint32_t queues, std::uint32_t rotate) : keys_(keys) {
    code_.move(kPacket, BPF_REG_1);
    EbpfCode::Label is_v6;
    copy_header(0, wire::kIpv4MinHeader);
    code_.load(BPF_B, kField, BPF_REG_10, kHeader);
    code_.apply(BPF_RSH, kField, 4);
    code_.jump_if(BPF_JEQ, kField, 6, is_v6);
    code_.jump_if(BPF_JNE, kField, 4, no_hash_);
    hash_v4();
    code_.bind(is_v6);
    hash_v6();
    code_.bind(no_hash_);
    code_.apply(BPF_MOV, kHash, 0);
    code_.bind(done_);
    take_queue(queues, rotate);
  }

  std::span<const bpf_insn> instructions() const { return code_.instructions(); }

 private:
  void hash_v4() {
    weigh(12, 2);
    code_.load(BPF_H, kField, BPF_REG_10, kHeader + 6);
    code_.apply(BPF_AND, kField, __builtin_bswap16(kMoreFragmentsOrOffset));
    code_.jump_if(BPF_JNE, kField, 0, done_);
    leave_unless_ports(9);
    code_.load(BPF_B, kField, BPF_REG_10, kHeader);
    code_.apply(BPF_AND, kField, 0xf);
    code_.apply(BPF_LSH, kField, 2);
    code_.move(BPF_REG_2, kField);
    copy_from_offset(4);
    add_weighed(0, 3);
    code_.jump(done_);
  }

  void hash_v6() {
    copy_header(0, wire::kIpv6Header);
    weigh(8, 8);
    leave_unless_ports(6);
    copy_header(wire::kIpv6Header, 4);
    add_weighed(0, 9);
    code_.jump(done_);
  }

  // The queue: (hash >> 32) % queues, as shard_of() does.
  void take_queue(std::uint32_t queues, std::uint32_t rotate) {
    code_.move(BPF_REG_0, kHash);
    code_.apply(BPF_RSH, BPF_REG_0, 32);
    code_.apply(BPF_MOD, BPF_REG_0, static_cast<std::int32_t>(queues));
    code_.apply(BPF_ADD, BPF_REG_0, static_cast<std::int32_t>(rotate % queues));
    code_.apply(BPF_MOD, BPF_REG_0, static_cast<std::int32_t>(queues));
    code_.exit();
  }

  // bpf_skb_load_bytes(packet, offset, stack, length); a packet that is too short has no hash.
  void copy_header(std::size_t offset, std::size_t length) {
    code_.apply(BPF_MOV, BPF_REG_2, static_cast<std::int32_t>(offset));
    copy_from_offset(length);
  }

  // The offset is in the register of the second argument.
  void copy_from_offset(std::size_t length) {
    code_.move(BPF_REG_1, kPacket);
    code_.move(BPF_REG_3, BPF_REG_10);
    code_.apply(BPF_ADD, BPF_REG_3, kHeader);
    code_.apply(BPF_MOV, BPF_REG_4, static_cast<std::int32_t>(length));
    code_.call(BPF_FUNC_skb_load_bytes);
    code_.jump_if(BPF_JNE, BPF_REG_0, 0, no_hash_);
  }

  void leave_unless_ports(std::int16_t protocol_offset) {
    EbpfCode::Label has_ports;
    code_.load(BPF_B, kField, BPF_REG_10, static_cast<std::int16_t>(kHeader + protocol_offset));
    code_.jump_if(BPF_JEQ, kField, wire::kProtocolTcp, has_ports);
    code_.jump_if(BPF_JNE, kField, wire::kProtocolUdp, done_);
    code_.bind(has_ports);
  }

  // keys[0], and the words from `offset` on with the keys from 1 on.
  void weigh(std::int16_t offset, std::size_t words) {
    code_.move_64(kHash, keys_[0]);
    for (std::size_t i = 0; i < words; ++i) {
      add_weighed(static_cast<std::int16_t>(offset + 4 * static_cast<int>(i)), 1 + i);
    }
  }

  void add_weighed(std::int16_t offset, std::size_t key) {
    code_.load(BPF_W, BPF_REG_1, BPF_REG_10, static_cast<std::int16_t>(kHeader + offset));
    code_.move_64(BPF_REG_2, keys_.at(key));
    code_.multiply(BPF_REG_1, BPF_REG_2);
    code_.add(kHash, BPF_REG_1);
  }

  const FlowHashKeys& keys_;
  EbpfCode code_;
  EbpfCode::Label done_;     // the hash is complete
  EbpfCode::Label no_hash_;  // the packet is too short, or no IP
};

UniqueFd load(std::span<const bpf_insn> instructions) {
  constexpr const char* kLicense = "";  // no function that is for GPL programs only
  UniqueFd fd(bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "sluice_steering", kLicense,
                            instructions.data(), instructions.size(), nullptr));
  if (fd) return fd;
  const int error = errno;
  std::string line =
      "the kernel refuses the steering program: " + std::generic_category().message(error);
  if (error == EPERM || error == EACCES) {
    line += " (it needs root or CAP_BPF, and none of a user namespace)";
  } else if (error == ENOSYS) {
    line += " (this kernel has no bpf)";
  }
  throw TunError(line);
}

// -1 takes the program away.
void set_program(const Tun& tun, int program, const char* what) {
  if (ioctl(tun.descriptor(0), TUNSETSTEERINGEBPF, &program) == 0) return;
  throw TunError(std::string("cannot ") + what + " device " + tun.name() + ": " +
                 std::generic_category().message(errno) + " (it needs Linux 4.16)");
}

}  // namespace

SteeringProgram::SteeringProgram(const FlowHashKeys& keys, std::uint32_t queues,
                                 std::uint32_t rotate) {
  SLUICE_ASSERT(queues > 0);
  fd_ = load(SteeringCode(keys, queues, rotate).instructions());
}

void SteeringProgram::attach(const Tun& tun) const {
  set_program(tun, fd_.get(), "steer");
}

std::uint32_t SteeringProgram::run(Bytes ip) const {
  SLUICE_ASSERT(ip.size() <= kLongestTestPacket);
  std::array<std::uint8_t, kEthernetHeader + kLongestTestPacket> frame;
  std::fill_n(frame.begin(), kEthernetHeader, std::uint8_t{0});
  std::copy(ip.begin(), ip.end(), frame.begin() + kEthernetHeader);
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.data_in = frame.data();
  options.data_size_in = static_cast<std::uint32_t>(kEthernetHeader + ip.size());
  const int result = bpf_prog_test_run_opts(fd_.get(), &options);
  if (result != 0) throw std::system_error(-result, std::generic_category(), "BPF_PROG_TEST_RUN");
  return options.retval;
}

void detach_steering(const Tun& tun) {
  set_program(tun, -1, "stop steering of");
}

std::string try_steer(const Tun& tun, const FlowHashKeys& keys, std::uint32_t rotate) {
  try {
    SteeringProgram(keys, tun.queues(), rotate).attach(tun);
  } catch (const TunError& error) {
    return error.what();
  }
  return {};
}

}  // namespace sluice::io

// Writes eBPF instructions: only those that io/steering.cpp needs.
// Source: Linux Documentation/bpf/standardization/instruction-set.rst, include/uapi/linux/bpf.h.
#pragma once

#include <linux/bpf.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice::io {

class EbpfCode {
 public:
  using Register = std::uint8_t;  // BPF_REG_0 to BPF_REG_10
  // The jumps that wait for their target.
  using Label = std::vector<std::size_t>;

  std::span<const bpf_insn> instructions() const { return instructions_; }

  void move(Register to, Register from) { emit(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0); }
  void add(Register to, Register from) { emit(BPF_ALU64 | BPF_ADD | BPF_X, to, from, 0, 0); }
  void multiply(Register to, Register by) { emit(BPF_ALU64 | BPF_MUL | BPF_X, to, by, 0, 0); }
  // `operation` is BPF_MOV, BPF_ADD, BPF_AND, BPF_MOD, BPF_LSH or BPF_RSH; all 64 bits.
  void apply(int operation, Register to, std::int32_t value) {
    emit(BPF_ALU64 | operation | BPF_K, to, 0, 0, value);
  }
  // Two instructions long: BPF_LD_IMM64.
  void move_64(Register to, std::uint64_t value) {
    emit(BPF_LD | BPF_DW, to, 0, 0, static_cast<std::int32_t>(value));
    emit(0, 0, 0, 0, static_cast<std::int32_t>(value >> 32));
  }
  // `width` is BPF_B, BPF_H or BPF_W; the rest of `to` becomes zero.
  void load(int width, Register to, Register base, std::int16_t offset) {
    emit(BPF_LDX | BPF_MEM | width, to, base, offset, 0);
  }
  void call(std::int32_t function) { emit(BPF_JMP | BPF_CALL, 0, 0, 0, function); }
  void exit() { emit(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }

  void jump(Label& target) { jump_if(BPF_JA, 0, 0, target); }
  // `condition` is BPF_JEQ or BPF_JNE.
  void jump_if(int condition, Register left, std::int32_t right, Label& target) {
    target.push_back(instructions_.size());
    emit(BPF_JMP | condition | BPF_K, left, 0, 0, right);
  }
  // All jumps to `label` arrive here. Only forwards: there are no loops.
  void bind(const Label& label) {
    for (const std::size_t from : label) {
      instructions_[from].off = static_cast<std::int16_t>(instructions_.size() - from - 1);
    }
  }

 private:
  void emit(int code, Register to, Register from, std::int16_t offset, std::int32_t value) {
    bpf_insn instruction{};
    instruction.code = static_cast<std::uint8_t>(code);
    instruction.dst_reg = to & 0xf;
    instruction.src_reg = from & 0xf;
    instruction.off = offset;
    instruction.imm = value;
    instructions_.push_back(instruction);
  }

  std::vector<bpf_insn> instructions_;
};

}  // namespace sluice::io

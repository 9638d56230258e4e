#include "tools/sluice/perf/trace.hpp"

#include <concurrentqueue/concurrentqueue.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace sluice::perf {
namespace {

// 128 flows that are sampled every 2 ms add 64,000 a second: a quarter of a second of those.
constexpr std::size_t kCapacity = 16'384;
constexpr auto kWriteInterval = std::chrono::milliseconds(20);

std::string_view recovery_name(tcp::CaState state) {
  switch (state) {
    case tcp::CaState::open: return "open";
    case tcp::CaState::disorder: return "disorder";
    case tcp::CaState::cwr: return "cwr";
    case tcp::CaState::recovery: return "recovery";
    case tcp::CaState::loss: return "loss";
  }
  return "?";
}

void append_line(fmt::memory_buffer& out, const TraceSample& sample, Instant begin) {
  const tcp::Snapshot& tcp = sample.tcp;
  const std::uint64_t mss = tcp.snd_mss;
  const auto to = std::back_inserter(out);
  fmt::format_to(to, R"({{"t":{:.6f},"id":{},"cwnd":{},"ssthresh":)",
                 static_cast<double>((sample.at - begin).ns()) * 1e-9, sample.id, tcp.cwnd * mss);
  if (tcp.ssthresh == UINT32_MAX) {
    fmt::format_to(to, "null");
  } else {
    fmt::format_to(to, "{}", tcp.ssthresh * mss);
  }
  fmt::format_to(to,
                 R"(,"in_flight":{},"srtt":{},"rttvar":{},"pacing_rate":{},"delivery_rate":{},)"
                 R"("retransmits":{},"rwnd":{},"rcv_wnd":{},"state":"{}","recovery":"{}"}})",
                 sample.in_flight, tcp.rtt.us(), tcp.rttvar.us(), tcp.pacing_rate,
                 tcp.delivery_rate, tcp.total_retrans, tcp.snd_wnd, tcp.rcv_wnd,
                 tcp::state_name(tcp.state), recovery_name(tcp.ca_state));
}

}  // namespace

std::string trace_line(const TraceSample& sample, Instant begin) {
  fmt::memory_buffer line;
  append_line(line, sample, begin);
  return fmt::to_string(line);
}

struct Trace::State {
  void run();
  void write_some();
  void close();

  std::string name;
  std::FILE* file = nullptr;
  Instant begin;
  moodycamel::ConcurrentQueue<TraceSample> queue{kCapacity};
  std::atomic<std::uint64_t> dropped = 0;
  int error = 0;  // of the first write that failed; nothing is written after it
  std::mutex guard;
  std::condition_variable ends;
  bool is_ending = false;
  std::thread writer;
};

void Trace::State::run() {
  std::unique_lock lock(guard);
  while (!is_ending) {
    ends.wait_for(lock, kWriteInterval);
    lock.unlock();
    write_some();
    lock.lock();
  }
}

// All that is there.
void Trace::State::write_some() {
  std::array<TraceSample, 64> samples;
  fmt::memory_buffer lines;
  while (const std::size_t count = queue.try_dequeue_bulk(samples.begin(), samples.size())) {
    lines.clear();
    for (std::size_t i = 0; i < count; ++i) {
      append_line(lines, samples[i], begin);
      lines.push_back('\n');
    }
    if (error == 0 && std::fwrite(lines.data(), 1, lines.size(), file) != lines.size()) {
      error = errno;
    }
    if (error != 0) dropped += count;
  }
  if (error == 0 && std::fflush(file) != 0) error = errno;
}

void Trace::State::close() {
  {
    const std::lock_guard lock(guard);
    is_ending = true;
  }
  ends.notify_one();
  writer.join();
  write_some();
  if (std::fclose(file) != 0 && error == 0) error = errno;
  file = nullptr;
}

Trace::Trace(const std::string& file) : state_(std::make_unique<State>()) {
  state_->name = file;
  state_->file = std::fopen(file.c_str(), "we");
  if (state_->file == nullptr) {
    throw std::runtime_error(fmt::format("cannot write {}: {}", file, std::strerror(errno)));
  }
  state_->writer = std::thread([this] { state_->run(); });
}

Trace::~Trace() {
  finish();
}

void Trace::begin(Instant now) {
  state_->begin = now;
}

void Trace::add(const TraceSample& sample) {
  if (!state_->queue.try_enqueue(sample)) ++state_->dropped;
}

std::string Trace::finish() {
  if (state_->file != nullptr) state_->close();
  if (state_->error != 0) {
    return fmt::format("{} is not complete: {}", state_->name, std::strerror(state_->error));
  }
  if (state_->dropped == 0) return {};
  return fmt::format("{} lacks {} samples that came too fast", state_->name,
                     state_->dropped.load());
}

}  // namespace sluice::perf

#include "tools/sluice/perf/perf.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>

#include "dataplane/io/clock.hpp"
#include "dataplane/io/network_namespace.hpp"
#include "tools/sluice/options.hpp"
#include "tools/sluice/perf/client.hpp"
#include "tools/sluice/perf/ending.hpp"
#include "tools/sluice/perf/server.hpp"
#include "tools/sluice/perf/trace.hpp"

namespace sluice::perf {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

[[noreturn]] void fail_with(std::string_view what) {
  fail(fmt::format("error - {}", what));
}

// Where it says what it has to say: --logfile takes both kinds.
class Outlets {
 public:
  explicit Outlets(const std::string& logfile) {
    if (logfile.empty()) return;
    log_.reset(std::fopen(logfile.c_str(), "ae"));
    if (!log_) {
      fail_with(fmt::format("unable to open log file {}: {}", logfile, std::strerror(errno)));
    }
  }
  Sink out() const { return sink_to(log_ ? log_.get() : stdout); }
  Sink errors() const { return sink_to(log_ ? log_.get() : stderr); }
  // In the end: what was said has been written, or else this says so.
  void check() const {
    if (error_ != 0) {
      fail_with(fmt::format("unable to write {}: {}", log_ ? "to log file" : "output",
                            std::strerror(error_)));
    }
  }

 private:
  Sink sink_to(std::FILE* file) const {
    return [this, file](std::string_view text) {
      const bool is_written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
      if (std::fflush(file) != 0 || !is_written) error_ = errno;
    };
  }

  File log_;
  mutable std::atomic<int> error_ = 0;  // sinks are called on any thread
};

// The file that holds our process id for as long as we run.
class PidFile {
 public:
  explicit PidFile(std::string name) : name_(std::move(name)) {
    if (name_.empty()) return;
    const File file(std::fopen(name_.c_str(), "we"));
    if (!file) {
      fail_with(fmt::format("unable to write PID file {}: {}", name_, std::strerror(errno)));
    }
    fmt::print(file.get(), "{}", getpid());
  }
  ~PidFile() {
    if (!name_.empty()) unlink(name_.c_str());
  }
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

 private:
  std::string name_;
};

// The engine on its device, in its namespace, from start to stop.
class Running {
 public:
  Running(Engine& engine, const std::string& netns, const Sink& errors) : engine_(engine) {
    if (!netns.empty()) netns_.emplace(netns);
    engine_.start();
    for (const std::string& note : engine_.facts().notes) errors("sluice: " + note + "\n");
  }
  ~Running() { engine_.stop(); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  std::optional<io::NetworkNamespace> netns_;
  Engine& engine_;
};

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

// The first address of the host in a family that we have, too.
IpAddress resolve(const Options& options) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  if (options.family) hints.ai_family = *options.family == Family::v4 ? AF_INET : AF_INET6;
  if (options.bind) hints.ai_family = options.bind->is_v4() ? AF_INET : AF_INET6;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(options.host.c_str(), nullptr, &hints, &found);
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  if (error != 0 || !list) {
    fail_with(fmt::format("unable to connect to server: {}: {}", options.host,
                          gai_strerror(error == 0 ? EAI_NONAME : error)));
  }
  char text[NI_MAXHOST];
  getnameinfo(list->ai_addr, list->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  const auto address = IpAddress::parse(text);
  if (!address) fail_with(fmt::format("unable to connect to server: {}: no such address", text));
  return *address;
}

Config config_of(const Options& options) {
  Config config = options.config;
  config.tcp.gives_up_unreachable = true;  // no route is no reason to wait
  config.tcp.keepalive_interval = Duration::seconds(5);
  return config;
}

// Null without --trace.
std::unique_ptr<Trace> open_trace(const Options& options) {
  return options.trace.empty() ? nullptr : std::make_unique<Trace>(options.trace);
}

void close_trace(Trace* trace, const Outlets& outlets) {
  const std::string complaint = trace == nullptr ? "" : trace->finish();
  if (!complaint.empty()) outlets.errors()("sluice: " + complaint + "\n");
}

bool run_server(const Options& options, const Outlets& outlets) {
  const auto trace = open_trace(options);
  if (trace) trace->begin(io::now());
  Ending ending;
  Engine engine(config_of(options));
  Server server(engine, {.port = options.port,
                         .address = options.bind,
                         .family = options.family.value_or(Family::both),
                         .report = options.report,
                         .interval_seconds = options.interval_seconds,
                         .one_off = options.one_off,
                         .idle_timeout = options.idle_timeout,
                         .receive_timeout = options.receive_timeout,
                         .bitrate_limit = options.bitrate_limit,
                         .bitrate_limit_interval = options.bitrate_limit_interval,
                         .most_send_buffer = options.config.tcp.send_buffer_bytes,
                         .trace = trace.get(),
                         .out = outlets.out(),
                         .errors = outlets.errors(),
                         .on_done = [&ending](bool good) { ending.done(good); }});
  server.open();
  {
    const Running running(engine, options.netns, outlets.errors());
    server.begin();
    if (ending.wait()) {
      server.interrupt();
      ending.wait();
    }
  }
  close_trace(trace.get(), outlets);
  return ending.is_good();
}

bool run_client(const Options& options, const Outlets& outlets) {
  const IpAddress remote = resolve(options);
  const auto trace = open_trace(options);
  Ending ending;
  Engine engine(config_of(options));
  const auto report = make_report(options.report, outlets.out(), outlets.errors());
  Client client(engine, options, remote, *report, trace.get(),
                [&ending](bool good) { ending.done(good); });
  {
    const Running running(engine, options.netns, outlets.errors());
    engine.post(0, [&client] { co::go(client.run()); });
    if (ending.wait()) {
      client.interrupt();
      ending.wait();
    }
  }
  close_trace(trace.get(), outlets);
  return ending.is_good();
}

}  // namespace

void run(const Options& options) {
  bool good = false;
  try {
    const Outlets outlets(options.logfile);
    const PidFile pid_file(options.pidfile);
    good =
        options.role == Role::server ? run_server(options, outlets) : run_client(options, outlets);
    outlets.check();
  } catch (const CLI::Error&) {
    throw;  // it has been said
  } catch (const std::runtime_error& error) {
    fail_with(error.what());
  }
  if (!good) throw CLI::RuntimeError(1);
}

}  // namespace sluice::perf

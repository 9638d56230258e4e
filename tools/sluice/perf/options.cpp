#include "tools/sluice/perf/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "tools/sluice/impairment.hpp"
#include "tools/sluice/options.hpp"
#include "tools/sluice/perf/option_check.hpp"
#include "tools/sluice/perf/option_values.hpp"

namespace sluice::perf {
namespace {

constexpr const char* kBeyond = "Beyond iperf3";

constexpr const char* kExamples = R"(
#[KMGT]: a number with k, m, g or t, in any case: 1000 each for rates, 1024 each for bytes.

Examples, in a network namespace of their own:
  sluice perf -s --netns demo --workers 4       then: ip netns exec demo iperf3 -c 10.0.5.101
  ip netns exec demo iperf3 -s                  then: sluice perf -c 10.0.6.100 --netns demo
  sluice perf -c 10.0.5.101 --netns demo        a server of ours, through the kernel's forwarding
  sluice perf -c 10.0.6.100 --netns demo -u -b 1G -l 1400 -w 4M -R
  sluice perf -c 10.0.6.100 --netns demo -P 2 -C cubic,bbr --loss 1% --delay 10ms
  sluice perf -c 10.0.6.100 --netns demo -J --trace flows.jsonl)";

using Set = std::function<void(const std::string&)>;

// Adds options to one group after the other.
class Adder {
 public:
  explicit Adder(CLI::App& command) : command_(command) {}

  // As getopt has it, the last of several counts.
  void begin(const char* group) {
    command_.option_defaults()->group(group)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  void end() {
    command_.option_defaults()->group("Options")->multi_option_policy(
        CLI::MultiOptionPolicy::Throw);
  }
  // `set` may throw BadQuantity.
  CLI::Option* value(const std::string& names, const char* type, const char* text, Set set) {
    const std::string name = names.substr(0, names.find(','));
    const auto guarded = [name, set = std::move(set)](const std::string& value) {
      try {
        set(value);
      } catch (const BadQuantity& error) {
        parameter_error(fmt::format("{}: {} {}", error.what(), name, value));
      }
    };
    return command_.add_option_function<std::string>(names, guarded, text)->type_name(type);
  }
  void text(const char* names, const char* type, const char* text, std::string& target) {
    value(names, type, text, [&target](const std::string& value) { target = value; });
  }
  void flag(const char* names, bool& target, const char* text) {
    command_.add_flag(names, target, text);
  }
  template <class Value>
  void choice(const char* names, Value& target, Value value, const char* text) {
    command_.add_flag_callback(
        names, [&target, value] { target = value; }, text);
  }

 private:
  CLI::App& command_;
};

void set_format(ReportOptions& report, const std::string& value) {
  const bool is_known = !value.empty() && std::string_view("kmgtKMGT").find(value[0]) != value.npos;
  if (!is_known) throw BadQuantity(error_text(ErrorCode::format));
  report.unit = value[0];
}

void set_affinity(Options& options, const std::string& value) {
  constexpr std::uint32_t kMaxCpu = 1023;
  const std::size_t comma = std::min(value.find(','), value.size());
  const auto cpu = [](std::string_view text) {
    return parse_whole(text, 0, kMaxCpu, ErrorCode::affinity);
  };
  if (comma > 0) options.config.pin = {cpu(std::string_view(value).substr(0, comma))};
  if (comma < value.size()) {
    options.parameters.server_cpu = cpu(std::string_view(value).substr(comma + 1));
  }
}

void set_bind(Options& options, const std::string& value) {
  options.bind = IpAddress::parse(value);
  if (!options.bind) throw BadQuantity(fmt::format("'{}' is no address", value));
}

void add_output_options(Adder& add, Options& options) {
  ReportOptions& report = options.report;
  add.value("-f,--format", "[kmgtKMGT]", "Unit of rates: Kbits, Mbits, Gbits, Tbits; or bytes",
            [&report](const std::string& value) { set_format(report, value); });
  add.value("-i,--interval", "#", "Seconds between reports, 0.1 to 60, or 0 for none; by default 1",
            [&options](const auto& value) { options.interval_seconds = parse_interval(value); });
  add.flag("-V,--verbose", report.verbose, "More detail");
  add.choice("-J,--json", report.form, ReportOptions::Form::json, "Print one document of JSON");
  add.choice("--json-stream", report.form, ReportOptions::Form::json_stream,
             "Print JSON, one document a line, as things happen");
  add.text("--logfile", "FILE", "Print into a file", options.logfile);
  add.flag("--forceflush", report.forces_flush, "Flush what is printed at every interval");
  const auto set_timestamps = [&report](const std::string& format) {
    report.timestamps = true;
    if (!format.empty()) report.timestamp_format = format;
  };
  add.value("--timestamps", "[=FORMAT]", "Begin each line with the time, as strftime(3) has it",
            set_timestamps)
      ->expected(0, 1);
}

void add_common_options(Adder& add, Options& options) {
  add.begin("Server or Client");
  add.value("-p,--port", "#", "Port to listen on, or to connect to; by default 5201",
            [&options](const auto& value) { options.port = parse_port(value); });
  add_output_options(add, options);
  add.text("-I,--pidfile", "FILE", "Write the process id into a file", options.pidfile);
  add.value("-A,--affinity", "N[,M]", "CPU of the worker, as --pin; and of a stock server",
            [&options](const std::string& value) { set_affinity(options, value); });
  add.value("-B,--bind", "ADDRESS", "Address of ours to listen on, or to connect from",
            [&options](const std::string& value) { set_bind(options, value); });
  add.value("--rcv-timeout", "MS", "Without data, a receiver gives up; by default 120000",
            [&options](const auto& value) {
              options.receive_timeout =
                  parse_milliseconds(value, 100, 86'400'000, ErrorCode::receive_timeout);
            });
  add.value("--snd-timeout", "MS", "Data that is not acknowledged ends a connection",
            [&options](const auto& value) {
              options.config.tcp.user_timeout =
                  parse_milliseconds(value, 1, 86'400'000, ErrorCode::send_timeout);
            });
}

void set_bitrate_limit(Options& options, const std::string& value) {
  const auto [rate, seconds] = parse_parts(value);
  options.bitrate_limit = parse_rate(rate);
  if (!seconds) return;
  const double interval = parse_interval(*seconds);
  if (interval > 0) {
    options.bitrate_limit_interval = Duration::milliseconds(static_cast<int>(interval * 1'000));
  }
}

void add_server_options(Adder& add, Options& options) {
  add.begin(kServerGroup);
  add.choice("-s,--server", options.role, Role::server, "Run as a server");
  add.flag("-1,--one-off", options.one_off, "Serve one client and exit");
  add.value("--server-bitrate-limit", "#[KMGT][/#]",
            "Bits a second of a whole test, on the average of 5 (or /#) seconds",
            [&options](const std::string& value) { set_bitrate_limit(options, value); });
  add.value("--idle-timeout", "S", "Start afresh when no client has come for so long",
            [&options](const auto& value) {
              options.idle_timeout =
                  Duration::seconds(parse_whole(value, 1, kMaxSeconds, ErrorCode::idle_timeout));
            });
}

void set_bitrate(Parameters& parameters, const std::string& value) {
  const auto [rate, burst] = parse_parts(value);
  parameters.bits_per_second = std::min(parse_rate(rate), kMaxBitsPerSecond);
  if (burst) parameters.burst = parse_whole(*burst, 1, kMaxBurst, ErrorCode::burst);
}

void add_load_options(Adder& add, Parameters& parameters) {
  add.choice("-u,--udp", parameters.protocol, Protocol::udp, "UDP instead of TCP");
  add.value("-b,--bitrate,--bandwidth", "#[KMGT][/#]",
            "Bits a second of each stream, 0 for no limit (UDP: by default 1M); /#: blocks a burst",
            [&parameters](const std::string& value) { set_bitrate(parameters, value); });
  add.value("--pacing-timer", "#[KMG]", "Of the other side, in microseconds; ours is finer",
            [&parameters](const auto& value) {
              parameters.pacing_timer_us = parse_bytes(value, INT32_MAX, ErrorCode::set_pacing);
            });
  add.value("--fq-rate", "#[KMGT]", "Pace the packets of each stream to so many bits a second",
            [&parameters](const auto& value) {
              parameters.fq_bits_per_second = std::min(parse_rate(value), kMaxBitsPerSecond);
            });
}

void add_end_options(Adder& add, Parameters& parameters) {
  add.value("-t,--time", "S", "Seconds to send, 0 without end; by default 10",
            [&parameters](const auto& value) {
              parameters.seconds = parse_whole(value, 0, kMaxSeconds, ErrorCode::duration);
            });
  add.value("-n,--bytes", "#[KMGT]", "Bytes to send, instead of -t",
            [&parameters](const auto& value) { parameters.bytes = parse_size(value); });
  add.value("-k,--blockcount", "#[KMGT]", "Blocks or datagrams to send, instead of -t or -n",
            [&parameters](const auto& value) { parameters.blocks = parse_size(value); });
  add.value("-O,--omit", "S", "Seconds at the start that do not count",
            [&parameters](const auto& value) {
              parameters.omit_seconds = parse_whole(value, 0, kMaxOmitSeconds, ErrorCode::omit);
            });
}

void add_stream_options(Adder& add, Options& options) {
  Parameters& parameters = options.parameters;
  add.value("-l,--length", "#[KMG]", "Bytes of a block; by default 128K, or what a packet holds",
            [&parameters](const auto& value) {
              parameters.block_bytes = parse_bytes(value, kMaxBlockBytes, ErrorCode::block_bytes);
            });
  add.value("--cport", "PORT", "Our port of the first stream; the others have those behind it",
            [&options](const auto& value) { options.client_port = parse_port(value); });
  add.value("-P,--parallel", "#", "Streams at a time, up to 128, each way",
            [&parameters](const auto& value) {
              parameters.streams = parse_whole(value, 1, kMaxStreams, ErrorCode::streams);
            });
  add.choice("-R,--reverse", parameters.direction, Direction::reverse, "The server sends");
  add.choice("--bidir", parameters.direction, Direction::both, "Both send");
  add.value("-w,--window", "#[KMG]", "Bytes of the socket buffers, up to 512M",
            [&parameters](const auto& value) {
              parameters.window_bytes =
                  parse_bytes(value, kMaxWindowBytes, ErrorCode::buffer_bytes);
            });
  add.value("-C,--congestion", "NAME[,NAME]",
            "Congestion control: cubic, reno, bbr; of several, each stream has the next",
            [&parameters](const auto& value) { parameters.congestion = parse_congestion(value); });
  add.value("-M,--set-mss", "#", "Bytes of a segment, at most", [&parameters](const auto& value) {
    parameters.mss = parse_whole(value, 88, kMaxSegmentBytes, ErrorCode::mss);
  });
  add.flag("-N,--no-delay", parameters.nodelay, "Send small segments at once (no Nagle algorithm)");
}

void add_packet_options(Adder& add, Options& options) {
  Parameters& parameters = options.parameters;
  add.choice("-4,--version4", options.family, std::optional(Family::v4), "IPv4 only");
  add.choice("-6,--version6", options.family, std::optional(Family::v6), "IPv6 only");
  add.value("-S,--tos", "#", "Type of service, 0 to 255; 0x10 and 020 are 16, too",
            [&parameters](const auto& value) { parameters.tos = parse_tos(value); });
  add.value("--dscp", "#", "The same by its upper six bits, or by name: af41, cs1, ef",
            [&parameters](const auto& value) { parameters.tos = parse_dscp(value); });
  add.flag("-Z,--zerocopy", parameters.zerocopy, "Send without copying");
}

void add_report_options(Adder& add, Parameters& parameters) {
  add.text("-T,--title", "TEXT", "Begin each line with a text", parameters.title);
  add.text("--extra-data", "TEXT", "Text for the JSON of both sides", parameters.extra_data);
  add.flag("--get-server-output", parameters.wants_server_output, "Print what the server printed");
  add.flag("--udp-counters-64bit", parameters.counters_64bit, "Number datagrams with 64 bits");
  add.flag("--repeating-payload", parameters.repeating_payload, "Send digits, not random bytes");
  add.flag("--dont-fragment", parameters.dont_fragment, "Set Don't Fragment in IPv4 datagrams");
}

void add_client_options(Adder& add, Options& options) {
  add.begin(kClientGroup);
  add.text("-c,--client", "HOST", "Run as a client, with this server", options.host);
  add.value("--connect-timeout", "MS", "How long the server may take to answer the first time",
            [&options](const auto& value) {
              options.connect_timeout =
                  parse_milliseconds(value, 1, 86'400'000, ErrorCode::connect);
            });
  add_load_options(add, options.parameters);
  add_end_options(add, options.parameters);
  add_stream_options(add, options);
  add_packet_options(add, options);
  add_report_options(add, options.parameters);
}

void add_our_options(Adder& add, CLI::App& command, Options& options) {
  add.end();
  command.option_defaults()->group("Device");
  add_device_options(command, options.config, options.netns);
  command.get_option("--tun")
      ->description("Name of the TUN device it makes; by default tun1, of a client tun2")
      ->default_str("");
  command.get_option("--address")
      ->description(
          "The kernel's address with its prefix; all other addresses of the network lie "
          "behind the device. Repeatable; replaces the defaults: 10.0.5.100/24 and "
          "fd05::100/64, of a client 10.0.6.100/24 and fd06::100/64");
  add_engine_options(command, options.config);
  add_buffer_options(command, options.config);
  add_impairment_options(command, options.config);
  command.option_defaults()->group("Options");
  add.begin(kBeyond);
  add.text("--trace", "FILE", "Write a line of JSON for each stream every few milliseconds",
           options.trace);
  add.end();
}

struct Absent {
  const char* names;
  bool takes_value;
  const char* why;
};

// What iperf3 has and this does not.
constexpr Absent kAbsent[] = {
    {"-D,--daemon", false, "it stays in the foreground, for a service manager or nohup"},
    {"-F,--file", true, "streams carry no file"},
    {"--bind-dev", true, "its device is its own: see --tun"},
    {"-d,--debug", false, "see --trace and --pcap"},
    {"--sctp", false, "there are TCP and UDP"},
    {"-X,--xbind", true, "it is for SCTP"},
    {"--nstreams", true, "it is for SCTP"},
    {"-L,--flowlabel", true, "each flow has a label that the stack draws"},
    {"--username", true, "there is no authentication"},
    {"--rsa-public-key-path", true, "there is no authentication"},
    {"--rsa-private-key-path", true, "there is no authentication"},
    {"--authorized-users-path", true, "there is no authentication"},
    {"--time-skew-threshold", true, "there is no authentication"},
};

void add_absent_options(CLI::App& command) {
  for (const Absent& absent : kAbsent) {
    const auto refuse = [&absent] {
      parameter_error(fmt::format("{}: {} ({})", error_text(ErrorCode::not_implemented),
                                  absent.names, absent.why));
    };
    CLI::Option* const option = absent.takes_value
                                    ? command.add_option_function<std::string>(
                                          absent.names, [refuse](const auto&) { refuse(); })
                                    : command.add_flag_callback(absent.names, refuse);
    option->group("");
  }
}

}  // namespace

void add_perf_command(CLI::App& app, std::function<void(Options)> run) {
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("perf", "Test the load a path carries, as iperf3 does");
  command.footer(kExamples);
  command.get_help_ptr()->group("Server or Client");
  Adder add(command);
  add_common_options(add, *options);
  add_server_options(add, *options);
  add_client_options(add, *options);
  add_our_options(add, command, *options);
  add_absent_options(command);
  command.callback([&command, options, run = std::move(run)] {
    settle(command, *options);
    run(*options);
  });
}

}  // namespace sluice::perf

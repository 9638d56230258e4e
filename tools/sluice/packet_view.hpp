// Packets as `sluice dump` shows them on stdout, records them in a file, or both.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/io/capture.hpp"
#include "proto/base/bytes.hpp"

namespace sluice {

struct PacketViewOptions {
  bool one_line = false;            // else every field
  bool quiet = false;               // nothing on stdout
  std::optional<std::string> file;  // to record in
};

class PacketView {
 public:
  // Opens the file; throws io::CaptureError.
  explicit PacketView(const PacketViewOptions& options);

  // [virtio_net_hdr | IP packet]. This and what follows throw io::CaptureError, or
  // std::runtime_error when stdout cannot be written.
  void show(MutableBytes packet);
  // Brings all that was shown to whoever waits for it.
  void flush();
  // The last flush(): nothing is shown afterwards.
  void close();

  std::uint64_t shown() const { return shown_; }
  // Whether stdout turned out to be a pipe that nobody reads any more: a reason to end in peace.
  bool has_lost_reader() const { return lost_reader_; }
  void on_lost_reader() { lost_reader_ = true; }

 private:
  void print(Bytes packet);
  void on_output_error(int error);

  PacketViewOptions options_;
  std::optional<io::Capture> capture_;
  std::uint64_t shown_ = 0;
  bool lost_reader_ = false;
};

}  // namespace sluice

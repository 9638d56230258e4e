#include "proto/tcp/close_reason.hpp"

namespace sluice::tcp {

std::string_view close_reason_name(CloseReason reason) {
  switch (reason) {
    case CloseReason::none: return "open";
    case CloseReason::normal: return "closed";
    case CloseReason::reset: return "reset by peer";
    case CloseReason::refused: return "refused";
    case CloseReason::timed_out: return "timed out";
    case CloseReason::unreachable: return "unreachable";
    case CloseReason::aborted: return "aborted";
  }
  return "?";
}

}  // namespace sluice::tcp

// The part of a description that is about IP headers.
#pragma once

#include "proto/wire/description.hpp"
#include "proto/wire/outline.hpp"

namespace sluice::wire {

// `ip` is the packet that `outline` was made of, which has addresses.
void describe_ip(Description& out, Bytes ip, const Outline& outline);

}  // namespace sluice::wire

// One entry point for each parser: any bytes go in, and what comes out must keep the promises of
// its header. A broken promise aborts.
#pragma once

#include "proto/base/bytes.hpp"

namespace sluice::fuzz {

void fuzz_packet(Bytes input);       // a virtio header, then a packet
void fuzz_tcp_options(Bytes input);  // what follows the first 20 bytes of a TCP header
void fuzz_quote(Bytes input);        // one byte that says the family, then the quote
void fuzz_address(Bytes input);      // text of an address or a network
void fuzz_reassembly(Bytes input);   // packets: seconds since the last, length, as many bytes

}  // namespace sluice::fuzz

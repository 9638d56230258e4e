"""One transfer between a kernel socket and the engine in whose network namespace this runs.

Usage: transfer.py from|to ADDRESS BYTES. Prints JSON: how long it took, and what the kernel resent.

"from" the engine it reads chargen; "to" it, it fills discard and waits for the engine to close.
Both clocks run from connect(): the first byte has arrived two round trips later, the last one stops
them half a round trip after it has arrived at the other end.
"""

import json
import socket
import sys
import time

DISCARD, CHARGEN = 9, 19
PATIENCE = 30.0  # seconds in which something must move
BLOCK = bytes(1 << 18)
SO_RCVBUFFORCE = 33
# As large as the engine's. Linux' own choice may stay at its first 79 KiB for ever where a whole
# window arrives as one burst: the measure is the sender's.
RECEIVE_BUFFER = 2 << 20
TOTAL_RETRANS = slice(100, 104)  # of struct tcp_info: tcpi_total_retrans


def connect(address: str, port: int) -> socket.socket:
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
    client.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    client.settimeout(PATIENCE)
    client.connect((address, port))
    return client


def receive(client: socket.socket, count: int) -> None:
    while count > 0:
        part = len(client.recv(min(count, len(BLOCK))))
        if part == 0:
            raise ConnectionError("the engine ended early")
        count -= part


def send(client: socket.socket, count: int) -> None:
    while count > 0:
        count -= client.send(BLOCK[: min(count, len(BLOCK))])
    client.shutdown(socket.SHUT_WR)
    if client.recv(1) != b"":
        raise ConnectionError("discard has said something")


def main() -> None:
    direction, address, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    is_ours = direction == "from"
    begin = time.monotonic()
    with connect(address, CHARGEN if is_ours else DISCARD) as client:
        (receive if is_ours else send)(client, count)
        seconds = time.monotonic() - begin
        facts = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    resent = int.from_bytes(facts[TOTAL_RETRANS], sys.byteorder)
    print(json.dumps({"seconds": seconds, "resent": resent}))


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"{error}")

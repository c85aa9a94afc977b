"""Writes down what arrives on the interface "wire", until stdin ends.

Says "listening", and at the end one line of JSON: every TCP connection as
[address, port, source port, times of its SYNs in seconds, whether it carried
data, FINs, resets], every address that any packet was sent to, and how many
packets were lost before they could be written down. Times are the kernel's,
taken when the packet arrived.
"""

import json
import select
import socket
import struct
import sys

ETH_P_IP = 0x0800
SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
SOL_PACKET, PACKET_STATISTICS = 263, 6
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10


class Flow:
    def __init__(self):
        self.syns, self.data, self.fins, self.resets = [], False, 0, 0


def note(packet, ancillary, addresses, flows):
    """Counts one IP packet."""
    destination = socket.inet_ntoa(packet[16:20])
    addresses.add(destination)
    if packet[9] != socket.IPPROTO_TCP:
        return
    start = (packet[0] & 0x0F) * 4
    source_port, port = struct.unpack_from("!HH", packet, start)
    flags = packet[start + 13]
    flow = flows.setdefault((destination, port, source_port), Flow())
    if flags & (SYN | ACK) == SYN:
        seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
        flow.syns.append(seconds + nanoseconds / 1e9)
    payload = struct.unpack_from("!H", packet, 2)[0] - start - (packet[start + 12] >> 4) * 4
    flow.data |= payload > 0
    flow.fins += bool(flags & FIN)
    flow.resets += bool(flags & RST)


def main():
    # Only bound to the interface does it begin to listen: nothing strays in.
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    tap.bind(("wire", ETH_P_IP))
    tap.setblocking(False)
    addresses, flows = set(), {}
    print("listening", flush=True)
    over = False
    while not over:
        ready, _, _ = select.select([tap, sys.stdin], [], [])
        # What arrived before stdin ended is read before the end.
        over = sys.stdin in ready
        while True:
            try:
                packet, ancillary, _, _ = tap.recvmsg(2048, 64)
            except BlockingIOError:
                break
            note(packet, ancillary, addresses, flows)
    _, lost = struct.unpack("II", tap.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    print(
        json.dumps(
            {
                "connections": [
                    [*key, flow.syns, flow.data, flow.fins, flow.resets]
                    for key, flow in flows.items()
                ],
                "addresses": sorted(addresses),
                "lost": lost,
            }
        ),
        flush=True,
    )


main()

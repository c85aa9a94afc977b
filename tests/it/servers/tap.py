"""Writes down what arrives on the interface "wire", until stdin ends.

Says "listening", and at the end one line of JSON: every TCP connection over
IPv4 as [address, port, source port, times of its SYNs in seconds, whether it
carried data, FINs, resets], every IPv4 address that any packet was sent to,
everything that any packet was sent to as [address, protocol, port], and how
many packets were lost before they could be written down. Times are the
kernel's, taken when the packet arrived.
"""

import json
import select
import socket
import struct
import sys

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 0x0003, 0x0800, 0x86DD
PACKET_IGNORE_OUTGOING = 23
WITH_PORTS = {socket.IPPROTO_TCP, socket.IPPROTO_UDP}
SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
SOL_PACKET, PACKET_STATISTICS = 263, 6
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10


class Flow:
    def __init__(self):
        self.syns, self.data, self.fins, self.resets = [], False, 0, 0


def sent_to(destination, protocol, content):
    """What a packet was sent to; the port is 0 where there are none."""
    ports = struct.unpack_from("!HH", content) if protocol in WITH_PORTS else (0, 0)
    return destination, protocol, ports[1]


def note_ipv6(packet, destinations):
    """Notes one IPv6 packet; what comes behind extension headers has no port."""
    destination = socket.inet_ntop(socket.AF_INET6, packet[24:40])
    destinations.add(sent_to(destination, packet[6], packet[40:]))


def note(packet, ancillary, addresses, flows, destinations):
    """Counts one IPv4 packet."""
    destination = socket.inet_ntoa(packet[16:20])
    addresses.add(destination)
    start = (packet[0] & 0x0F) * 4
    destinations.add(sent_to(destination, packet[9], packet[start:]))
    if packet[9] != socket.IPPROTO_TCP:
        return
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
    tap.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    tap.bind(("wire", ETH_P_ALL))
    tap.setblocking(False)
    addresses, flows, destinations = set(), {}, set()
    print("listening", flush=True)
    over = False
    while not over:
        ready, _, _ = select.select([tap, sys.stdin], [], [])
        # What arrived before stdin ended is read before the end.
        over = sys.stdin in ready
        while True:
            try:
                packet, ancillary, _, (_, kind, *_) = tap.recvmsg(2048, 64)
            except BlockingIOError:
                break
            if kind == ETH_P_IP:
                note(packet, ancillary, addresses, flows, destinations)
            elif kind == ETH_P_IPV6:
                note_ipv6(packet, destinations)
    _, lost = struct.unpack("II", tap.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    print(
        json.dumps(
            {
                "connections": [
                    [*key, flow.syns, flow.data, flow.fins, flow.resets]
                    for key, flow in flows.items()
                ],
                "addresses": sorted(addresses),
                "destinations": sorted(destinations),
                "lost": lost,
            }
        ),
        flush=True,
    )


main()

"""Servers that speak too little of a protocol to be called real: just enough
to begin TLS, which then is Python's own. They run until stdin ends.

Arguments: a certificate chain, its key, and for each server KIND=ADDRESS:PORT.
Each says "listening KIND ADDRESS:PORT".

mssql     TDS 7 (MS-TDS section 2.2.6.5): PRELOGIN, then TLS inside of TDS packets
mssql8    TDS 8: TLS at once, by the application protocol tds/8.0 alone
nntp      RFC 4642
declines  SMTP that offers STARTTLS and then declines it
"""

import os
import socket
import ssl
import struct
import sys
import threading

PRELOGIN, TABULAR_RESULT = 0x12, 0x04

# Options of the answer to PRELOGIN: VERSION and ENCRYPTION, which is
# ENCRYPT_ON. Each option: token, offset and length of its value.
PRELOGIN_RESPONSE = bytes.fromhex("00 000b 0006  01 0011 0001  ff  10000fa00000  01")


def read_exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data


def read_packet(connection):
    """One TDS packet: its type and what it carries."""
    kind, _, length = struct.unpack("!BBH", read_exactly(connection, 8)[:4])
    return kind, read_exactly(connection, length - 8)


def write_packets(connection, data):
    """Data in TDS packets of at most 4096 bytes, the last one marked as such."""
    portions = [data[start : start + 4088] for start in range(0, len(data), 4088)]
    for number, portion in enumerate(portions, 1):
        last = number == len(portions)
        header = struct.pack("!BBHHBB", PRELOGIN, last, len(portion) + 8, 0, number, 0)
        connection.sendall(header + portion)


def mssql(connection, context):
    kind, _ = read_packet(connection)
    if kind != PRELOGIN:
        return
    header = struct.pack("!BBHHBB", TABULAR_RESULT, 1, len(PRELOGIN_RESPONSE) + 8, 0, 1, 0)
    connection.sendall(header + PRELOGIN_RESPONSE)
    # TDS 7 knows TLS up to 1.2.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_side=True)
    while True:
        try:
            tls.do_handshake()
            return write_packets(connection, outgoing.read())
        except ssl.SSLWantReadError:
            write_packets(connection, outgoing.read())
            incoming.write(read_packet(connection)[1])


def mssql8(connection, context):
    # A client that does not name the protocol is not served.
    context.set_alpn_protocols(["tds/8.0"])
    first = connection.recv(4096, socket.MSG_PEEK)
    if b"\x07tds/8.0" in first:
        serve_tls(connection, context)


def nntp(connection, context):
    connection.sendall(b"200 news.sweep.test ready\r\n")
    for line in connection.makefile("rb", buffering=0):
        command = line.strip().upper()
        if command == b"CAPABILITIES":
            connection.sendall(b"101 Capability list:\r\nVERSION 2\r\nSTARTTLS\r\n.\r\n")
        elif command == b"STARTTLS":
            connection.sendall(b"382 Continue with TLS negotiation\r\n")
            return serve_tls(connection, context)
        else:
            connection.sendall(b"500 What?\r\n")


def declines(connection, _context):
    connection.sendall(b"220 mail.sweep.test ESMTP\r\n")
    for line in connection.makefile("rb", buffering=0):
        command = line.strip().upper()
        if command.startswith(b"EHLO"):
            connection.sendall(b"250-mail.sweep.test\r\n250 STARTTLS\r\n")
        elif command == b"STARTTLS":
            connection.sendall(b"454 4.7.0 TLS not available due to local problem\r\n")
        elif command == b"QUIT":
            return connection.sendall(b"221 2.0.0 Bye\r\n")
        else:
            connection.sendall(b"500 5.5.1 What?\r\n")


def serve_tls(connection, context):
    with context.wrap_socket(connection, server_side=True) as tls:
        while tls.recv(4096):
            pass


KINDS = {"mssql": mssql, "mssql8": mssql8, "nntp": nntp, "declines": declines}


def answer(kind, connection, chain, key):
    """Serves one client until it leaves; a scanner leaves by a reset."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    try:
        with connection:
            KINDS[kind](connection, context)
    except OSError:
        pass


def serve(kind, sock, chain, key):
    while True:
        connection, _ = sock.accept()
        arguments = (kind, connection, chain, key)
        threading.Thread(target=answer, args=arguments, daemon=True).start()


def main():
    chain, key, *servers = sys.argv[1:]
    for server in servers:
        kind, address = server.split("=")
        ip, port = address.split(":")
        sock = socket.create_server((ip, int(port)))
        threading.Thread(target=serve, args=(kind, sock, chain, key), daemon=True).start()
        print(f"listening {kind} {address}", flush=True)
    sys.stdin.buffer.read()
    os._exit(0)


main()

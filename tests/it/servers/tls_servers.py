"""Python's own TLS on any number of addresses, until stdin ends.

The argument is a JSON list of listeners: ip, port (0: any), and either chain,
key, version and perhaps clients (an authority whose certificates clients must
show), or a greeting to send in clear. Each says "listening ADDRESS:PORT".
"""

import json
import os
import socket
import ssl
import sys
import threading

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def tls(listener):
    """The TLS context of a listener; None where it speaks in clear."""
    if "chain" not in listener:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(listener["chain"], listener["key"])
    context.minimum_version = context.maximum_version = VERSIONS[listener["version"]]
    if "clients" in listener:
        context.load_verify_locations(listener["clients"])
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def answer(connection, context, greeting):
    """Serves one client until it leaves; a scanner leaves by a reset."""
    try:
        with connection:
            if context:
                connection = context.wrap_socket(connection, server_side=True)
            else:
                connection.sendall(greeting)
            while connection.recv(4096):
                pass
    except OSError:
        pass
    finally:
        connection.close()


def serve(sock, context, greeting):
    while True:
        connection, _ = sock.accept()
        threading.Thread(target=answer, args=(connection, context, greeting), daemon=True).start()


def main():
    for listener in json.loads(sys.argv[1]):
        sock = socket.create_server((listener["ip"], listener["port"]), backlog=128)
        greeting = listener.get("greeting", "").encode()
        threading.Thread(target=serve, args=(sock, tls(listener), greeting), daemon=True).start()
        ip, port = sock.getsockname()
        print(f"listening {ip}:{port}", flush=True)
    sys.stdin.buffer.read()
    os._exit(0)


main()

"""An object store as far as a scanner can see it: HTTPS that answers every
request as S3 answers an anonymous one, until stdin ends.

Arguments: certificate, key. Says "listening ADDRESS:PORT".
"""

import http.server
import os
import ssl
import sys
import threading

DENIED = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>
"""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(403)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(DENIED)))
        self.end_headers()
        self.wfile.write(DENIED)


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[1:])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    # The handshake is done by the thread of the connection, not by accept().
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address, port = server.server_address
    print(f"listening {address}:{port}", flush=True)
    sys.stdin.buffer.read()
    os._exit(0)


main()

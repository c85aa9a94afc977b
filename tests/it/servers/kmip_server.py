"""PyKMIP's server with mandatory client certificates, until stdin ends.

Arguments: address, port, certificate chain, key, the authority of the clients'
certificates, and a folder for its database. Says what it logs.
"""

import logging
import os
import signal
import sys
import threading

from kmip.services.server import KmipServer


def end(*_):
    """Ends this process and the child that PyKMIP has made."""
    os.killpg(0, signal.SIGKILL)


def end_with_stdin():
    # Not by sys.stdin: a forked child closes that, and would wait for its lock.
    while os.read(0, 4096):
        pass
    end()


def main():
    address, port, chain, key, clients, folder = sys.argv[1:]
    logging.getLogger("kmip").addHandler(logging.StreamHandler())
    server = KmipServer(
        hostname=address,
        port=int(port),
        certificate_path=chain,
        key_path=key,
        ca_path=clients,
        auth_suite="TLS1.2",
        config_path=None,
        log_path=os.path.join(folder, "server.log"),
        enable_tls_client_auth=True,
        logging_level="INFO",
        database_path=os.path.join(folder, "database"),
    )
    os.setsid()
    # PyKMIP has handlers of its own for all other signals that would end it.
    signal.signal(signal.SIGHUP, end)
    threading.Thread(target=end_with_stdin, daemon=True).start()
    with server:
        server.serve()


main()

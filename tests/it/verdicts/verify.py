"""Verifies chains with cryptography: folders on the command line, each with
leaf.der, sent-N.der, root-N.der, name and at (seconds since 1970). Prints a line each: nothing
where the chain is accepted, else why it is not."""

import datetime
import pathlib
import sys

from cryptography import x509
from cryptography.x509 import verification


def load(path):
    return x509.load_der_x509_certificate(path.read_bytes())


def answer(folder):
    try:
        leaf = load(folder / "leaf.der")
        sent = [load(path) for path in sorted(folder.glob("sent-*.der"))]
        roots = [load(path) for path in sorted(folder.glob("root-*.der"))]
        moment = datetime.datetime.fromtimestamp(int((folder / "at").read_text()), datetime.timezone.utc)
        builder = verification.PolicyBuilder().store(verification.Store(roots)).time(moment)
        verifier = builder.build_server_verifier(x509.DNSName((folder / "name").read_text()))
        verifier.verify(leaf, sent)
        return ""
    except (ValueError, TypeError, verification.VerificationError) as error:
        return " ".join(str(error).split()) or type(error).__name__


for folder in sys.argv[1:]:
    print(answer(pathlib.Path(folder)))

"""Opens a page in headless Chromium and evaluates expressions in it.

stdin: {"page": PATH, "steps": [EXPRESSION, ...]}. stdout: {"results": [...],
"requests": [...], "complaints": [...], "milliseconds": N}: what each step is,
promises awaited (null for a step like "press Tab", which is a key, and for one
like "show print dark", which is a medium and a colour scheme); every URL asked
for besides the page; everything the console, the policy or a dialog said; the
time from navigation to the load event.

Chromium stands in a network namespace without a network, and speaks the
DevTools protocol over two pipes: its descriptors 3 and 4.
"""

import fcntl
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--no-default-browser-check", "--host-resolver-rules=MAP * ~NOTFOUND",
    "--window-size=1440,1000", "--remote-debugging-pipe",
]


# What a key is called → its virtual key code, and the text that it types.
KEYS = {"Tab": (9, ""), "Enter": (13, "\r")}


class Devtools:
    def __init__(self, profile):
        commands, self.commands = os.pipe()
        self.events, events = os.pipe()
        # Above 4, so that neither is overwritten before it is moved.
        commands, events = (fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (commands, events))

        def plumb():
            os.dup2(commands, 3)
            os.dup2(events, 4)

        self.process = subprocess.Popen(
            ["unshare", "--net", "chromium", f"--user-data-dir={profile}", *FLAGS],
            preexec_fn=plumb, pass_fds=(3, 4), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(events)
        self.buffer = b""
        self.number = 0
        self.session = None
        self.heard = []

    def read(self):
        while b"\0" not in self.buffer:
            chunk = os.read(self.events, 1 << 20)
            if not chunk:
                raise SystemExit("chromium has ended")
            self.buffer += chunk
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def send(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.commands, data):]
        return self.number

    def call(self, method, **params):
        number = self.send(method, **params)
        while True:
            message = self.read()
            if message.get("id") == number:
                if "error" in message:
                    raise SystemExit(f"{method}: {message['error']}")
                return message["result"]
            self.hear(message)

    def hear(self, message):
        self.heard.append(message)
        # Nothing goes on in a page that shows a dialog.
        if message.get("method") == "Page.javascriptDialogOpening":
            self.send("Page.handleJavaScriptDialog", accept=False)

    def wait(self, method):
        while not any(message.get("method") == method for message in self.heard):
            self.hear(self.read())


def said(message):
    method, params = message.get("method"), message.get("params", {})
    if method == "Runtime.consoleAPICalled":
        return "console: " + str(params["args"])
    if method == "Runtime.exceptionThrown":
        return "exception: " + str(params["exceptionDetails"])
    if method == "Log.entryAdded":
        return "log: " + params["entry"]["text"]
    if method == "Page.javascriptDialogOpening":
        return "dialog: " + params["message"]
    return None


def press(devtools, key):
    code, text = KEYS[key]
    for kind in ("keyDown", "keyUp"):
        typed = {"text": text} if kind == "keyDown" and text else {}
        devtools.call(
            "Input.dispatchKeyEvent", type=kind, key=key, code=key,
            windowsVirtualKeyCode=code, **typed,
        )


def show(devtools, medium, scheme):
    feature = {"name": "prefers-color-scheme", "value": scheme}
    devtools.call("Emulation.setEmulatedMedia", media=medium, features=[feature])


def visit(devtools, address, steps):
    target = devtools.call("Target.createTarget", url="about:blank")["targetId"]
    session = devtools.call("Target.attachToTarget", targetId=target, flatten=True)
    devtools.session = session["sessionId"]
    for domain in ("Page", "Runtime", "Log", "Network"):
        devtools.call(domain + ".enable")
    begun = time.monotonic()
    devtools.call("Page.navigate", url=address)
    devtools.wait("Page.loadEventFired")
    milliseconds = round((time.monotonic() - begun) * 1000)
    results = []
    for step in steps:
        if step.startswith("press "):
            press(devtools, step.removeprefix("press "))
            results.append(None)
            continue
        if step.startswith("show "):
            show(devtools, *step.split()[1:])
            results.append(None)
            continue
        answer = devtools.call(
            "Runtime.evaluate", expression=step, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise SystemExit(f"{step}: {answer['exceptionDetails']}")
        results.append(answer["result"].get("value"))
    asked = [
        message["params"]["request"]["url"]
        for message in devtools.heard
        if message.get("method") == "Network.requestWillBeSent"
    ]
    return {
        "results": results,
        "requests": [url for url in asked if url != address],
        "complaints": [text for text in map(said, devtools.heard) if text],
        "milliseconds": milliseconds,
    }


def main():
    order = json.load(sys.stdin)
    address = pathlib.Path(order["page"]).resolve().as_uri()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        devtools = Devtools(profile)
        try:
            report = visit(devtools, address, order["steps"])
        finally:
            devtools.session = None
            devtools.send("Browser.close")
            devtools.process.wait()
    json.dump(report, sys.stdout)


main()

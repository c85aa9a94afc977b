"""Two network namespaces and a wire between them; programs run and measured.

    client 10.255.0.1 ---- 10.255.0.2 server

On the server's side every address of 10.99.0.0/16 is its own: it has
certificates on 443 (one for all), 8443 (each its own) and 9443 (TLS 1.3
alone), and refuses on other ports. The rest of 10.0.0.0/8 is dark.
"""

import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

# Open files of each program: what a machine without privileges has, or less.
DESCRIPTORS = 20_000

# A run that takes longer is a failure, in seconds.
LONGEST_RUN = 600

# Between two looks at a running program, in seconds.
SAMPLING = 0.05


@dataclass
class Run:
    """What one run of a program took."""

    wall: float  # seconds
    cpu: float  # seconds of user and system time, of this process alone
    peak: float  # MiB of resident memory
    status: int
    output: str
    threads: dict[str, float]  # name -> seconds of CPU, as last seen
    outcomes: dict[str, int] = field(default_factory=dict)

    @property
    def targets(self):
        return sum(self.outcomes.values())

    @property
    def cost(self):
        """Microseconds of CPU a target."""
        return self.cpu / self.targets * 1e6

    @property
    def writer_share(self):
        """Of the whole CPU, what the database's thread took."""
        writer = sum(cpu for name, cpu in self.threads.items() if name.startswith("sqlx"))
        return writer / self.cpu


class Laboratory:
    def __init__(self, programs):
        self.certsweep = Path(programs) / "certsweep"
        self.examples = Path(programs) / "examples"
        self.client = f"certsweep-bench-{os.getpid()}-client"
        self.server = f"certsweep-bench-{os.getpid()}-server"
        self.processors = [str(cpu) for cpu in sorted(os.sched_getaffinity(0))[:2]]
        self.processes = []

    def __enter__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="certsweep-bench-"))
        self.configuration = self.directory / "empty.toml"
        self.configuration.touch()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        allowed = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))
        try:
            self.build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
        for namespace in (self.client, self.server):
            subprocess.run(["ip", "netns", "delete", namespace], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.directory)

    def build(self):
        for namespace in (self.client, self.server):
            ip("netns", "add", namespace)
            ip("-n", namespace, "link", "set", "lo", "up")
        ip("-n", self.client, "link", "add", "wire", "type", "veth", "peer", "wire", "netns", self.server)
        for namespace, address in ((self.client, "10.255.0.1/30"), (self.server, "10.255.0.2/30")):
            ip("-n", namespace, "address", "add", address, "dev", "wire")
            ip("-n", namespace, "link", "set", "wire", "up")
        ip("-n", self.client, "route", "add", "10.0.0.0/8", "via", "10.255.0.2")
        ip("-n", self.server, "route", "add", "blackhole", "10.0.0.0/8")
        ip("-n", self.server, "route", "add", "local", "10.99.0.0/16", "dev", "lo")
        settings = ["net.core.somaxconn=65535", "net.ipv4.tcp_max_syn_backlog=65535"]
        subprocess.run([*inside(self.server), "sysctl", "--quiet", "--write", *settings], check=True)
        server = subprocess.Popen(
            [*inside(self.server), *self.pinned(2), self.examples / "sweep-server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.processes.append(server)
        if server.stdout.readline() != "ready\n":
            raise SystemExit("the server did not start")

    def pinned(self, processors):
        return ["taskset", "--cpu-list", ",".join(self.processors[:processors])]

    def inventory(self):
        """The path of a new one."""
        return Path(tempfile.mkdtemp(dir=self.directory)) / "inventory.db"

    def scan(self, *words, inventory=None, processors=2, interrupt_after=None):
        """certsweep as fast as it goes, but for what the words say."""
        inventory = inventory or self.inventory()
        unlimited = [f"--rate{what}=unlimited" for what in ("", "-per-host", "-per-network")]
        unlimited = [] if "--rate" in words else unlimited
        command = [self.certsweep, "scan", *words, *unlimited, "--no-ptr", "--quiet", "--db", inventory]
        command += ["--config", self.configuration]
        run = self.measure(command, processors, interrupt_after)
        if inventory.exists():
            run.outcomes = self.last_outcomes(inventory)
        return run

    def floor(self, *words, processors=2):
        run = self.measure([self.examples / "sweep-floor", *words], processors)
        run.outcomes = json.loads(run.output)
        return run

    def last_outcomes(self, inventory):
        command = [self.certsweep, "scans", "--json", "--db", inventory]
        listed = subprocess.run(command, check=True, capture_output=True, text=True)
        outcomes = json.loads(listed.stdout.splitlines()[-1])["outcomes"]
        return {outcome: count for outcome, count in outcomes.items() if count}

    def measure(self, command, processors, interrupt_after=None):
        """Runs a program on the client's side to its end."""
        command = [*inside(self.client), *self.pinned(processors), *map(str, command)]
        with tempfile.TemporaryFile("w+") as output:
            began = time.monotonic()
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output)
            self.processes.append(process)
            observer = Observer(process.pid)
            timers = [threading.Timer(LONGEST_RUN, process.kill)]
            if interrupt_after:
                timers.append(threading.Timer(interrupt_after, process.send_signal, [signal.SIGINT]))
            for timer in timers:
                timer.daemon = True
                timer.start()
            try:
                _, status, usage = os.wait4(process.pid, 0)
            finally:
                for timer in timers:
                    timer.cancel()
            wall = time.monotonic() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            self.processes.remove(process)
            observer.join()
            output.seek(0)
            # Five: it ended early, in order, as it was told to.
            if process.returncode not in (0, 5):
                raise SystemExit(f"ended with {process.returncode}: {' '.join(command)}")
            return Run(
                wall=wall,
                cpu=usage.ru_utime + usage.ru_stime,
                peak=observer.peak,
                status=process.returncode,
                output=output.read(),
                threads=observer.by_name(),
            )


class Observer(threading.Thread):
    """Looks at a process until it is gone."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.proc = Path(f"/proc/{process}")
        self.peak = 0.0
        self.threads = {}
        self.start()

    def run(self):
        # What was here before is not the program yet: `ip`, `taskset`.
        while True:
            try:
                self.look()
            except (OSError, LookupError, ValueError, StopIteration):
                return
            time.sleep(SAMPLING)

    def look(self):
        status = (self.proc / "status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        self.peak = int(peak.split()[1]) / 1024
        for thread in (self.proc / "task").iterdir():
            name, _, rest = (thread / "stat").read_text().partition("(")[2].rpartition(")")
            user, system = rest.split()[11:13]
            ticks = os.sysconf("SC_CLK_TCK")
            self.threads[thread.name] = (name, (int(user) + int(system)) / ticks)

    def by_name(self):
        names = {}
        for name, cpu in self.threads.values():
            names[name] = names.get(name, 0.0) + cpu
        return names


def contents(inventory):
    """Bytes in use, and the rows of every table."""
    with sqlite3.connect(f"file:{inventory}?mode=ro", uri=True) as database:
        value = lambda query: database.execute(query).fetchone()[0]
        used = value("pragma page_count") - value("pragma freelist_count")
        tables = database.execute("select name from sqlite_schema where type = 'table'").fetchall()
        rows = {name: value(f'select count(*) from "{name}"') for (name,) in tables}
        return used * value("pragma page_size"), rows


def inside(namespace):
    return ["ip", "netns", "exec", namespace]


def ip(*words):
    subprocess.run(["ip", *words], check=True)

"""What the benchmarks share: our programs as processes, what they spend, and the load on them.

Costs are processor time from /proc, which holds on a busy machine where wall-clock time does not.
"""
import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

BINARIES, SCRATCH = Path(sys.argv[1]), Path(sys.argv[2])
YARDSTICK = os.environ.get("NOCTIS_YARDSTICK")
TICKS = os.sysconf("SC_CLK_TCK")
CONNECTIONS = 4
WAIT_SECONDS_MAX = 300


class Program:
    """One of our programs; ended with SIGTERM when the block ends."""

    def __init__(self, *command, **environment):
        self.log = tempfile.NamedTemporaryFile("w+", dir=SCRATCH, suffix=".log", delete=False)
        environment = without_settings() | environment
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT, env=environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)
        os.unlink(self.log.name)

    def wait_for(self, pattern):
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not (found := re.search(pattern, Path(self.log.name).read_text(), re.MULTILINE)):
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"no {pattern!r} from {self.process.args}:\n{Path(self.log.name).read_text()[-2000:]}")
            time.sleep(0.1)
        return found[1] if found.groups() else None

    def children(self):
        """Its render processes."""
        with contextlib.suppress(OSError):
            text = "".join(task.read_text() for task in Path(f"/proc/{self.process.pid}/task").glob("*/children"))
            return [int(pid) for pid in text.split()]
        return []

    def cpu_seconds(self):
        """Its own, without its render processes."""
        return cpu_seconds(self.process.pid)

    def resident_mb(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def serve(*paths, **environment):
    """`noctis serve` with these paths indexed; `base` is its address."""
    data = tempfile.mkdtemp(dir=SCRATCH)
    server = Program(BINARIES / "noctis", "serve", "--listen", "127.0.0.1:0", "--data", data, *paths,
                     **{"NOCTIS_RATE_LIMIT": "off", "NOCTIS_LOG": "warn"} | environment)
    server.base = server.wait_for(r"^listening on (http://\S+)")
    server.wait_for(r"^indexed \d+")
    return server


def cpu_seconds(pid):
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / TICKS


def without_settings():
    return {name: value for name, value in os.environ.items() if not name.startswith("NOCTIS_")}


def load(base, paths, count, accept="image/png", connections=CONNECTIONS, expected=200, token=None):
    """Asks for `paths` in turn, so many times or for so long (`30s`); every answer must be the expected one. Gives what
    `examples/load` printed, by name."""
    environment = os.environ | ({"NOCTIS_BENCH_TOKEN": token} if token else {})
    done = subprocess.run(
        [BINARIES / "examples/load", base.removeprefix("http://"), accept, str(connections), str(count)],
        input="\n".join(paths), text=True, check=True, capture_output=True, env=environment)
    told = dict(word.split("=") for word in done.stdout.split())
    if told.get(str(expected)) != told["requests"]:
        sys.exit(f"{paths[0]}: {done.stdout}")
    return {name: float(value) for name, value in told.items()}


def get(base, path, token=None):
    """The JSON of a 200."""
    address = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    connection.request("GET", path, headers={"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {}))
    answer = connection.getresponse()
    if answer.status != 200:
        sys.exit(f"{path}: {answer.status} {answer.read()[:300]}")
    return json.loads(answer.read())


def listed_series(base, token=None):
    """Of every study: each series, and its images in display order."""
    for study in get(base, "/api/v1/dicom/studies", token)["studies"]:
        for series in get(base, f"/api/v1/dicom/studies/{study['study_id']}/series", token)["series"]:
            yield series, get(base, f"/api/v1/dicom/series/{series['series_id']}/images", token)["images"]


def synthesize(modality, count, *more):
    """A folder with one series of so many slices, made by the yardstick's generator."""
    folder = SCRATCH / "-".join(["lanes", modality, *([] if count < 100 else [str(count)]), *more])
    if not folder.exists():
        subprocess.run([sys.executable, Path(YARDSTICK) / "synth.py", folder, "--modality", modality, "--studies", "1", "--series", "1",
                        "--slices", str(count), *more], check=True, stdout=subprocess.DEVNULL)
    return folder

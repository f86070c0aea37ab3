#!/usr/bin/env python3
"""Renders the cases of scripts/conformance with dcmj2pnm of DCMTK, and with dcml2pnm for JPEG-LS.

A line of JSON in (the case), a line of JSON out (why it failed, or null). The tools show no window unless told to: here
they are told to take the first window of the file, else its first VOI LUT, else the range of the frame.
"""
import json
import subprocess
import sys
from pathlib import Path

SECONDS_MAX = 60
FUNCTIONS = {"LINEAR": "+Wfl", "SIGMOID": "+Wfs"}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=SECONDS_MAX)


def has(path, tag):
    """Whether the top level of the data set has a value for it."""
    lines = run("dcmdump", "+P", tag, path).stdout.splitlines()
    return any("no value available" not in line and "#=0)" not in line for line in lines if line.startswith("("))


def voi_options(case):
    if window := case["window"]:
        if window["function"] not in FUNCTIONS:
            raise NotImplementedError(f"has no {window['function']}")
        return ["+Ww", str(window["center"]), str(window["width"]), FUNCTIONS[window["function"]]]
    path = case["path"]
    if has(path, "WindowCenter") and has(path, "WindowWidth"):
        return ["+Wi", "1"]
    if has(path, "VOILUTSequence"):
        return ["+Wl", "1"]
    # Eight bits go to the screen as they are.
    return [] if "US 8 " in run("dcmdump", "+P", "BitsAllocated", path).stdout else ["+Wm"]


def render(case):
    overlays = [] if case["overlays"] else ["-O"]
    is_jpeg_ls = "JPEGLS" in run("dcmdump", "+P", "TransferSyntaxUID", case["path"]).stdout
    tool = "dcml2pnm" if is_jpeg_ls else "dcmj2pnm"
    command = [tool, "+F", str(case["frame"]), *overlays, *voi_options(case), "+on", case["path"], case["png"]]
    done = run(*command)
    if done.returncode or not Path(case["png"]).exists():
        raise RuntimeError((done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1])


for line in sys.stdin:
    case = json.loads(line)
    error = None
    try:
        render(case)
    except Exception as raised:  # whatever it raises is its answer
        error = str(raised)
    print(json.dumps({"id": case["id"], "error": error}), flush=True)

"""Runs the blocks of docs/api.md that say they are tested, as they stand there, against a server elsewhere.

guide.py SERVER SCRATCH: SERVER is the address of the server that stands in for http://127.0.0.1:8080, where the account of the guide is
known; SCRATCH a folder with the node_modules of package.json and noctis.d.ts. Ends with status 1 at the first block that fails.
"""

import re
import subprocess
import sys
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
ADDRESS = "http://127.0.0.1:8080"
BLOCK = re.compile(r"^(?P<marker>[^\n]*)\n```(?P<language>sh|python|ts)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks():
    """Each block: the line where it begins, its language and its text."""
    guide = GUIDE.read_text()
    for block in BLOCK.finditer(guide):
        line = guide.count("\n", 0, block.start("text"))
        if block["marker"] == "<!-- tested -->":
            yield line, block["language"], block["text"]
        elif not re.fullmatch(r"<!-- not tested: .+ -->", block["marker"]):
            sys.exit(f"docs/api.md:{line}: the line before says neither <!-- tested --> nor <!-- not tested: WHY -->")


def run(language, text, scratch):
    if language == "sh":
        commands = [["bash", "-euo", "pipefail", "-c", text]]
    elif language == "python":
        commands = [[sys.executable, "-c", text]]
    else:
        (scratch / "guide.mts").write_text(text)
        options = ["--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", "--types", "node"]
        commands = [["node_modules/.bin/tsc", *options, "guide.mts"], ["node", "guide.mjs"]]
    for command in commands:
        subprocess.run(command, cwd=scratch, check=True, timeout=120)


def main():
    server, scratch = sys.argv[1].rstrip("/"), Path(sys.argv[2])
    languages = set()
    for line, language, text in blocks():
        print(f"docs/api.md:{line}: {language}", flush=True)
        try:
            run(language, text.replace(ADDRESS, server), scratch)
        except subprocess.CalledProcessError as error:
            sys.exit(f"docs/api.md:{line}: this block ends with status {error.returncode}")
        languages.add(language)
    if languages != {"sh", "python", "ts"}:
        sys.exit(f"only blocks in {sorted(languages)} were run")


main()

#!/usr/bin/env python3
"""Makes docs/picture.svg: what a terminal shows when the commands below are typed, at a real mosquitto.

    cargo build --release && python3 -m venv target/picture && target/picture/bin/pip install rich==15.0.0
    target/picture/bin/python docs/picture.py target/release
"""

import io
import os
import pty
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

WIDTH = 96

# What is typed; with `&` at its end it goes on beside what comes next, and is shown at its end.
TYPED = [
    "mqsub -t 'home/#' -F '@H:@M:@S  %-25t %p' -C 2 &",
    "mqpub -t home/kitchen/temperature -m 21.5 -r",
    "mqpub -t home/attic/window -m open -r",
    "mqsub -t 'home/#' --json -C 1",
    "seq 200000 | mqpub -t numbers -l -q 1 && echo all there",
    "mqpub --probe",
    "mqpub -t 'home/#' -m x",
    "mqpub -p 1 -t home/door -m open",
]

# Without the fonts from elsewhere that rich would have a browser fetch.
SVG = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<!-- Made by docs/picture.py. -->
<style>
.{unique_id}-matrix {{ font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-family: sans-serif; font-size: 18px; font-weight: bold; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


def start(command, environment):
    """Bash with this command on a terminal of its own: the process and the terminal's other side."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["bash", "-c", command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    return process, ours


def shown(process, terminal):
    """All that it shows until it ends."""
    text = b""
    while True:
        try:
            more = os.read(terminal, 65536)
        except OSError:
            break
        if not more:
            break
        text += more
    process.wait(60)
    return text.decode().replace("\r\n", "\n")


def broker(folder):
    """A mosquitto on a free port: its process and its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configuration = folder / "mosquitto.conf"
    configuration.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    log = subprocess.DEVNULL
    path = os.environ["PATH"] + ":/usr/sbin"
    process = subprocess.Popen(
        ["mosquitto", "-c", configuration], stdout=log, stderr=log, env={"PATH": path}
    )
    for _ in range(1000):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process, port
        except OSError:
            time.sleep(0.01)
    raise SystemExit("mosquitto does not start")


def main():
    tools = Path(sys.argv[1]).resolve()
    console = Console(record=True, width=WIDTH, file=io.StringIO(), legacy_windows=False)
    with tempfile.TemporaryDirectory() as folder:
        process, port = broker(Path(folder))
        environment = {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "HOME": folder,
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            "COLUMNS": str(WIDTH),
            "MQ_PORT": str(port),
        }
        beside = []
        for typed in TYPED:
            console.print(Text.assemble(("$ ", "bold green"), (typed, "bold")))
            if typed.endswith("&"):
                beside.append(start(typed.removesuffix("&"), environment))
                # Long enough for a subscription; what comes later is missing in the picture.
                time.sleep(1)
                continue
            text = shown(*start(typed, environment))
            if beside and not text.strip() and typed is TYPED[2]:
                text = shown(*beside.pop())
            console.print(Text.from_ansi(text.replace(f":{port}", ":1883")), end="")
        process.kill()
    svg = console.export_svg(title="mqtools", theme=MONOKAI, code_format=SVG)
    (Path(__file__).parent / "picture.svg").write_text(svg)


if __name__ == "__main__":
    main()

"""Run one whistlestop command and kill this process just before its N-th effect.

An effect is a call that changes what survives the process: an SQL statement, a rename, a link, a
file opened or written. ``KILL_AT=0`` counts them and prints the number to stderr, and after how
many of them something went out on a socket.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

EFFECTS = {"execute", "executemany", "replace", "rename", "link", "unlink", "open", "write"}
seen = 0
sends: list[int] = []
target = int(os.environ["KILL_AT"])


def watch(frame, event, called):
    global seen
    if event == "c_call" and called.__name__ == "sendall":
        sends.append(seen)
    if event == "c_call" and called.__name__ in EFFECTS:
        seen += 1
        if seen == target:
            os.kill(os.getpid(), signal.SIGKILL)


import cli  # noqa: E402 - the effects of importing are not of interest

threading.setprofile(watch)
sys.setprofile(watch)
code = cli.run(sys.argv[1:])
sys.setprofile(None)
print(f"effects={seen} sends={','.join(map(str, sends))}", file=sys.stderr)
sys.exit(code)

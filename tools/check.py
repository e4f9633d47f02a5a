"""Run the project's checks: lint, the unit tests and every notebook with no network; the long tests, one of which needs it.

    python tools/check.py [lint] [unit] [notebooks] [stale]
    python tools/check.py long
    python tools/check.py page 07

`make test`, `make test-long` and CI call this, so that they cannot differ. With no names it runs the first four, whatever
each of them says; the last of them only warns. `page` (`make check ONLY=07`) checks all that one page is made of.
"""

import ctypes
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUIET_AND_OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "TQDM_DISABLE": "1"}
NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000  # flags of unshare(2)
SET_FLAGS, UP_AND_RUNNING = 0x8914, 0x41  # of netdevice(7)

PYTEST = [sys.executable, "-m", "pytest"]
CHECKS = {  # each with its command lines
    "lint": [
        [sys.executable, "-m", "ruff", "check"],
        [sys.executable, "-m", "ruff", "format", "--check"],
        [sys.executable, "-m", "mypy"],
    ],
    # two files at a time with a thread each: two threads in each of two processes would wait for each other
    "unit": [[*PYTEST, "-n", "2", "--dist", "loadfile"]],
    # strict: every text output is compared
    "notebooks": [[*PYTEST, "--nbval", "-n", "2", "--dist", "loadscope", "notebooks"]],
    "stale": [[sys.executable, "tools/stale.py", "--warn"]],
    "long": [[*PYTEST, "-m", "long"]],
}


def enter_empty_network():
    """Move this process and all that it starts into a network namespace that holds loopback alone; OSError where it may not."""
    import fcntl  # Unix only

    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(NEW_NETWORK) != 0:  # not root: then inside a user namespace, as the same user
        if libc.unshare(NEW_USER | NEW_NETWORK) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anything:  # loopback starts down, and kernels talk over it
        fcntl.ioctl(anything, SET_FLAGS, struct.pack("16sH22x", b"lo", UP_AND_RUNNING))


def may_enter_empty_network():
    """Try it in a child process: a try that fails halfway leaves a process with no loopback."""
    if sys.platform != "linux":
        return False
    child = os.fork()
    if child == 0:
        try:
            enter_empty_network()
        except BaseException:  # whatever it was, the child ends here
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def go_offline():
    """Take the network away from here on, or where the machine does not allow it, tell the libraries to leave it alone."""
    os.environ.update(QUIET_AND_OFFLINE)
    for name in ("BERTNOTES_MODEL", "BERTNOTES_MY"):  # the shipped model is checked; nothing goes into a learner's folder
        os.environ.pop(name, None)
    if may_enter_empty_network():
        enter_empty_network()
        print("network: none, but for loopback", flush=True)
    else:
        print("network: still there (no network namespace on this machine); HF_HUB_OFFLINE=1 is set", flush=True)


def run(name):
    """Run all the command lines of one check; returns whether all passed. pytest fails where it finds nothing to run."""
    print(f"== {name}", flush=True)
    environment = os.environ | ({"OMP_NUM_THREADS": "1"} if name in ("unit", "notebooks") else {})
    return not any([subprocess.run(command, cwd=ROOT, env=environment).returncode for command in CHECKS[name]])


def steps_of_page(number, out):
    """{step: command line} of what checks one page. out: a folder for its deck."""
    stored = [*ROOT.glob(f"notebooks/{number}_*.ipynb"), *ROOT.glob(f"notebooks/solutions/{number}.ipynb")]
    guard = [*PYTEST, "-q", "-n", "0", "tests/tools/test_notebooks.py", "-k", f"test_notebook and {number}_"]
    return {
        **{" ".join(command[2:]): command for command in CHECKS["lint"]},
        "guard": guard,
        "drawings": [sys.executable, "tools/figures.py", "--check", "--only", number],
        "cells": [*PYTEST, "-q", "-n", "0", "--nbval", *map(str, stored)],
        "deck": [sys.executable, "tools/slides.py", "--only", number, "--out", out],
    }


def check_page(numbers):
    """Check all that one page is made of, and say how long each step took; returns the exit status."""
    if len(numbers) != 1 or not any(ROOT.glob(f"notebooks/src/{numbers[0]}_*.py")):
        there = ", ".join(sorted(path.name[:2] for path in ROOT.glob("notebooks/src/[0-9]*.py")))
        print(f"make check ONLY=NN checks one page; met {' '.join(numbers) or 'none'}, there are {there}", file=sys.stderr)
        return 2
    go_offline()
    said, failed = [], []
    with tempfile.TemporaryDirectory() as out:
        for step, command in steps_of_page(*numbers, out).items():
            print(f"== {step}", flush=True)
            begun = time.monotonic()
            code = subprocess.run(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}).returncode
            said.append(f"{step}: {'failed' if code else 'passed'}, {time.monotonic() - begun:.0f} s")
            failed += [step] * bool(code)
    print("\n".join(["", *said]))
    return 1 if failed else 0


def main(names):
    """Run the named checks, all but the long one by default; returns the exit status."""
    if names[:1] == ["page"]:
        return check_page(names[1:])
    names = names or [name for name in CHECKS if name != "long"]
    if unknown := set(names) - set(CHECKS):
        print(f"unknown check: {', '.join(sorted(unknown))}; there are {', '.join(CHECKS)}", file=sys.stderr)
        return 2
    if names != ["long"]:  # which installs what the package needs
        go_offline()
    failed = [name for name in names if not run(name)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)

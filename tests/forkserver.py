"""A process that has loaded the product and forks others off: `python -W error -m tests.forkserver DESCRIPTOR`.

To load Django and the product takes most of the time of a process that makes a few calls. Here they are loaded
once, without a connection. Each order is a message on the Unix socket DESCRIPTOR, with pipes for what the process
prints, for its errors and for its exit code; the answer is its id. The server ends when nobody holds the other end.
"""

import gc
import importlib
import json
import os
import runpy
import socket
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import django
import environ

django.setup()

from django.conf import settings  # noqa: E402  # after the settings are read
from django.db import connection  # noqa: E402

import folios.urls  # noqa: E402, F401  # what a first request would load

LARGEST_ORDER = 1_000_000  # bytes


def main(descriptor: str) -> None:
    """Fork a process for each order until nobody can give one."""
    with socket.socket(fileno=int(descriptor)) as orders:
        while True:
            message, received, _, _ = socket.recv_fds(orders, LARGEST_ORDER, 3)
            _bury()
            if not message:
                return
            orders.send(str(_fork(json.loads(message), received, orders)).encode())


def _fork(order: dict[str, Any], received: Sequence[int], orders: socket.socket) -> int:
    """Fork a process for an order; return its id."""
    importlib.import_module(order["module"])  # with all that it wants; the forked process runs it anew
    gc.freeze()  # what is here stays; the collector of a forked process need not copy it to look
    child = os.fork()
    if child == 0:
        orders.close()
        _run(order, received)
    for each in received:
        os.close(each)
    return child


def _bury() -> None:
    """Let processes that have ended go; how they ended they have said themselves."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _run(order: dict[str, Any], received: Sequence[int]) -> None:
    """Be the new process to its end; a process that is killed says no exit code."""
    stdout, stderr, exit_code = received
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    os.close(stdout)
    os.close(stderr)
    os.set_inheritable(exit_code, False)
    code = _exit_code(order)
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(exit_code, str(code).encode())
    os._exit(code)


def _exit_code(order: dict[str, Any]) -> int:
    """Run the module as a program and return what its process would exit with."""
    try:
        _use(order["environment"])
        del sys.modules[order["module"]]  # loaded to be warm; now it is the program
        sys.argv = [order["module"], *order["arguments"]]
        runpy.run_module(order["module"], run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001  # as the interpreter does
        traceback.print_exc()
        return 1
    return 0


def _use(environment: dict[str, str]) -> None:
    """Take over what the settings read from the environment of a process of its own."""
    os.environ.clear()
    os.environ.update(environment)
    settings.ARTIFACTS_ROOT = Path(environment["ARTIFACTS_ROOT"])
    database = environ.Env.db_url_config(environment["DATABASE_URL"])
    connection.settings_dict.update({name: database[name] for name in ("NAME", "HOST", "PORT", "USER", "PASSWORD")})


if __name__ == "__main__":
    main(sys.argv[1])

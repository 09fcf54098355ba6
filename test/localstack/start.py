"""Runs LocalStack in this process, without Docker, until standard input ends: so it does not outlive whoever started it."""
import _thread
import atexit
import functools
import os
import runpy
import shutil
import signal
import sys
import threading


def end_with_parent():
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(10)
    os._exit(1)  # what still runs then waits for itself


class _LockType(type):
    def __call__(cls):
        return _thread.allocate_lock()

    def __instancecheck__(cls, value):
        return isinstance(value, _thread.LockType)


class Lock(metaclass=_LockType):
    """LocalStack annotates with `threading.Lock | None`, which fails before Python 3.13, where Lock is a function."""


if not isinstance(threading.Lock, type):
    threading.Lock = Lock

import jsonpath_ng
import jsonpath_ng.ext

# Step Functions parses each path at each use, and the library makes its grammar anew for each: half a second of CPU a state.
for module in (jsonpath_ng, jsonpath_ng.ext):
    module.parse = functools.lru_cache(maxsize=1000)(module.parse)

atexit.register(shutil.rmtree, os.environ["FILESYSTEM_ROOT"], ignore_errors=True)
threading.Thread(target=end_with_parent, daemon=True, name="end-with-parent").start()
runpy.run_module("localstack.runtime.main", run_name="__main__")

"""Runs a Node.js zip function as a local process.

One process and one server of the Lambda Runtime API make one execution environment. LocalStack's own executor endpoint
is not used: `invoke` returns the InvocationResult itself.
"""
import json
import logging
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from localstack import config
from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import LambdaRuntimeException, RuntimeExecutor

LOG = logging.getLogger(__name__)
RUNTIME = str(Path(__file__).with_name("runtime.mjs"))
API = "/2018-06-01/runtime"
# An address keeps the AWS SDK on path-style S3 URLs, so that no *.localhost name need resolve.
HOST = "127.0.0.1"
NODE = os.environ.get("LAMBDA_PROCESS_NODE", "node")
CLOSE = object()
# Folders of unzipped code by hash, one of each.
UNZIPPED: dict[str, Path] = {}
UNZIPPING = threading.Lock()


class RuntimeApi(ThreadingHTTPServer):
    """What one runtime talks to: it asks for an event, and posts what came of it."""

    daemon_threads = True

    def __init__(self):
        self.events = queue.Queue()
        self.results = queue.Queue()
        self.ready = threading.Event()
        self.init_error = None
        super().__init__((HOST, 0), RuntimeApiHandler)
        threading.Thread(target=self.serve_forever, daemon=True, name="lambda-runtime-api").start()

    def handle_error(self, request, client_address):
        pass  # runtimes that are killed reset their connections

    def close(self):
        self.events.put(CLOSE)
        self.shutdown()
        self.server_close()


class RuntimeApiHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each invocation waits 40 ms for a delayed ACK
    wbufsize = -1
    server: RuntimeApi

    def log_message(self, *args):
        pass

    def reply(self, code, body=b"", headers=()):
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def do_GET(self):
        if self.path != f"{API}/invocation/next":
            return self.reply(404)
        self.server.ready.set()
        event = self.server.events.get()
        if event is CLOSE:
            return self.reply(410)
        headers = [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", event["invoke-id"]),
            ("Lambda-Runtime-Deadline-Ms", str(event["deadline"])),
            ("Lambda-Runtime-Invoked-Function-Arn", event["invoked-function-arn"]),
            ("Lambda-Runtime-Trace-Id", event["trace-id"]),
        ]
        self.reply(200, event["payload"].encode(), headers)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = self.path.split("/")
        if self.path == f"{API}/init/error":
            self.server.init_error = body
            self.server.ready.set()
        elif parts[-1] in ("response", "error"):
            self.server.results.put((parts[-2], body, parts[-1] == "error"))
        else:
            return self.reply(404)
        self.reply(202)


class ProcessRuntimeExecutor(RuntimeExecutor):
    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id=id, function_version=function_version)
        self._process = self._api = self._environment = None
        self._is_stopped = False
        self._lines: list[str] = []
        self._marker = threading.Condition()
        self._ended: set[str] = set()
        self._folder = tempfile.mkdtemp(prefix=f"lambda-{id[:8]}-")

    def start(self, env_vars: dict[str, str]) -> None:
        version = self.function_version.config
        self._environment = {
            "PATH": os.environ.get("PATH", ""),
            "LANG": "en_US.UTF-8",
            "HOME": self._folder,
            "TMPDIR": self._folder,
            **{name: str(value) for name, value in env_vars.items()},  # memory and timeout come as int
            "LAMBDA_TASK_ROOT": str(version.code.get_unzipped_code_location()),
            "LAMBDA_RUNTIME_DIR": str(Path(RUNTIME).parent),
            "TZ": "UTC",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{version.runtime}",
        }
        self._spawn()

    def _spawn(self) -> None:
        self._api = RuntimeApi()
        environment = {**self._environment, "AWS_LAMBDA_RUNTIME_API": f"{HOST}:{self._api.server_address[1]}"}
        memory = int(self.function_version.config.memory_size)
        # As the runtimes of AWS start Node: 90 % of the memory is old space, 5 % a semi-space.
        flags = [f"--max-old-space-size={max(64, memory * 9 // 10)}", f"--max-semi-space-size={memory // 20}"]
        self._process = subprocess.Popen(
            [NODE, *flags, RUNTIME],
            cwd=environment["LAMBDA_TASK_ROOT"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        threading.Thread(target=self._read_log, args=(self._process,), daemon=True, name="lambda-logs").start()
        while not self._api.ready.wait(0.05):
            if self._is_stopped:  # by the timer of LocalStack's own for the start of an environment
                raise LambdaRuntimeException("execution environment stopped during startup")
            if self._process.poll() is not None:
                raise StatusErrorException("runtime exited during init", payload=self._exit_error("init"))
        if self._api.init_error is not None:
            raise StatusErrorException("Environment startup failed", payload=self._api.init_error)

    def _read_log(self, process):
        for line in process.stdout:
            with self._marker:
                text, found, request_id = line.partition("\x00END ")
                if text:
                    self._lines.append(text if text.endswith("\n") else text + "\n")
                if found:
                    self._ended.add(request_id.strip())
                    self._marker.notify_all()

    def _kill(self):
        process, api = self._process, self._api
        self._process = self._api = None
        if process and process.poll() is None:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait(5)
        if api:
            api.close()

    def stop(self) -> None:
        self._is_stopped = True
        self._kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        version, request_id, started = self.function_version.config, payload["invoke-id"], time.time()
        if self._process is None or self._process.poll() is not None:  # it died in an earlier invocation
            self._kill()
            self._spawn()
        with self._marker:
            self._lines.clear()
        self._api.events.put({**payload, "deadline": int((started + version.timeout) * 1000)})
        body, is_error = self._wait_for(request_id, started)
        logs = self._logs_of(request_id, started)
        return InvocationResult(request_id=request_id, payload=body, is_error=is_error, logs=logs)

    def _wait_for(self, request_id: str, started: float) -> tuple[bytes, bool]:
        timeout = self.function_version.config.timeout
        while True:
            try:
                answered, body, is_error = self._api.results.get(timeout=0.1)
                if answered == request_id:
                    return body, is_error
            except queue.Empty:
                if time.time() - started >= timeout:
                    self._kill()
                    message = f"RequestId: {request_id} Error: Task timed out after {timeout}.00 seconds"
                    return json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": message}).encode(), True
                if self._process.poll() is not None and self._api.results.empty():
                    return self._exit_error(request_id), True

    def _logs_of(self, request_id: str, started: float) -> str:
        def is_drained() -> bool:
            return request_id in self._ended or self._process is None or self._process.poll() is not None

        with self._marker:
            self._marker.wait_for(is_drained, timeout=1)
            self._ended.discard(request_id)
            output, ms = "".join(self._lines), (time.time() - started) * 1000
        memory = self.function_version.config.memory_size
        return (
            f"START RequestId: {request_id} Version: {self.function_version.id.qualifier}\n{output}"
            f"END RequestId: {request_id}\nREPORT RequestId: {request_id}\tDuration: {ms:.2f} ms\t"
            f"Billed Duration: {int(ms) + 1} ms\tMemory Size: {memory} MB\tMax Memory Used: {memory} MB\n"
        )

    def _exit_error(self, request_id: str) -> bytes:
        code = self._process.returncode if self._process else None
        how = f"signal: {signal.Signals(-code).name}" if code and code < 0 else f"exit status {code}"
        message = f"RequestId: {request_id} Error: Runtime exited with error: {how}"
        return json.dumps({"errorType": "Runtime.ExitError", "errorMessage": message}).encode()

    def get_address(self) -> str:
        return HOST

    def get_endpoint_from_executor(self) -> str:
        return HOST  # becomes LOCALSTACK_HOSTNAME and AWS_ENDPOINT_URL in the function

    def get_runtime_endpoint(self) -> str:
        return f"http://{HOST}:{config.GATEWAY_LISTEN[0].port}/_localstack_lambda/{self.id}"  # nobody asks there

    def get_logs(self) -> str:
        with self._marker:
            return "".join(self._lines)

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        code = function_version.config.code
        if not code:
            return
        # The functions of a pipeline have the same code: it is unzipped once, and linked into the folder of each.
        target = code.get_unzipped_code_location()
        with UNZIPPING:
            if target.exists():
                return
            unzipped = UNZIPPED.get(code.code_sha256)
            if unzipped and unzipped.exists():
                shutil.copytree(unzipped, target, symlinks=True, copy_function=os.link)
            else:
                code.prepare_for_execution()
                UNZIPPED[code.code_sha256] = target

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        pass

    @classmethod
    def validate_environment(cls) -> bool:
        return shutil.which(NODE) is not None

"""A JupyterLab of a test's own, without a user's settings, and "Run all" by the protocol that JupyterLab speaks."""

import json
import os
import secrets
import socket
import subprocess
import time
import uuid
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
import pytest
import requests
import websocket

NOTEBOOK_SECONDS = 900.0
"""What a notebook may take."""
START_SECONDS = 120.0
"""What a server may take until it answers."""


@dataclass(frozen=True)
class Server:
    """A running JupyterLab.

    Parameters
    ----------
    url, token : str
        Where it answers, and the password it asks for.
    notebooks : Path
        The folder it shows.
    """

    url: str
    token: str
    notebooks: Path

    def request(self, method, path, **options):
        """Return what the server answers; an answer that is an error is raised."""
        headers = {"Authorization": f"token {self.token}"}
        answer = requests.request(method, f"{self.url}/{path}", headers=headers, timeout=60, **options)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def listed(self, folder=""):
        """Return every notebook that the file browser shows below a folder."""
        entries = self.request("GET", f"api/contents/{folder}")["content"]
        here = [entry["path"] for entry in entries if entry["type"] == "notebook"]
        below = [self.listed(entry["path"]) for entry in entries if entry["type"] == "directory"]
        return sum(below, here)

    def answers(self):
        """Return whether the server is there."""
        try:
            return "version" in self.request("GET", "api")
        except requests.ConnectionError:
            return False


# ---------------------------------------------------------------- start and end


def settings(folder, port, token):
    """Return the environment of a user without settings, whose JupyterLab opens no window and answers at a port.

    Root may start it, since a container's only user often is; BROWSER is told the address and does nothing with it.
    """
    (folder / "config").mkdir(parents=True)
    config = {"ServerApp": {"allow_root": True, "port_retries": 0}}
    (folder / "config/jupyter_server_config.json").write_text(json.dumps(config))
    places = {f"JUPYTER_{name.upper()}_DIR": str(folder / name) for name in ("config", "data", "runtime")}
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "BCOPT", "JUPYTER", "IPYTHON", "XDG"))}
    return {**kept, **places, "JUPYTER_PORT": str(port), "JUPYTER_TOKEN": token, "BROWSER": "true"}


def free_port():
    """Return a port of this machine that nobody uses."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def started(command, project, scratch):
    """Run a shell command that opens the notebooks of a checkout, and end it and all it started when the block is left.

    Parameters
    ----------
    command : str
        Such as ``jupyter lab notebooks``.
    project, scratch : Path
        The checkout, and a folder for settings and the log.

    Yields
    ------
    Server
        Which answers.
    """
    port, token, log = free_port(), secrets.token_hex(16), scratch / "log.txt"
    server = Server(f"http://127.0.0.1:{port}", token, project / "notebooks")
    surroundings = {**settings(scratch / "home", port, token), "HOME": str(scratch / "home")}
    with log.open("w") as output:
        streams = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT}
        process = subprocess.Popen(["bash", "-euc", command], cwd=project, env=surroundings, **streams)
    try:
        until = time.monotonic() + START_SECONDS
        while not server.answers():
            assert process.poll() is None, f"`{command}` ended\n{log.read_text()[-3000:]}"
            assert time.monotonic() < until, f"`{command}` does not answer\n{log.read_text()[-3000:]}"
            time.sleep(0.2)
        yield server
    finally:
        end(process)


def end(process):
    """End a process and all it started; ask first."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(process.pid)
        family = [*parent.children(recursive=True), parent]
        for ask in ("terminate", "kill"):
            for member in family:
                with suppress(psutil.NoSuchProcess):
                    getattr(member, ask)()
            _, family = psutil.wait_procs(family, timeout=10)
    process.wait(10)


# ---------------------------------------------------------------- Run all


def code_cells(path):
    """Return the code cells of a notebook, but for the one that the pipeline puts its parameters into."""
    cells = nbformat.read(path, as_version=4).cells
    tagged = ((cell, cell.metadata.get("tags", [])) for cell in cells if cell.cell_type == "code")
    return [cell for cell, tags in tagged if "injected-parameters" not in tags]


def run_all(server, notebook, seconds=NOTEBOOK_SECONDS):
    """Run the code cells of a notebook in order, in a kernel that the server starts for it.

    Parameters
    ----------
    server : Server
        Starts the kernel that the notebook names, in the notebook's folder.
    notebook : str
        Path in the file browser.
    seconds : float
        What all its cells may take together.

    Returns
    -------
    list of list of dict
        The outputs of each code cell, as nbformat has them. A cell that fails, asks for input, kills its kernel or
        takes too long fails the test, which names notebook and cell.
    """
    cells = code_cells(server.notebooks / notebook)
    until = time.monotonic() + seconds
    kernel = server.request("GET", f"api/contents/{notebook}")["content"]["metadata"]["kernelspec"]["name"]
    request = {"path": notebook, "name": notebook, "type": "notebook", "kernel": {"name": kernel}}
    session = server.request("POST", "api/sessions", json=request)
    address = server.url.replace("http", "ws", 1) + f"/api/kernels/{session['kernel']['id']}/channels"
    header = [f"Authorization: token {server.token}"]
    try:
        with closing(websocket.create_connection(address, header=header, timeout=60)) as channels:
            channels.settimeout(1.0)
            return [
                run_cell(channels, cell.source, until, f"{notebook}, code cell {number} of {len(cells)}")
                for number, cell in enumerate(cells, 1)
            ]
    finally:
        with suppress(requests.HTTPError):  # a kernel that has just died is being replaced and ends with the server
            server.request("DELETE", f"api/sessions/{session['id']}")


def run_cell(channels, source, until, where):
    """Run a cell and return its outputs once the kernel has answered and is idle again."""
    identity = uuid.uuid4().hex
    header = {"msg_id": identity, "msg_type": "execute_request", "session": identity, "username": "", "version": "5.3"}
    content = {"code": source, "silent": False, "store_history": True, "allow_stdin": True, "stop_on_error": True}
    request = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    channels.send(json.dumps({**request, "buffers": []}))
    outputs, awaited = [], {"reply", "idle"}
    while awaited:
        answer = next_message(channels, until, where)
        kind, content = answer["msg_type"], answer["content"]
        state = content.get("execution_state") if kind == "status" else None
        assert state not in ("restarting", "dead"), f"{where}: the kernel died"
        if answer["parent_header"].get("msg_id") != identity:
            continue
        failed = kind == "error" or content.get("status") == "error"
        assert not failed, f"{where}: {content['ename']}: {content['evalue']}"
        assert kind != "input_request", f"{where}: asks for input"
        awaited -= {"reply"} if kind == "execute_reply" else {"idle"} if state == "idle" else set()
        if kind in ("stream", "display_data", "execute_result"):
            outputs.append({"output_type": kind, **content})
    return outputs


def next_message(channels, until, where):
    """Return what the server sends next. The wait is in short parts, since every sign of life prolongs a long one."""
    while time.monotonic() < until:
        with suppress(websocket.WebSocketTimeoutException):
            return json.loads(channels.recv())
    return pytest.fail(f"{where}: the notebook takes too long")

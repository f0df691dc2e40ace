"""A headless Chromium for tests: what it loads, what it complains of, and where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def chromium() -> str:
    """Return the path of Chromium; without one skip the test, or fail it where CI is set."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no chromium on the PATH: apt-get install chromium")
    return found


@contextmanager
def started() -> Iterator[Browser]:
    """Start a headless Chromium and stop it in the end."""
    path = chromium()
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Watched:
    """A page that collects errors of its console and scripts, failed requests, and requests to any host."""

    def __init__(self, browser: Browser) -> None:
        self.page: Page = browser.new_page(viewport={"width": 1280, "height": 900})
        self.faults: list[str] = []
        self.page.on("console", lambda m: self.faults.append(f"console: {m.text}") if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("requestfailed", lambda request: self.faults.append(f"failed: {request.url}"))
        self.page.on("request", lambda request: self._local(request.url))

    def _local(self, address: str) -> None:
        if not address.startswith(("file:", "data:", "blob:")):
            self.faults.append(f"request: {address}")

    def open(self, file: Path, query: str = "") -> Page:
        """Open a file, without a server, and return its page once it has loaded and typeset."""
        self.page.goto(file.as_uri() + query)
        self.page.evaluate(
            "window.MathJax?.Hub && new Promise(done => MathJax.Hub.Register.StartupHook('End', () => done()))"
        )
        return self.page

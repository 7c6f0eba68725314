"""A real browser, and what no page may do in it: complain, or ask another host for anything."""

import base64
import hashlib
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.browser import scenes
from tests.browser.director import ROOT, Director

AXE = ROOT / ".venv" / "browser" / "axe-core-4.14.1.tgz"
# Source: npm, axe-core 4.14.1, dist.integrity.
AXE_SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1200, "height": 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a browser, so everything here carries its mark."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a network of its own."""
    if shutil.which(scenes.CHROMIUM) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{scenes.CHROMIUM} is missing; make browser installs it")
        pytest.skip(f"{scenes.CHROMIUM} is missing; make browser installs it")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=scenes.CHROMIUM, args=scenes.FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The rules of accessibility, as a script; what npm handed over is what its registry names."""
    if not AXE.exists():
        pytest.skip(f"{AXE} is missing; make browser fetches it")
    assert base64.b64encode(hashlib.sha512(AXE.read_bytes()).digest()).decode() == AXE_SHA512
    with tarfile.open(AXE) as archive:
        script = archive.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


@dataclass
class Visit:
    """A person with a browser, at the page of one ramp."""

    page: Page
    url: str
    director: Director
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    refused: int = 0

    @property
    def ramp(self) -> str:
        """The address of the ramp."""
        return f"{self.url}ramps/{self.director.name}"

    def listen(self) -> None:
        """Note every complaint of the browser, and every request to another host. Answers of 4xx are the page's own."""
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._see)

    def at_the_ramps_time(self) -> None:
        """The browser's clock shows the ramp's virtual time."""
        self.page.clock.set_fixed_time(datetime.fromtimestamp(self.director.clock(), UTC))

    def _hear(self, message: Any) -> None:
        if message.type in {"error", "warning"} and "status of 4" not in message.text:
            self.complaints.append(message.text)

    def _see(self, request: Any) -> None:
        if not request.url.startswith((self.url, "data:")):
            self.elsewhere.append(request.url)


Visits = Callable[..., Visit]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visits]:
    """Opens the page of a director's ramp; a second visit to the same ramp is another person's."""
    open_visits: list[Visit] = []
    with ExitStack() as stack:
        addresses: dict[str, str] = {}

        def open_page(director: Director, viewport: ViewportSize | None = None) -> Visit:
            if director.name not in addresses:
                addresses[director.name] = stack.enter_context(scenes.served(director))
            page = browser.new_page(viewport=viewport or DESKTOP, timezone_id="UTC", locale="en-GB")
            stack.callback(page.close)
            found = Visit(page, addresses[director.name], director)
            found.listen()
            found.at_the_ramps_time()
            open_visits.append(found)
            return found

        yield open_page
        assert [complaint for each in open_visits for complaint in each.complaints] == []
        assert [request for each in open_visits for request in each.elsewhere] == []

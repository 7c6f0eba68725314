"""The pictures of the page in docs/images: `make screenshots`."""

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser import scenes
from tests.browser.director import ROOT, Director

SIZES: Mapping[str, tuple[int, int]] = {"desktop": (1200, 1500), "phone": (390, 1400)}
SCENES: Mapping[str, Callable[[], Director]] = {
    "running": scenes.running,
    "asked": scenes.asking,
    "rolled-back": scenes.rolled_back,
    "promoted": scenes.promoted,
}
COLOURS = 128


def main(folder: Path) -> None:
    """Draw every scene at every size."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=scenes.CHROMIUM, args=scenes.FLAGS)
        for name, scene in SCENES.items():
            director = scene()
            with scenes.served(director) as url:
                for size, (width, height) in SIZES.items():
                    page = browser.new_page(viewport={"width": width, "height": height}, timezone_id="UTC")
                    page.clock.set_fixed_time(datetime.fromtimestamp(director.clock(), UTC))
                    page.goto(f"{url}ramps/{director.name}")
                    page.wait_for_selector("#fields[aria-busy=false]")
                    file = folder / f"page-{name}-{size}.png"
                    page.screenshot(path=file)
                    page.close()
                    _shrink(file)
                    print(f"{file}: {file.stat().st_size // 1024} KB")
        browser.close()


def _shrink(file: Path) -> None:
    """A page has few colours; so has its picture."""
    Image.open(file).convert("RGB").quantize(COLOURS).save(file, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")

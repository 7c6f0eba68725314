"""What ships in Lambda against advisories and licences; run with the interpreter of the tools' own environment.

Exit code 1 for a known vulnerability or a licence that is not on the list. An advisory database that cannot be reached
is said: then nothing is known of advisories.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCKS = sorted((ROOT / "functions").glob("*/requirements.txt"))
TOOLS = Path(sys.executable).parent
ALLOWED = ("Apache", "MIT", "BSD", "PSF", "Python Software Foundation", "LGPL-3.0", "ISC", "MPL-2.0")


def main() -> int:
    """Print both lists and what is wrong with them."""
    faults = [*_advisories(), *_licences()]
    print(*faults, sep="\n")
    return int(bool(faults))


def _advisories() -> list[str]:
    faults = []
    for lock in LOCKS:
        asked = [TOOLS / "pip-audit", "--disable-pip", "--require-hashes", "--requirement", lock]
        said = subprocess.run(
            [*asked, "--format", "json", "--progress-spinner", "off"], capture_output=True, check=False
        )
        found = json.loads(said.stdout or '{"dependencies": []}')["dependencies"]
        unasked = [item["name"] for item in found if "skip_reason" in item] if found else ["everything"]
        flaws = [f"{item['name']} {item['version']}: {flaw['id']}" for item in found for flaw in item.get("vulns", [])]
        name = lock.parent.name
        print(f"{name}: {len(found)} packages, {len(flaws)} known vulnerabilities, {len(unasked)} not in the database")
        faults += flaws
        if unasked and len(unasked) >= len(found):
            print(f"{name}: NOT AUDITED, no advisory database can be reached from here")
    return faults


def _licences() -> list[str]:
    names = sorted(
        {line.partition("==")[0] for lock in LOCKS for line in lock.read_text().splitlines() if "==" in line}
    )
    asked = [TOOLS / "pip-licenses", "--python", ROOT / ".venv/bin/python", "--format", "json", "--packages", *names]
    found = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)
    for item in found:
        print(f"{item['Name']:24}{item['Version']:12}{item['License']}")
    return [
        f"{item['Name']}: licence is not on the list, got {item['License']}, expected one of {', '.join(ALLOWED)}"
        for item in found
        if not any(word in item["License"] for word in ALLOWED)
    ]


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env bash
# Compiles the .in files into locked .txt files with hashes, one version of each package for all that ships and tests;
# the tools of `make audit` have a lock, and an environment, of their own.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() {
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
    --custom-compile-command "make lock" "$@"
}
compile requirements/dev.in --output-file requirements/dev.txt ${UPGRADE:+--upgrade}
compile requirements/audit.in --output-file requirements/audit.txt ${UPGRADE:+--upgrade}
for unit in data-plane database-driver control-plane; do
  compile "functions/$unit/requirements.in" --constraints requirements/dev.txt --output-file "functions/$unit/requirements.txt"
done

#!/usr/bin/env bash
# Installs a Chromium for the browser tests unless there is one: from the system's packages, else playwright's own.
set -euo pipefail
[ -z "${FOLIOS_CHROMIUM:-}" ] || exit 0
for name in chromium chromium-browser google-chrome google-chrome-stable; do
  ! command -v "$name" >/dev/null || exit 0
done
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=${1:-python3}
[ ! -d "$("$python" -c 'from tests.browser.server import playwrights_own; print(playwrights_own().parent)')" ] || exit 0
echo "The browser tests need a Chromium: installing one"
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
else
  "$python" -m playwright install chromium
fi

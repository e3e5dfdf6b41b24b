#!/usr/bin/env bash
# Installs a Chromium for the browser tests unless there is one: from the system's packages, else playwright's own.
set -euo pipefail

has_chromium() {
  local name
  [ -z "${FOLIOS_CHROMIUM:-}" ] || return 0
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    ! command -v "$name" >/dev/null || return 0
  done
  [ -d "$("$python" -c 'from tests.browser.server import playwrights_own; print(playwrights_own().parent)')" ]
}

# Runs apt-get. While another program holds a lock that it needs, says so once and tries again: apt's own option to
# wait knows neither the lock of the package lists nor that of the downloads.
patient_apt_get() {
  local said deadline=$((SECONDS + 900))
  until said=$(LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" 2>&1 >/dev/null); do
    if [[ $said != *"Could not get lock"* && $said != *"locked by another process"* ]] || ((SECONDS >= deadline)); then
      printf '%s\n' "$said" >&2
      return 1
    fi
    [ -n "${is_waiting:-}" ] || echo "Waiting, for 15 minutes at most, for another program's lock: ${said%%$'\n'*}"
    is_waiting=yes
    sleep 1
  done
}

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=${1:-python3}
! has_chromium || exit 0
echo "The browser tests need a Chromium: installing one"
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  patient_apt_get update
  has_chromium || patient_apt_get install -y --no-install-recommends chromium
else
  "$python" -m playwright install chromium
fi

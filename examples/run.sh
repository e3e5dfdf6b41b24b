#!/usr/bin/env bash
# Loads the examples and executes them, the published request last. `make demo` calls it with .venv/bin first on PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The demo trades in the SQLite default only: a database that .env or the shell names is somebody's real books. It
# trades at the example prices, which load_examples stores.
export DATABASE_URL="" ARTIFACTS_ROOT="" PRICE_SOURCES=database,simulation PRICE_MAX_AGE="" TRADING_STATE=ACTIVE

quality_growth=0d5d9ea5-97f5-4f6e-9c07-8d5f7f0e6c11
sector_leaders=6c0f6f0e-3b1f-4c0c-8f5b-2d8f0a9e4b72
long_short_value=b8f2a9d4-51c6-4f3a-a0e7-91d3c5b7e6a3

# Executes one request at the example prices and prints its summary: TITLE REQUEST STRATEGY PROVIDER
execute_and_summarize() {
  echo
  echo "$1"
  python manage.py execute_recommendations "$2" "$3" --provider-id "$4" \
    --format json | python examples/summarize.py
}

python manage.py migrate --verbosity 0
loaded=$(python manage.py load_examples)
echo "$loaded"

execute_and_summarize "OpenAI research for Sector Leaders: the limits at work" \
  c3a1d7e2-8b4f-4e0a-9d52-6f7b0c1e2a34 "$sector_leaders" openai
execute_and_summarize "Gemini research for Long-Short Value: a short, costs, and a word nobody agreed on" \
  4f9e2b7c-1d6a-4c83-b5e0-a7c8d9e0f156 "$long_short_value" gemini

echo
echo "Anthropic research for Quality Growth: the published example"
published=(79b9930c-3a6f-4f41-ae9b-a3fa8ec37ef2 "$quality_growth"
  --provider-id anthropic --initial-balance 100000 --default-price 450)
echo "\$ python manage.py execute_recommendations ${published[*]}"
python manage.py execute_recommendations "${published[@]}"

login=""
[[ $loaded != *"demo / demo"* ]] || login=" (login: demo / demo)"
echo
echo "make serve    starts the web server on http://127.0.0.1:${PORT:-8000}/$login"

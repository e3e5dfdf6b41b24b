"""How ids and symbols are written: the one canonical form of each, and the one reader of symbols. Pure."""

import re
from dataclasses import dataclass
from uuid import UUID

# The 36 characters alone, lower case with hyphens: an id becomes part of a path.
UUID_PATTERN = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
UUID_RULE = "not a canonical UUID such as 79b9930c-3a6f-4f41-ae9b-a3fa8ec37ef2"
_UUID = re.compile(UUID_PATTERN, re.ASCII)

# Letters, perhaps digits (as test and fund tickers have), perhaps a share class: MSFT, BRK.B, SPY, SYM001.
_SYMBOL = re.compile(r"[A-Z]{1,6}[0-9]{0,6}(\.[A-Z]{1,2})?", re.ASCII)


SYMBOL_RULE = "letters, perhaps digits, perhaps a share class, as in BRK.B"
MAP_IT = "map it to the symbol that is meant"

# Behind a point, a hyphen or a slash these are share classes and nothing else. V is a class too (MKC.V), but also
# the venture exchange of Toronto; L is London, T Tokyo, F Frankfurt. Whatever is not listed here is not guessed.
SHARE_CLASSES = frozenset({"A", "B", "C"})

EXCHANGE_PREFIXES = frozenset(
    {
        "NASDAQ",
        "NYSE",
        "AMEX",
        "NYSEARCA",
        "NYSEAMERICAN",
        "NYSE_ARCA",
        "NYSE_AMERICAN",
        "ARCA",
        "BATS",
        "CBOE",
        "US",
    }
)
COUNTRY = "US"  # as in US.NVDA and AAPL.US

EXCHANGE_SUFFIXES = {
    "AS": "Amsterdam", "AX": "Australia", "BK": "Bangkok", "BO": "Bombay", "BR": "Brussels", "CN": "Canada (CSE)",
    "CO": "Copenhagen", "DE": "Xetra", "F": "Frankfurt", "HE": "Helsinki", "HK": "Hong Kong", "IR": "Dublin",
    "IS": "Istanbul", "JK": "Jakarta", "JO": "Johannesburg", "KL": "Kuala Lumpur", "KQ": "Kosdaq", "KS": "Seoul",
    "L": "London", "LS": "Lisbon", "MC": "Madrid", "MI": "Milan", "MX": "Mexico",
    "N": "New York, as Reuters writes it",
    "NE": "Canada (NEO)", "NS": "India (NSE)", "NZ": "New Zealand", "O": "Nasdaq, as Reuters writes it",
    "OL": "Oslo", "OQ": "Nasdaq, as Reuters writes it", "PA": "Paris", "SA": "Sao Paulo", "SG": "Stuttgart",
    "SI": "Singapore", "SR": "Riyadh", "SS": "Shanghai", "ST": "Stockholm", "SW": "Zurich", "SZ": "Shenzhen",
    "T": "Tokyo", "TA": "Tel Aviv", "TO": "Toronto", "TW": "Taiwan", "V": "Toronto (Venture), or a share class",
    "VI": "Vienna", "WA": "Warsaw",
}  # fmt: skip

# A listing elsewhere for others, and a share class of a few.
_ALSO_CLASSES = frozenset({"V"})

# The rest of a portfolio that is not invested, which is not the security of the same letters.
CASH_WORDS = frozenset({"CASH", "USD", "EUR", "GBP", "JPY", "CHF", "USDT", "USDC"})
# What stands where there is no symbol. N/A would be read as a share class.
_NO_SYMBOLS = frozenset({"N/A", "N.A", "N.A.", "N-A", "NA", "NONE", "NULL", "NAN", "TBD"})

_LONGEST = 32  # characters of anything that could be a symbol


@dataclass(frozen=True, slots=True)
class NoSymbol:
    """Why a text is no symbol: the rule that it breaks, and what research may do about it."""

    rule: str
    suggestion: str = MAP_IT


def canonical_uuid(text: str) -> UUID | None:
    """Return the UUID in `text`, or None where it is not written canonically."""
    return UUID(text) if _UUID.fullmatch(text) else None


def uuids_in(text: str) -> list[UUID]:
    """Return every canonical UUID that stands in `text`."""
    return [UUID(found[0]) for found in _UUID.finditer(text)]


def is_symbol(text: str) -> bool:
    """Whether `text` is a symbol in canonical form: upper case, the share class behind a point."""
    return _SYMBOL.fullmatch(text) is not None


def read_symbol(written: str) -> str | NoSymbol:
    """Return the canonical symbol that `written` means, or why it is not clear. The reader of every entrance.

    Read are any case, padding, a cashtag ($AAPL), the country (US.NVDA, AAPL.US), an exchange of the United States
    (NASDAQ:AAPL) and the share classes A, B and C behind a point, a hyphen or a slash. A pair, a foreign listing
    and a name are no symbols here: the same letters may be another security there.
    """
    name = written.strip()
    if not name.isascii() or len(name) > _LONGEST:
        return NoSymbol(f"not {SYMBOL_RULE}")
    return _canonical(name.upper())


def normalize_symbol(text: str) -> str | None:
    """Return the symbol that `read_symbol` finds, None where it finds none."""
    found = read_symbol(text)
    return found if isinstance(found, str) else None


def read_declared_symbol(written: str) -> str | NoSymbol:
    """Return the symbol that a person declares: as `read_symbol`, but for a class that could be a listing too.

    For what says what a symbol is, a security or the meaning of a word: MKC.V is a share class there. One that
    names a listing elsewhere stays refused.
    """
    found = read_symbol(written)
    symbol = written.strip().upper().replace("-", ".")
    root, _, kind = symbol.partition(".")
    if isinstance(found, str) or not kind or not written.strip().isascii() or not is_symbol(symbol):
        return found
    is_foreign = kind in EXCHANGE_SUFFIXES and kind not in _ALSO_CLASSES
    return found if is_foreign or symbol in _NO_SYMBOLS or root == COUNTRY else symbol


def _canonical(name: str) -> str | NoSymbol:
    if name in _NO_SYMBOLS:
        return NoSymbol("no symbol, but a word for none")
    bare = _without_listing(name)
    root, _, kind = bare.replace("-", ".").replace("/", ".").partition(".")
    if kind and root == COUNTRY:
        return NoSymbol(f"'{COUNTRY}' may be the country or the symbol")
    symbol = f"{root}.{kind}" if kind else root
    if not kind and _is_pair(root):
        return NoSymbol(f"a pair of currencies, not a security: not {SYMBOL_RULE}")
    if not is_symbol(symbol) or bare.endswith((".", "-", "/")) or (kind and kind not in SHARE_CLASSES):
        return NoSymbol(_why_no_symbol(root, kind), _suggested(root, kind))
    return symbol


def _is_pair(root: str) -> bool:
    """Whether six letters are two currencies, or a coin and one: no security of the United States has six."""
    return len(root) == 6 and root.isalpha() and (root[:3] in CASH_WORDS or root[3:] in CASH_WORDS)


def _without_listing(name: str) -> str:
    """Take the cashtag, the exchange or the country off, but not where what is left could be a class: US.B."""
    exchange, colon, rest = name.partition(":")
    if colon:
        return rest if exchange in EXCHANGE_PREFIXES else name
    bare = name.removeprefix("$")
    if not bare.startswith(f"{COUNTRY}."):
        return bare.removesuffix(f".{COUNTRY}")
    rest = bare.removeprefix(f"{COUNTRY}.")
    return bare if rest in SHARE_CLASSES else rest


def _why_no_symbol(root: str, kind: str) -> str:
    if kind in EXCHANGE_SUFFIXES:
        return f"'.{kind}' names a listing elsewhere ({EXCHANGE_SUFFIXES[kind]}), which is not traded here"
    if root.isalnum() and kind.isalpha() and len(kind) > 2:
        return f"a pair or a listing, not a security: not {SYMBOL_RULE}"
    if kind and is_symbol(f"{root}.{kind}"):
        return f"'.{kind}' is neither a known share class nor a known exchange"
    return f"not {SYMBOL_RULE}"


def _suggested(root: str, kind: str) -> str:
    if is_symbol(root) and kind in ("N", "O", "OQ"):
        return f"if {root} in the United States is meant, map it to {root}"
    return MAP_IT

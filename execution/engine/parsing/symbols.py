"""The many ways to write a symbol -> its canonical form: upper case, the share class behind a point (BRK.B).

Only the plain United States form is read. A pair, a foreign listing and a name are no symbols here: the same
letters may be another security there.
"""

from collections.abc import Mapping

from common.identifiers import is_symbol
from common.text import brief, one_line
from execution.engine.parsing.mapping_rules import Rules, Unclear
from execution.engine.vocabulary import Code

RULE = "letters, perhaps digits, perhaps a share class, as in BRK.B"

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

SYMBOL_FIELDS = ("symbol", "ticker")  # say a symbol, in any case
INSTRUMENT = "instrument.symbol"
MAP_KEY = "key"  # the name of a line that stands in a map
# May say a symbol, a company's name or a class of assets: a symbol only where it stands in capitals.
NAME_FIELDS = ("stock", "company_of_interest", "coin", "base_asset", "asset", "code")
COIN_FIELDS = ("coin", "base_asset")  # a coin, and a security may have the same letters
_KIND_FIELDS = ("asset", "code")  # beside a symbol they say something else: EQUITY, XNAS

# The rest of a portfolio that is not invested, which is not the security of the same letters.
CASH_WORDS = frozenset({"CASH", "USD", "EUR", "GBP", "JPY", "CHF", "USDT", "USDC"})
# What stands where there is no symbol. N/A would be read as a share class.
_NO_SYMBOLS = frozenset({"N/A", "N.A", "N.A.", "N-A", "NA", "NONE", "NULL", "NAN", "TBD"})

_LONGEST = 32  # characters of anything that could be a symbol


def read_symbol(written: str, *, rules: Rules, field: str = "symbol") -> str | Unclear:
    """Return the canonical symbol that research means by `written`, or why it is not clear.

    Read are any case, padding, a cashtag ($AAPL), the country (US.NVDA, AAPL.US), an exchange of the United States
    (NASDAQ:AAPL) and the share classes A, B and C behind a point, a hyphen or a slash. A person's rule comes first.
    """
    mapped = rules.symbol(written)
    if mapped is not None:
        return mapped
    name = written.strip()
    if not name.isascii() or len(name) > _LONGEST:
        return _unclear(field, written, f"not {RULE}")
    return _canonical(name.upper(), field=field, written=written)


def line_symbol(said: Mapping[str, str], names: Mapping[str, object], *, rules: Rules) -> str | Unclear:
    """Return the one symbol that the fields of a line agree on, or why it is not clear.

    `said` are the map's key and the fields for symbols, without blanks; `names` those of `NAME_FIELDS`. A key or a
    name counts where it stands in capitals; beside a symbol, one that is not readable is a remark.
    """
    plain = {field: text for field, text in said.items() if field != MAP_KEY}
    loose = {field: text for field, text in said.items() if field == MAP_KEY}
    loose |= {
        field: text
        for field, text in names.items()
        if isinstance(text, str) and text.strip() and not (plain and field in _KIND_FIELDS)
    }
    read = {field: read_symbol(text, rules=rules, field=field) for field, text in plain.items()}
    unclear = next((found for found in read.values() if isinstance(found, Unclear)), None)
    if unclear is not None:
        return unclear
    others = {field: _in_capitals(field, text, rules) for field, text in loose.items()}
    return _agreed({**plain, **loose}, {**read, **others})


def _in_capitals(field: str, text: str, rules: Rules) -> str | Unclear:
    if text == text.upper() or rules.symbol(text) is not None:
        return read_symbol(text, rules=rules, field=field)
    return _unclear(field, text, "a name, or a symbol that is not in capitals")


def _agreed(written: Mapping[str, str], read: Mapping[str, str | Unclear]) -> str | Unclear:
    known = {field: found for field, found in read.items() if isinstance(found, str)}
    if len(set(known.values())) == 1:
        return next(iter(known.values()))
    if known:
        fields = " and ".join(f"'{field}'" for field in known)
        texts = " / ".join(sorted({written[field].strip() for field in known}))
        message = f"fields {fields} differ: {one_line(texts)}"
        return Unclear(Code.SYMBOL_INVALID, message, "write one symbol", next(iter(known)), brief(texts))
    unclear = next((found for found in read.values() if isinstance(found, Unclear)), None)
    missing = "field 'symbol' (or 'ticker') is missing"
    return unclear or Unclear(Code.SYMBOL_MISSING, missing, "write the symbol of each line", "symbol")


def _canonical(name: str, *, field: str, written: str) -> str | Unclear:
    if name in _NO_SYMBOLS:
        return _unclear(field, written, "no symbol, but a word for none")
    bare = _without_listing(name)
    root, _, kind = bare.replace("-", ".").replace("/", ".").partition(".")
    if kind and root == COUNTRY:
        rule = f"'{COUNTRY}' may be the country or the symbol"
        return _unclear(field, written, rule)
    symbol = f"{root}.{kind}" if kind else root
    if not kind and _is_pair(root):
        return _unclear(field, written, f"a pair of currencies, not a security: not {RULE}")
    if not is_symbol(symbol) or bare.endswith((".", "-", "/")):
        return _unclear(field, written, _why_no_symbol(root, kind), _suggested(root, kind))
    if kind and kind not in SHARE_CLASSES:
        return _unclear(field, written, _why_no_symbol(root, kind), _suggested(root, kind))
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
        return f"a pair or a listing, not a security: not {RULE}"
    if kind and is_symbol(f"{root}.{kind}"):
        return f"'.{kind}' is neither a known share class nor a known exchange"
    return f"not {RULE}"


def _suggested(root: str, kind: str) -> str:
    if is_symbol(root) and kind in ("N", "O", "OQ"):
        return f"if {root} in the United States is meant, map it to {root}"
    return "map it to the symbol that is meant"


def _unclear(
    field: str, written: str, rule: str, suggestion: str = "map it to the symbol that is meant"
) -> Unclear:
    message = f"field '{field}' is {one_line(written)}: {rule}"
    return Unclear(Code.SYMBOL_INVALID, message, suggestion, field, brief(written))

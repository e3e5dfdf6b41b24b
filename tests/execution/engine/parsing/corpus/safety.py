"""What would hang, mislead or fill the disk of a careless reader."""

import json

from tests.execution.engine.parsing.corpus.cases import GOOD, MSFT, READ, case, refused

MEGABYTE = 1024 * 1024


def with_line(text: str) -> str:
    """Return a document with one line, written out."""
    return f'{{"recommendations": [{{"symbol": "MSFT", "action": "BUY", {text}}}]}}'


def with_size(literal: str) -> str:
    return with_line(f'"allocation_percent": {literal}')


def filled(unit: str) -> bytes:
    """Return a line that holds as much of `unit` as a document may have."""
    head, tail = with_line('"allocation_percent": 10, "x": [@]').split("@")
    room = MEGABYTE - len(head) - len(tail)
    return (head + (unit * (room // len(unit))).removesuffix(",") + tail).encode()


NUMBER = "ARTIFACT_NUMBER"
CASES = (
    *(refused(f"the number {literal}", with_size(literal), NUMBER) for literal in (
        "1e999999", "-1e999999", "1E+99999999999999999999", "1e-99999999999999999999", "1e15", "1e-16", "NaN",
        "Infinity", "-Infinity", "0e99999999999999999999")),
    refused("a number of 10,000 digits", with_size("9" * 10_000), NUMBER),
    refused("a fraction of 10,000 digits", with_size("0." + "1" * 10_000), NUMBER),
    refused("a number that hangs in a string", json.dumps(with_size("1e999999")), NUMBER),
    refused("a number that hangs in a fence", f"```json\n{with_size('1e999999')}\n```", NUMBER),
    case("minus zero", with_size("-0.0"), "BUY MSFT 0"),
    case("a number of many places", with_size("3.14159265358979"), "BUY MSFT 3.14159265358979"),
    refused("a number with a leading zero", with_size("010"), "ARTIFACT_SYNTAX"),
    refused("a number in hexadecimal", with_size("0x10"), "ARTIFACT_SYNTAX"),
    refused("a key twice", with_line('"allocation_percent": 1, "allocation_percent": 10'), "ARTIFACT_DUPLICATE_KEY"),
    refused("a key twice, escaped", with_line('"a": 1, "\\u0061": 2'), "ARTIFACT_DUPLICATE_KEY"),
    refused("two lists of recommendations", '{"recommendations": [], "recommendations": []}',
            "ARTIFACT_DUPLICATE_KEY"),
    refused("a key twice in a string", {"response": with_line('"a": 1, "a": 2')}, "ARTIFACT_DUPLICATE_KEY"),
    refused("a symbol twice in a map", '{"decisions": {"A": {"action": "buy"}, "A": {"action": "sell"}}}',
            "ARTIFACT_DUPLICATE_KEY"),
    refused("33 levels", with_line(f'"x": {"[" * 30}{"]" * 30}'), "ARTIFACT_DEPTH"),
    refused("100,000 levels", "[" * 100_000, "ARTIFACT_DEPTH"),
    refused("33 levels in a string", json.dumps(with_line(f'"x": {"[" * 30}{"]" * 30}')), "ARTIFACT_DEPTH"),
    case("32 levels", with_line(f'"allocation_percent": 10, "x": {"[" * 29}{"]" * 29}'), *READ),
    refused("a byte more than 1 MiB", GOOD.ljust(MEGABYTE + 1), "ARTIFACT_TOO_LARGE"),
    case("a document of 1 MiB", GOOD.ljust(MEGABYTE), *READ),
    *(refused(f"a megabyte of {unit!r}", filled(unit), "ARTIFACT_TOO_LARGE") for unit in (
        "1,", "[],", "{},", '"",', "0.5,", '{"a":1},', "null,")),
    refused("Latin-1", GOOD.replace("MSFT", "caf\xe9").encode("latin-1"), "ARTIFACT_ENCODING"),
    refused("UTF-16", GOOD.encode("utf-16"), "ARTIFACT_ENCODING"),
    refused("UTF-32", GOOD.encode("utf-32"), "ARTIFACT_ENCODING"),
    refused("UTF-16 without a mark", GOOD.encode("utf-16-le"), "ARTIFACT_SYNTAX"),
    refused("bytes that are no text", bytes(range(256)), "ARTIFACT_ENCODING"),
    refused("a surrogate, encoded", b'["\xed\xa0\x80"]', "ARTIFACT_ENCODING"),
    refused("no bytes", b"", "ARTIFACT_SYNTAX"),
    refused("blanks", b" \n\t ", "ARTIFACT_SYNTAX"),
    refused("a zero byte", b"\x00", "ARTIFACT_PROSE"),
    refused("a comment", "// buy\n" + GOOD.replace("{", "{ // x\n", 1), "ARTIFACT_SYNTAX"),
    refused("a comma too many", GOOD.replace("}]", "},]"), "ARTIFACT_SYNTAX"),
    refused("single quotes", GOOD.replace('"', "'"), "ARTIFACT_SYNTAX"),
    refused("a script of a page", "<html><script>x</script></html>", "ARTIFACT_PROSE"),
    case("control characters in a reason", {"recommendations": [MSFT | {"rationale": "a\x00\x1b[31m\u202eb"}]}, *READ),
    case("half an emoji", with_line('"allocation_percent": 10, "rationale": "\\ud83d"'), *READ),
    case("a bidirectional symbol", {"recommendations": [MSFT | {"symbol": "\u202eTFSM"}]},
         "QUARANTINED SYMBOL_INVALID"),
    case("an escape in an action", {"recommendations": [MSFT | {"action": "BUY\x1b[2J"}]},
         "QUARANTINED ACTION_UNKNOWN"),
    case("an action of a megabyte", {"recommendations": [MSFT | {"action": "B" * 1_000_000}]},
         "QUARANTINED ACTION_UNKNOWN"),
    case("a symbol of a megabyte", {"recommendations": [MSFT | {"symbol": "A" * 1_000_000}]},
         "QUARANTINED SYMBOL_INVALID"),
    case("a size of a megabyte", {"recommendations": [MSFT | {"allocation_percent": "5" * 1_000_000 + "%"}]},
         "QUARANTINED SIZE_NOT_A_NUMBER"),
    case("many thoughts", "<think></think>" * 60_000 + GOOD, *READ),
    refused("many tags", "<ORDERS_JSON>" * 70_000, "ARTIFACT_INCOMPLETE"),
    refused("many fences", "```\n" * 200_000, "ARTIFACT_AMBIGUOUS"),
    refused("many verdicts", "Rating:" * 140_000, "ARTIFACT_PROSE"),
    refused("many responses", '{"response":' * 40 + "1" + "}" * 40, "ARTIFACT_DEPTH"),
)  # fmt: skip

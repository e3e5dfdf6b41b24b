"""What the lines say, and in which words."""

from typing import Any

from tests.execution.engine.parsing.corpus.cases import MSFT, Case, line, lines

AMBIGUOUS, UNKNOWN, MISSING = (
    "QUARANTINED ACTION_AMBIGUOUS",
    "QUARANTINED ACTION_UNKNOWN",
    "QUARANTINED ACTION_MISSING",
)
NO_SYMBOL, NO_NUMBER = "QUARANTINED SYMBOL_INVALID", "QUARANTINED SIZE_NOT_A_NUMBER"
UNCLEAR, UNSUPPORTED = "QUARANTINED SIZE_UNIT_UNCLEAR", "QUARANTINED SIZE_UNIT_UNSUPPORTED"
NEGATIVE, NO_SIZE = "QUARANTINED SIZE_NEGATIVE", "QUARANTINED SIZE_MISSING"
READ = "BUY MSFT 10"


def symbol(written: object, expected: str) -> Case:
    return line(f"the symbol {written!r}", {"symbol": written}, expected)


def symbol_in(field: str, written: object, expected: str) -> Case:
    return line(f"{field} {written!r}", {"symbol": None, field: written}, expected)


def action(written: object, expected: str) -> Case:
    return line(f"the action {written!r}", {"action": written}, expected)


def action_in(field: str, written: object, expected: str) -> Case:
    return line(f"{field} {written!r} for an action", {"action": None, field: written}, expected)


def size(field: str, written: object, expected: str, word: str = "BUY") -> Case:
    fields = {"allocation_percent": None, "action": word, field: written}
    return line(f"{word} with {field} {written!r}", fields, expected)


def weights(name: str, field: str, *sizes: float | None, expect: list[str]) -> Case:
    symbols = ["A", "B", "C", "D", "E"]
    written = [
        {"symbol": symbol, "action": "BUY", field: size} for symbol, size in zip(symbols, sizes, strict=False)
    ]
    return lines(name, *written, expect=expect)


def short_strategy(name: str, expected: str, word: str = "SELL", **document: Any) -> Case:
    return line(name, {"action": word}, expected, **document)


SYMBOLS = (
    *(symbol(written, READ) for written in (
        "msft", " MSFT ", "$MSFT", "$msft", "US.MSFT", "MSFT.US", "NASDAQ:MSFT", "NYSEARCA:msft")),
    *(symbol(written, "BUY BRK.B 10") for written in ("BRK.B", "BRK-B", "brk/b", "$BRK.B", "US.BRK.B", "NYSE:BRK-B")),
    *(symbol(written, NO_SYMBOL) for written in (
        "SOL/USDT", "BTC-USD", "0700.HK", "600519.SS", "VOD.L", "7203.T", "SHOP.TO", "MKC.V", "BRK.Q", "AAPL.O", "US.B",
        "123", "toolongname", "BTCUSD", "USDJPY", "N/A", "none", "CASH", "USD", "LON:VOD", "BINANCE:BTCUSDT", "BRK B", "MSFT, AAPL", "MSFT\u200b", "М\u0405FT", 7)),
    symbol("", "QUARANTINED SYMBOL_MISSING"),
    symbol(None, "QUARANTINED SYMBOL_MISSING"),
    symbol("PARA", "BUY PARA 10"),  # delisted, which only a price can tell
    *(symbol_in(field, "MSFT", READ) for field in ("ticker", "asset", "stock", "code", "company_of_interest")),
    symbol_in("ticker", "msft", READ),
    symbol_in("stock", "Ford", NO_SYMBOL),
    symbol_in("company_of_interest", "Microsoft Corporation", NO_SYMBOL),
    symbol_in("coin", "SOL", NO_SYMBOL),
    symbol_in("base_asset", "ETH", NO_SYMBOL),
    symbol_in("instrument", {"symbol": "msft"}, READ),
    line("cash that is held", {"symbol": "CASH", "action": "HOLD"}, "HOLD CASH 10"),
    line("two names of one symbol", {"ticker": "msft", "stock": "Microsoft"}, READ),
    line("a symbol and another ticker", {"ticker": "AAPL"}, NO_SYMBOL),
    line("a symbol and another company of interest", {"company_of_interest": "AAPL"}, NO_SYMBOL),
    line("a symbol and the class of its asset", {"asset": "EQUITY", "code": "XNAS"}, READ),
)  # fmt: skip

ACTIONS = (
    *(action(written, READ) for written in (
        "BUY", "buy", " Buy ", "STRONG_BUY", "strong buy", "long", "open_long", "enter-long", "买入")),
    *(action(written, "SELL MSFT 10") for written in ("SELL", "sell", "STRONG_SELL", "close_long", "卖出")),
    *(action(written, "SELL_SHORT MSFT 10") for written in ("SELL_SHORT", "Sell Short", "short", "open_short")),
    *(action(written, "BUY_TO_COVER MSFT 10") for written in ("BUY_TO_COVER", "cover", "close_short")),
    *(action(written, "HOLD MSFT 10") for written in ("HOLD", "NOOP", "NO_TRADE", "no trade", "持有")),
    *(action(written, UNKNOWN) for written in (
        "EXIT", "CLOSE", "close_position", "TRIM", "REDUCE", "减持", "ACCUMULATE", "ADD", "增持", "WATCH", "AVOID",
        "REBALANCE", "bullish", "bearish", "neutral", "Overweight", "Underweight", "b", "s", "u", "MOON", "BUY!",
        "BUY or SELL", "N/A", "ＢＵＹ", "\u017fell", 1, True, ["BUY"])),
    action(None, MISSING),
    action("", MISSING),
    *(action_in(field, "buy", READ) for field in (
        "decision", "recommendation", "signal", "proposal", "rating", "direction", "side")),
    action_in("side", "short", "SELL_SHORT MSFT 10"),
    action_in("rating", "Overweight", UNKNOWN),
    action_in("rating", 5, MISSING),
    action_in("signal", "bearish", UNKNOWN),
    line("a purchase with a rating that agrees", {"rating": "Overweight", "signal": "bullish"}, READ),
    line("a purchase with a rating that does not", {"rating": "Underweight"}, AMBIGUOUS),
    line("a purchase whose decision is another", {"decision": "SELL"}, AMBIGUOUS),
    line("a hold with any rating", {"action": "HOLD", "rating": "bearish"}, "HOLD MSFT 10"),
    line("a purchase with a recommendation in prose", {"recommendation": "We would add here."}, READ),
    line("a purchase on the long side", {"side": "long"}, READ),
    line("a purchase on the short side", {"side": "short"}, AMBIGUOUS),
    line("a sale on the long side", {"action": "SELL", "side": "long"}, "SELL MSFT 10"),
    line("a sale on the short side", {"action": "SELL", "direction": "SHORT"}, AMBIGUOUS),
    line("a close of the short side", {"action": "CLOSE", "side": "short"}, "BUY_TO_COVER MSFT 10"),
    line("an exit of the long side", {"action": "EXIT", "side": "long"}, "SELL MSFT 10"),
    line("a sale whose thesis is a short", {"action": "SELL", "investment_thesis": "A short position: margins fall."},
         AMBIGUOUS),
    line("a sale with much short interest", {"action": "SELL", "rationale": "Short interest is 20 %, short-term."},
         "SELL MSFT 10"),
    short_strategy("a sale in a short strategy", AMBIGUOUS, strategy_type="short"),
    short_strategy("a sale in a long and short strategy", AMBIGUOUS, strategy_type="long_short"),
    short_strategy("a sale in a document that goes short", AMBIGUOUS, direction="SHORT"),
    short_strategy("a sale in a summary of short ideas", AMBIGUOUS,
                   analysis_summary="The best short-selling candidates of the sector."),
    short_strategy("a strong sell in a short strategy", AMBIGUOUS, "STRONG_SELL", strategy="Short sellers"),
    short_strategy("a short in a short strategy", "SELL_SHORT MSFT 10", "SELL_SHORT", strategy_type="short"),
    short_strategy("a long that is closed in a short strategy", "SELL MSFT 10", "close_long", strategy_type="short"),
    short_strategy("a sale in a strategy of no shorts", "SELL MSFT 10", strategy_type="Long only, no shorts"),
    short_strategy("a sale in a strategy by short interest", "SELL MSFT 10",
                   strategy_description="Sells what has a high short interest."),
    short_strategy("a sale in a short-term strategy", "SELL MSFT 10", strategy_type="short-term momentum"),
    short_strategy("a sale in a strategy without shorts", "SELL MSFT 10",
                   analysis_summary="We take no short positions."),
)  # fmt: skip

SIZES = (
    *(size(field, 8.0, "BUY MSFT 8") for field in (
        "allocation_percent", "position_size_pct", "percentage_of_portfolio", "positionSizePercent", "weight")),
    size("weight_pct", 38.15, "BUY MSFT 38.15"),
    size("allocation_percent", 0.5, "BUY MSFT 0.5"),
    size("allocation_percent", 0, "BUY MSFT 0"),
    *(size("position_sizing", words, "BUY MSFT 5") for words in (
        "5%", "5 %", "5.0%", "5% of portfolio", "5% of the portfolio", "5 percent of portfolio value", "Allocate 5%")),
    *(size("position_sizing", words, NO_NUMBER) for words in (
        "8-10%", "8% - 10%", "5 to 8%", "up to 5%", "~5%", "5", "moderate", "5% of cash", "half", "-5%", "5%%", "٥%",
        "1e2%", "N/A")),
    size("allocation_percent", "10%", READ),
    size("allocation_percent", "8-10%", NO_NUMBER),
    size("allocation_percent", "10.0", NO_NUMBER),
    size("allocation_percent", True, NO_NUMBER),
    size("allocation_percent", [10], NO_NUMBER),
    size("allocation_percent", {"percent": 10}, NO_NUMBER),
    size("allocation_percent", -5, NEGATIVE),
    size("allocation_percent", -5, NEGATIVE, "SELL_SHORT"),
    size("allocation_percent", 100.01, "QUARANTINED SIZE_OUT_OF_RANGE"),
    size("allocation_percent", None, NO_SIZE),
    size("allocation_percent", None, "SELL MSFT", "SELL"),
    size("allocation_percent", 0, "SELL MSFT 0", "SELL"),
    size("position_size_pct", 0.08, UNCLEAR),
    size("position_size_pct", 2.0, UNCLEAR),
    size("position_size_pct", 0.08, "HOLD MSFT", "HOLD"),
    size("position_size_pct", 0.08, UNCLEAR, "SELL"),
    size("positionSize", 15, UNCLEAR),
    size("positionSize", 15, UNCLEAR, "SELL"),
    size("allocation", 0.25, UNCLEAR),
    *(size(field, written, UNSUPPORTED) for field, written in (
        ("quantity", 50), ("shares", 12.5), ("target_qty", 5), ("allocation_usd", 10_000), ("suggested_amount", "5000"),
        ("delta_weight", 0.05), ("suggested_trim_pct", 50))),
    *(size(field, written, UNSUPPORTED, "SELL") for field, written in (
        ("quantity", 5), ("shares", 0), ("suggested_trim_pct", 50), ("delta_weight", -0.05), ("allocation_usd", 100))),
    size("quantity", 5, UNSUPPORTED, "BUY_TO_COVER"),
    size("quantity", 5, "HOLD MSFT", "HOLD"),
    size("quantity", None, "SELL MSFT", "SELL"),
    *(size(field, written, UNSUPPORTED, "SELL") for field, written in (
        ("sell_quantity", 5), ("numShares", 5), ("Quantity", 5), ("percent_to_sell", 50), ("Reduce By", "half"))),
    size("percentage", 50, UNCLEAR, "SELL"),
    line("a purchase by percent with the quantity it comes to", {"quantity": 22.22}, READ),
    line("a sale by percent with a quantity", {"action": "SELL", "quantity": 5}, UNSUPPORTED),
    line("a purchase with leverage", {"leverage": 5}, UNSUPPORTED),
    line("a purchase without leverage", {"leverage": 1}, READ),
    line("two sizes that agree", {"position_size_pct": 10, "weight": 0.10}, READ),
    line("two sizes that differ", {"weight_pct": 12}, UNCLEAR),
    line("a size and words about it", {"position_sizing": "moderate"}, READ),
    line("a size and words that differ", {"position_sizing": "5% of portfolio"}, UNCLEAR),
    weights("position sizes in percent", "position_size_pct", 8.0, 0.5, expect=["BUY A 8", "BUY B 0.5"]),
    weights("position sizes up to 0.25", "position_size_pct", 0.25, 0.05, expect=[UNCLEAR] * 2),
    weights("position sizes up to 2", "position_size_pct", 2.0, 0.5, expect=[UNCLEAR] * 2),
    weights("weights up to 0.30", "weight", 0.30, 0.25, 0.05, expect=["BUY A 30", "BUY B 25", "BUY C 5"]),
    weights("weights that add up to a whole", "weight", 0.6, 0.4, expect=["BUY A 60", "BUY B 40"]),
    weights("weights in percent", "weight", 38.15, 0.85, expect=["BUY A 38.15", "BUY B 0.85"]),
    weights("weights beyond a whole", "weight", 0.3, 0.3, 0.3, 0.3, expect=[UNCLEAR] * 4),
    weights("a weight of a half", "weight", 0.5, expect=[UNCLEAR]),
    weights("a weight of one", "weight", 1, expect=[UNCLEAR]),
    weights("weights up to 1.5", "weight", 1.5, 0.3, expect=[UNCLEAR] * 2),
    weights("weights of nothing", "weight", 0, 0, expect=["BUY A 0", "BUY B 0"]),
    weights("a target weight below zero", "target_weight", -0.2, 0.2, expect=[NEGATIVE, "BUY B 20"]),
    size("target_weight", -0.2, "SELL_SHORT MSFT 20", "SELL_SHORT"),
    size("target_weight", -0.5, UNCLEAR, "SELL_SHORT"),
    size("target_weight", 0.05, UNSUPPORTED, "SELL"),
    size("target_weight", 0, "SELL MSFT 0", "SELL"),
)  # fmt: skip

REMARKS = (
    *(line(f"a {field} of {written!r}", {field: written}, READ) for field, written in (
        ("confidence", 0.88), ("confidence", 85), ("confidence", 7), ("confidence", "high"), ("confidence", 1),
        ("confidence", [0.5]), ("target_price", "$460-480"), ("target_price", "N/A"), ("current_price", 0),
        ("reasoning", {"steps": ["a"]}), ("key_factors", ["Cloud", "Cash"]), ("justification", "Cloud."),
        ("company_name", 7), ("risk_factors", None))),
    line("a rationale that is no text", {"rationale": ["Cloud"]}, "QUARANTINED FIELD_INVALID"),
    line("a rationale of 10,000 characters", {"rationale": "x" * 10_000}, READ),
    line("a rationale of 10,001 characters", {"rationale": "x" * 10_001}, "QUARANTINED FIELD_INVALID"),
    line("names in capitals", {"symbol": None, "Ticker": "MSFT", "action": None, "Action": "BUY"}, READ),
    line("names in another joint", {"allocation_percent": None, "allocationPercent": 10}, READ),
    line("a name in two joints", {"Action": "BUY", "Allocation Percent": 10}, READ),
    line("a name in two joints that differ", {"Action": "SELL"}, "QUARANTINED FIELD_INVALID"),
    lines("fields that nobody knows", MSFT | {"mood": "good", "nested": {"action": "SELL"}}, expect=[READ]),
)  # fmt: skip

CASES = (*SYMBOLS, *ACTIONS, *SIZES, *REMARKS)

"""Where the lines stand in a document."""

from tests.execution.engine.parsing.corpus.cases import GOOD, MSFT, READ, case, lines, refused

QUANTITY = "QUARANTINED SIZE_UNIT_UNSUPPORTED"
SIZED = {"action": "buy", "allocation_percent": 10}

CASES = (
    case(
        "the published example",
        {
            "recommendations": [
                MSFT | {"confidence": 0.88},
                {"symbol": "AAPL", "action": "HOLD", "allocation_percent": 6.0},
            ],
            "market_context": "Rates fall slowly.",
        },
        "BUY MSFT 10",
        "HOLD AAPL 6",
    ),
    case(
        "the second family of fields",
        {
            "analysis_summary": "Leaders in technology.",
            "overall_sentiment": "bullish",
            "overall_confidence": 80,
            "recommendations": [
                {
                    "ticker": "NVDA",
                    "company_name": "NVIDIA Corporation",
                    "action": "BUY",
                    "current_price": 176.25,
                    "target_price": "$200-210",
                    "confidence": 85,
                    "investment_thesis": "Demand is above supply.",
                    "key_metrics": {"pe": 50},
                    "position_size_pct": 8.0,
                    "risk_factors": ["Few large customers"],
                    "catalysts": ["New generation"],
                }
            ],
            "market_context": {"trend": "up"},
            "portfolio_considerations": {"total_allocation": 8.0},
        },
        "BUY NVDA 8",
    ),
    case("recommendations in a map", {"recommendations": {"MSFT": SIZED}}, *READ),
    case("decisions in a map", {"decisions": {"MSFT": SIZED}}, *READ),
    case("decisions in a list", {"decisions": [MSFT]}, *READ),
    case(
        "decisions by quantity",
        {
            "decisions": {
                "AAPL": {"action": "buy", "quantity": 50, "confidence": 75.0, "reasoning": "Momentum."},
                "MSFT": {"action": "hold", "quantity": 0, "confidence": 50.0, "reasoning": "Fair."},
                "TSLA": {"action": "short", "quantity": 10, "confidence": 90.0, "reasoning": "Dear."},
                "XOM": {"action": "sell", "quantity": 5, "confidence": 60.0, "reasoning": "Take some off."},
                "CVX": {"action": "cover", "quantity": 5, "confidence": 60.0, "reasoning": "Done."},
            },
            "analyst_signals": {},
        },
        QUANTITY,
        "HOLD MSFT",
        QUANTITY,
        QUANTITY,
        QUANTITY,
    ),
    case("a bare map", {"MSFT": SIZED, "AAPL": {"action": "hold"}}, "BUY MSFT 10", "HOLD AAPL"),
    case("a bare map with its claims", {"provider": "openai", "MSFT": SIZED}, *READ),
    case("a map whose key and symbol agree", {"decisions": {"BRK-B": SIZED | {"symbol": "BRK.B"}}}, "BUY BRK.B 10"),
    case("a map whose key and symbol differ", {"decisions": {"AAPL": MSFT}}, "QUARANTINED SYMBOL_INVALID"),
    case("a map by number", {"decisions": {"decision_1": MSFT}}, *READ),
    case("a map of words", {"decisions": {"final": SIZED}}, "QUARANTINED SYMBOL_INVALID"),
    case("a bare map of words", {"trader": SIZED, "MSFT": SIZED}, "QUARANTINED SYMBOL_INVALID", "BUY MSFT 10"),
    case(
        "orders of a trading lab",
        {
            "orders": [
                {"action": "b", "ticker": "ABEO", "shares": 6, "order_type": "limit", "limit_price": 5.77},
                {"action": "s", "ticker": "IINN", "shares": 14, "order_type": "market"},
                {"action": "u", "ticker": "AXGN", "stop_loss": 12.5},
                {"action": "b", "ticker": "MSFT", "allocation_percent": 10},
            ]
        },
        QUANTITY,
        QUANTITY,
        "QUARANTINED ACTION_UNKNOWN",
        "BUY MSFT 10",
    ),
    case(
        "trade signals of coins",
        {
            "BTC": {
                "trade_signal_args": {
                    "coin": "BTC",
                    "signal": "buy_to_enter",
                    "quantity": 0.12,
                    "profit_target": 118000,
                    "stop_loss": 102000,
                    "leverage": 10,
                    "confidence": 0.75,
                    "risk_usd": 500,
                }
            },
            "ETH": {"trade_signal_args": {"coin": "ETH", "signal": "hold", "quantity": 5.2, "leverage": 10}},
            "SOL": {"trade_signal_args": {"coin": "SOL", "signal": "close_position", "quantity": 80}},
            "XRP": {"trade_signal_args": {"coin": "XRP", "signal": "buy_to_enter", "allocation_percent": 5}},
        },
        QUANTITY,
        "HOLD ETH",
        "QUARANTINED ACTION_UNKNOWN",
        "QUARANTINED SYMBOL_INVALID",
    ),
    case(
        "a trade signal that says things twice",
        {
            "BTC": {"signal": "hold", "trade_signal_args": {"signal": "buy"}},
            "ETH": {"trade_signal_args": {"signal": "hold"}},
        },
        "QUARANTINED FIELD_INVALID",
        "HOLD ETH",
    ),
    case(
        "items with an instrument",
        {
            "items": [
                {
                    "instrument": {"symbol": "MSFT", "exchange": "NASDAQ"},
                    "action": "open_long",
                    "target_qty": 5,
                    "confidence": 0.8,
                    "rationale": "Cloud.",
                },
                {"instrument": {"symbol": "AAPL"}, "action": "open_long", "weight_pct": 5},
                {"instrument": {"symbol": "XOM"}, "action": "noop", "target_qty": 0},
                {"instrument": {}, "action": "open_long", "weight_pct": 5},
            ],
            "rationale": "Momentum.",
        },
        QUANTITY,
        "BUY AAPL 5",
        "HOLD XOM",
        "QUARANTINED SYMBOL_MISSING",
    ),
    case(
        "a trader's proposal",
        {
            "action": "Buy",
            "reasoning": "Momentum.",
            "entry_price": 189.5,
            "stop_loss": 178.0,
            "position_sizing": "5% of portfolio",
        },
        "QUARANTINED SYMBOL_MISSING",
    ),
    case(
        "a manager's decision",
        {
            "rating": "Overweight",
            "executive_summary": "Add.",
            "investment_thesis": "Cloud.",
            "price_target": 480.0,
            "time_horizon": "3-6 months",
        },
        "QUARANTINED SYMBOL_MISSING",
    ),
    case(
        "a proposal with everything it needs",
        {"company_of_interest": "MSFT", "action": "Buy", "position_sizing": "5% of portfolio"},
        "BUY MSFT 5",
    ),
    case(
        "orders beside recommendations",
        {"orders": [{"ticker": "X", "action": "b"}], "recommendations": [MSFT]},
        *READ,
    ),
    lines(
        "one bad line among good ones",
        MSFT,
        {"symbol": "AAPL", "action": "MOON"},
        MSFT | {"symbol": "XOM"},
        expect=["BUY MSFT 10", "QUARANTINED ACTION_UNKNOWN", "BUY XOM 10"],
    ),
    lines("a line twice", MSFT, MSFT, expect=READ * 2),
    lines(
        "a purchase and a sale of one symbol",
        MSFT,
        MSFT | {"action": "SELL"},
        expect=["BUY MSFT 10", "SELL MSFT 10"],
    ),  # the planner quarantines both
    lines(
        "a purchase beside a line that is not clear",
        MSFT,
        MSFT | {"action": "EXIT"},
        expect=["QUARANTINED CONTRADICTORY_LINES", "QUARANTINED ACTION_UNKNOWN"],
    ),
    lines(
        "more than the whole account",
        MSFT | {"allocation_percent": 80},
        MSFT | {"symbol": "XOM"},
        MSFT | {"symbol": "CVX", "allocation_percent": 60},
        expect=["BUY MSFT 80", "BUY XOM 10", "BUY CVX 60"],
    ),
    case(
        "lines that are no objects",
        {"recommendations": ["BUY MSFT", 7, None, MSFT]},
        *["QUARANTINED LINE_NOT_AN_OBJECT"] * 3,
        *READ,
    ),
    refused("decisions and orders", {"decisions": [MSFT], "orders": [MSFT]}, "ARTIFACT_AMBIGUOUS"),
    refused("an empty object", {}, "ARTIFACT_SHAPE"),
    refused("an empty list", [], "ARTIFACT_SHAPE"),
    refused("nothing", "null", "ARTIFACT_SHAPE"),
    refused("a bare list", [MSFT], "ARTIFACT_SHAPE"),
    refused("an empty list of recommendations", {"recommendations": []}, "NO_RECOMMENDATIONS"),
    refused("an empty map of decisions", {"decisions": {}}, "ARTIFACT_SHAPE"),
    refused("recommendations that are null", {"recommendations": None}, "ARTIFACT_SHAPE"),
    refused("recommendations that are words", {"recommendations": {"MSFT": "BUY"}}, "ARTIFACT_SHAPE"),
    refused("recommendations that are prose in a string", {"recommendations": "Buy Microsoft"}, "ARTIFACT_SYNTAX"),
    refused("an echoed schema", {"properties": {"recommendations": {"type": "array"}}}, "ARTIFACT_SHAPE"),
    refused(
        "an echoed schema with its type", {"type": "object", "required": ["recommendations"]}, "ARTIFACT_SHAPE"
    ),
    refused(
        "a schema in the place of the list", {"recommendations": {"type": "array", "items": {}}}, "ARTIFACT_SHAPE"
    ),
    refused("a schema filled in", {"properties": {"recommendations": [MSFT]}}, "ARTIFACT_SHAPE"),
    refused("a document of another kind", {"name": "folios", "version": 1}, "ARTIFACT_SHAPE"),
    refused("501 lines", {"recommendations": [MSFT] * 501}, "TOO_MANY_RECOMMENDATIONS"),
    refused(
        "2,000 rows",
        {"decisions": {f"S{number}": {"action": "hold"} for number in range(2_000)}},
        "TOO_MANY_RECOMMENDATIONS",
    ),
    refused("a container in capitals", GOOD.replace("recommendations", "RECOMMENDATIONS"), "ARTIFACT_SHAPE"),
)

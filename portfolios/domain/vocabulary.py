"""The books' closed sets of words that several rooms need; order states and sides stand beside their rules."""

from common.choices import Choices


class Provider(Choices):
    """Who writes the research."""

    ANTHROPIC = "anthropic", "Anthropic"
    OPENAI = "openai", "OpenAI"
    GEMINI = "gemini", "Gemini"
    CUSTOM = "custom", "Custom"


# Names that other tools give to the same providers.
_PROVIDER_ALIASES = {"claude": Provider.ANTHROPIC, "google": Provider.GEMINI}


def provider_meant(text: str) -> Provider | None:
    """Return the provider that a document means by `text`, None for a word that means none of ours."""
    word = text.strip().lower()
    if word in _PROVIDER_ALIASES:
        return _PROVIDER_ALIASES[word]
    return Provider(word) if word in Provider.values else None


class TradingState(Choices):
    """What an account, or the whole system, may do. Ordered from free to strict."""

    ACTIVE = "ACTIVE", "Active"
    REDUCING = "REDUCING", "Reducing only"
    HALTED = "HALTED", "Halted"

    @classmethod
    def strictest(cls, *states: "TradingState") -> "TradingState":
        """Return the strictest of `states`."""
        return max(states, key=list(cls).index)


class OnBreach(Choices):
    """What a limit does to a trade that would break it."""

    CLAMP = "clamp", "Clamp: trade what the limit leaves"
    REJECT = "reject", "Reject: trade nothing"


class MarginStatus(Choices):
    """Whether the cash of an account covers its shorts with their margin, and whether it is worth anything."""

    COVERED = "covered", "Covered"
    DEFICIT = "deficit", "Below the margin of its shorts"
    NO_EQUITY = "no_equity", "Worth nothing or less"

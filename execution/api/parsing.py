"""Bodies, read as strictly as research: no duplicate key, no NaN, nothing deep, huge or ambiguous."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from execution.engine.parsing.json_decoding import MAX_BYTES, decode
from execution.engine.vocabulary import Refusal


class StrictJSONParser(BaseParser):
    """JSON with every number as a Decimal."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        value = decode(stream.read(MAX_BYTES + 1))
        if isinstance(value, Refusal):
            raise ParseError(value.message)
        return value

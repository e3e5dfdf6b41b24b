"""The API in a browser."""

import re
from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BrowsableAPIRenderer

# What a page says is escaped, so that a quote in it is never one of an attribute.
_INLINE_STYLE = re.compile(r' style="[^"<>]*"')


class BrowsableRenderer(BrowsableAPIRenderer):
    """The REST framework's pages without their inline styles, which the policy of our pages forbids."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> str:
        page: Any = super().render(data, accepted_media_type, renderer_context)
        return _INLINE_STYLE.sub("", page)

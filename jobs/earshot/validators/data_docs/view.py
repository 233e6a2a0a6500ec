"""How Data Docs become HTML here: Great Expectations' views with templates that work offline, and with escaping.

Great Expectations' own templates fetch style sheets, scripts, a logo and fonts from five hosts and draw their tables
by script, and they write plain strings (unexpected values among them) into the page as they are.
"""

from __future__ import annotations

from html import escape
from typing import Any

from great_expectations.render.view.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, DictLoader, pass_context

from earshot.validators.data_docs.templates import TEMPLATES


class OfflinePageView(DefaultJinjaPageView):
    """A page of Data Docs without scripts and without anything from another host; see the content policy in it."""

    def __init__(self, custom_styles_directory: str | None = None, custom_views_directory: str | None = None) -> None:
        super().__init__(custom_styles_directory, custom_views_directory)
        theirs = [self.env.loader] if self.env.loader else []
        self.env.loader = ChoiceLoader([DictLoader(TEMPLATES), *theirs])

    @pass_context
    def render_content_block(
        self,
        jinja_context: Any,
        content_block: Any,
        index: Any = None,
        content_block_id: Any = None,
        render_to_markdown: bool = False,
    ) -> Any:
        """The block as HTML; what is a plain string is text, not markup."""
        if isinstance(content_block, str):
            return escape(content_block)
        if isinstance(content_block, list):
            content_block = [escape(part) if isinstance(part, str) else part for part in content_block]
        return super().render_content_block(
            jinja_context, content_block, index, content_block_id, render_to_markdown=render_to_markdown
        )

"""Convert Markdown to HTML that loads nothing from elsewhere."""

import base64
import re
from itertools import pairwise
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

CAPTIONED = r"<p>(<img [^>]*>)</p>\s*<p>(<strong>Figure \d+\.</strong>.*?)</p>"


def render_html(markdown: str, folder: Path, linked: tuple[str, ...] = ()) -> str:
    """Return a page for `folder`, with contents and with pictures embedded, except under `linked`.

    Headings get the anchors that GitHub gives them, and links to other Markdown pages lead to
    their HTML. markdown-it escapes any HTML in the Markdown.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(markdown)
    title, sections = "", []
    for heading, text in pairwise(tokens):
        if heading.type == "heading_open":
            heading.attrSet("id", anchor(text.content))
            title = title or text.content
            if heading.tag == "h2":
                name = parser.renderer.renderInline(text.children, parser.options, {})
                sections.append((anchor(text.content), Markup(name)))
    body = parser.renderer.render(tokens, parser.options, {})
    body = re.sub(r'<a href="(?!\w+:)([^"#]+)\.md(["#])', r'<a href="\1.html\2', body)
    body = re.sub(r'<img src="([^"]+)"', lambda match: f'<img src="{inline(match[1], folder, linked)}"', body)
    body = re.sub(CAPTIONED, r"<figure>\1<figcaption>\2</figcaption></figure>", body)
    body = body.replace("<table>", '<div class="table"><table>').replace("</table>", "</table></div>")
    head, h1, rest = body.rpartition("</h1>")
    return ENVIRONMENT.get_template("page.html.jinja").render(
        title=title, head=Markup(head + h1), sections=sections, body=Markup(rest)
    )


def anchor(heading: str) -> str:
    """Return a heading's anchor as on GitHub: lower case, without punctuation, hyphens for spaces."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def inline(source: str, folder: Path, linked: tuple[str, ...]) -> str:
    if source.startswith(linked):
        return source
    return "data:image/svg+xml;base64," + base64.b64encode((folder / source).read_bytes()).decode()

"""Render the pages' templates, with figures numbered in the order in which they are mentioned."""

from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from spoilers.report.findings import facts
from spoilers.report.findings.claims import Claim
from spoilers.report.names import NAMES

MINUS = "\N{MINUS SIGN}"


class Figures:
    """Numbers a page's figures, and writes each with a visible caption."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def name(self, path: str) -> str:
        """Return a figure's name in the text: `Figure 3`."""
        return f"Figure {self.numbers.setdefault(path, len(self.numbers) + 1)}"

    def __call__(self, path: str, description: str, caption: str) -> str:
        """Return a figure with its alternative text and its caption."""
        return f"![{description}]({path}.svg)\n\n**{self.name(path)}.** {caption}"


def render_markdown(template: str, context: dict) -> str:
    """Return a page as Markdown.

    Raises:
        jinja2.UndefinedError: the template names something that is not in the context.
    """
    return ENVIRONMENT.get_template(template).render(context, figure=Figures())


def signed(value: float, digits: int = 3) -> str:
    """Return a difference with its sign; one that rounds to 0 has none."""
    rounded = round(value, digits) + 0.0  # turns -0.0 into 0.0
    sign = "+" if rounded > 0 else ""
    return f"{rounded:{sign}.{digits}f}".replace("-", MINUS)


def mean_and_range(seconds: Iterable[float]) -> str:
    """Return the mean of some seconds and, if there are several, their range."""
    values = list(seconds)
    mean = f"{sum(values) / len(values):.1f}"
    return f"{mean} ({min(values):.1f} to {max(values):.1f})" if len(values) > 1 else mean


def among(items: list[str], last: str = "and") -> str:
    """Return `a, b and c`."""
    *first, final = items
    return f"{', '.join(first)} {last} {final}" if first else final


def make_environment() -> Environment:
    """Return the environment of all pages."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        extensions=[Claim],
        undefined=StrictUndefined,
        autoescape=False,  # Markdown; reviews go through `quoted`
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "score": lambda value: f"{value:.3f}",
        "signed": signed,
        "percent": lambda share, digits=0: f"{100 * share:.{digits}f}%",
        "count": lambda number: f"{number:,}",
        "plain": lambda number: f"{number:g}",
        "short": lambda number: f"{float(f'{number:.2g}'):,g}",
        "times": lambda number: {1: "once", 2: "twice"}.get(number, f"{number} times"),
        "name": NAMES.__getitem__,
        "names": lambda names: among([NAMES[name] for name in names]),
        "among": among,
        "mean_and_range": mean_and_range,
        "change": lambda key: key.replace("_", " ").replace("gru", "GRU"),
    }
    environment.globals |= {name: getattr(facts, name) for name in facts.__all__}
    return environment


ENVIRONMENT = make_environment()

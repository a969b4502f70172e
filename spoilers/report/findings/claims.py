"""A template block: text for when a condition holds, and plain text for when it does not."""

from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser


class Claim(Extension):
    """`{% claim CONDITION %} text {% otherwise %} plain text {% endclaim %}`.

    Unlike with `if`, the plain text is required, and the condition must be a comparison: True or False,
    not a list that may be empty or a name that may be undefined.
    """

    tags = frozenset({"claim"})

    def parse(self, parser: Parser) -> nodes.Node:
        """Return the block as an `if` whose condition `decide` checks."""
        line = next(parser.stream).lineno
        condition = parser.parse_expression()
        text = parser.parse_statements(("name:otherwise",), drop_needle=True)
        plain = parser.parse_statements(("name:endclaim",), drop_needle=True)
        place = nodes.Const(f"{parser.name}:{line}")
        decided = self.call_method("decide", [condition, place], lineno=line)
        return nodes.If(decided, text, [], plain, lineno=line)

    def decide(self, condition: object, place: str) -> bool:
        """Return the condition.

        Raises:
            TypeError: it is neither True nor False.
        """
        if not isinstance(condition, bool):
            raise TypeError(f"{place}: a claim's condition must be True or False, not {condition!r}")
        return condition

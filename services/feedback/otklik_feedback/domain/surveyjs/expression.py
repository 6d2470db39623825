"""
Expressions of SurveyJS, as far as we read them:

    any   = all   { ("or" | "||") all }
    all   = one   { ("and" | "&&") one }
    one   = "(" any ")" | ("!" | "negate") "(" any ")" | test
    test  = name ("empty" | "notempty") | name op value | value op name
    op    = "=" "==" "equal" | "!=" "<>" "notequal" | ">" "greater" | "<" "less"
          | ">=" "greaterorequal" | "<=" "lessorequal" | "contains" "contain" "*="
          | "notcontains" "notcontain" | "anyof" | "allof" | "noneof"
    name  = "{" … "}" ;  value = whole number | 'text' | "text" | true | false | "[" values "]"

Words may be in capitals. There are no functions, no sums, no names on both sides, no backslashes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MOST_EXPRESSION: Final = 2_000
MOST_PARENTHESES: Final = 20

Plain = int | str | bool
Value = Plain | tuple[Plain, ...]


class Unsupported(Exception):
    """What we do not read; the texts say what, in English and in Russian."""

    def __init__(self, en: str, ru: str) -> None:
        super().__init__(en)
        self.en, self.ru = en, ru


@dataclass(frozen=True, slots=True)
class Look:
    """One test; `value` is None for `empty` and `notempty`."""

    name: str
    op: str
    value: Value | None


@dataclass(frozen=True, slots=True)
class All:
    """Joined by `and`."""

    of: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Any:
    """Joined by `or`."""

    of: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """After `!` or `negate`."""

    of: "Expression"


Expression = Look | All | Any | Not

_OPS: Final = {
    "=": "=",
    "==": "=",
    "equal": "=",
    "!=": "!=",
    "<>": "!=",
    "notequal": "!=",
    ">": ">",
    "greater": ">",
    "<": "<",
    "less": "<",
    ">=": ">=",
    "greaterorequal": ">=",
    "<=": "<=",
    "lessorequal": "<=",
    "contains": "contains",
    "contain": "contains",
    "*=": "contains",
    "notcontains": "notcontains",
    "notcontain": "notcontains",
    "anyof": "anyof",
    "allof": "allof",
    "noneof": "noneof",
    "empty": "empty",
    "notempty": "notempty",
}
_TURNED: Final = {"=": "=", "!=": "!=", ">": "<", "<": ">", ">=": "<=", "<=": ">="}
_SIGNS: Final = {"||": "or", "&&": "and", "negate": "!"}
_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<name>\{[^{}]*\})
      | (?P<text>'[^'\\]*'|"[^"\\]*")
      | (?P<number>-?(?:0|[1-9][0-9]{0,8})(?![0-9.xXeE_]))
      | (?P<word>[A-Za-z]+(?![\w-]))
      | (?P<sign>\|\||&&|==|!=|<>|>=|<=|\*=|[()=<>!,\[\]])
    )""",
    re.VERBOSE,
)

Token = tuple[str, str]


def parse(text: str) -> Expression:
    """
    An expression from its text.

    Raises:
        Unsupported: It is not written as above, is longer than 2,000 characters, or has more than 20
            parentheses within each other.
    """
    if len(text) > MOST_EXPRESSION:
        raise Unsupported(
            f"the expression is longer than {MOST_EXPRESSION} characters",
            f"выражение длиннее {MOST_EXPRESSION} символов",
        )
    parser = _Parser(list(_tokens(text)))
    found = parser.any()
    if parser.left():
        raise parser.odd()
    return found


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    text = text.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _odd(text[at:])
        at = found.end()
        kind = str(found.lastgroup)
        said = found[kind]
        if kind in {"word", "sign"}:
            said = said.lower()
            kind = "op" if said in _OPS else "sign"
            said = _OPS.get(said) or _SIGNS.get(said, said)
        yield kind, said


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._deep = 0

    def left(self) -> bool:
        return self._at < len(self._tokens)

    def odd(self) -> Unsupported:
        return _odd(" ".join(said for _, said in self._tokens[self._at :]))

    def any(self) -> Expression:
        of = [self._all()]
        while self._took("sign", "or"):
            of.append(self._all())
        return of[0] if len(of) == 1 else Any(tuple(of))

    def _all(self) -> Expression:
        of = [self._one()]
        while self._took("sign", "and"):
            of.append(self._one())
        return of[0] if len(of) == 1 else All(tuple(of))

    def _one(self) -> Expression:
        if self._took("sign", "!"):
            if self._peek() != ("sign", "("):
                raise self.odd()
            return Not(self._inner())
        return self._inner() if self._peek() == ("sign", "(") else self._test()

    def _inner(self) -> Expression:
        self._deep += 1
        if self._deep > MOST_PARENTHESES or not self._took("sign", "("):
            raise self.odd()
        found = self.any()
        if not self._took("sign", ")"):
            raise self.odd()
        self._deep -= 1
        return found

    def _test(self) -> Look:
        if self._peek()[0] != "name":
            value, op, name = self._value(), self._next("op"), self._next("name")
            if op not in _TURNED or isinstance(value, tuple):
                raise _odd(op)
            return Look(_bare(name), _TURNED[op], value)
        name, op = self._next("name"), self._next("op")
        return Look(_bare(name), op, None if op in {"empty", "notempty"} else self._value())

    def _value(self) -> Value:
        if not self._took("sign", "["):
            return self._plain()
        of: list[Plain] = []
        while not self._took("sign", "]"):
            if of and not self._took("sign", ","):
                raise self.odd()
            of.append(self._plain())
        return tuple(of)

    def _plain(self) -> Plain:
        kind, said = self._peek()
        self._at += 1
        if kind == "number":
            return int(said)
        if kind == "text":
            return said[1:-1]
        if (kind, said) in {("sign", "true"), ("sign", "false")}:
            return said == "true"
        self._at -= 1
        raise self.odd()

    def _peek(self) -> Token:
        return self._tokens[self._at] if self.left() else ("end", "")

    def _took(self, *token: str) -> bool:
        took = self._peek() == token
        self._at += took
        return took

    def _next(self, kind: str) -> str:
        found, said = self._peek()
        if found != kind:
            raise self.odd()
        self._at += 1
        return said


def _bare(name: str) -> str:
    return name[1:-1].strip()


def _odd(rest: str) -> Unsupported:
    shown = rest.strip()[:60]
    return Unsupported(
        f"the expression is not read from {shown!r} on" if shown else "the expression ends early",
        f"выражение не читается с места {shown!r}" if shown else "выражение оборвано",
    )

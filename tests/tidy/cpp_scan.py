"""Just enough of C++ to find functions: comments and literals blanked out, braces matched."""

import re
from collections import namedtuple

Function = namedtuple("Function", "name first_line last_line")

_TOKEN = re.compile(
    r"""//(?:\\\n|[^\n])*                          # line comment
      | /\*.*?\*/                                  # block comment
      | (?:u8|[uUL])?R"(?P<delimiter>[^()\\\s]*)\(.*?\)(?P=delimiter)"
      | "(?:\\.|[^"\\\n])*"
      | (?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])+'       # not the separator in 65'535
    """,
    re.VERBOSE | re.DOTALL,
)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)

_ACCESS = re.compile(r"^(?:(?:public|protected|private|case\b[^:]*|default)\s*:(?!:)\s*)+")
_ATTRIBUTE = re.compile(r"\[\[.*?\]\]|\balignas\s*\([^)]*\)", re.DOTALL)
_TEMPLATE = re.compile(r"^template\s*<")
_SCOPE = re.compile(r'^(?:inline\s+)?namespace\b|^extern\s+""$')
_TYPE = re.compile(r"^(?:typedef\s+|static\s+|constexpr\s+|inline\s+)*(?:class|struct|union|enum)\b")
_MEMBER_INITIALISER = re.compile(r"\)\s*(?:noexcept\s*)?:(?!:).*[\w>]$", re.DOTALL)
_NAME = re.compile(r"((?:~?\w+|operator\s*[^\s\w(]+|operator\s*\(\))(?:<[^<>()]*>)?)\s*\(")


def blank(text):
    """The same text, same lines, with comments, literals' contents and directives as spaces."""

    def spaces(match):
        token = match.group(0)
        inner = "".join("\n" if c == "\n" else " " for c in token)
        if token[0] == "/":
            return inner
        quote = token[-1]
        return quote + inner[1:-1] + quote

    without_literals = _TOKEN.sub(spaces, text)
    return _DIRECTIVE.sub(
        lambda match: "".join("\n" if c == "\n" else " " for c in match.group(0)), without_literals
    )


def _without_template(head):
    """Drops a leading `template <...>`, whose own brackets may nest."""
    while _TEMPLATE.match(head):
        depth = 0
        for i in range(head.index("<"), len(head)):
            depth += {"<": 1, ">": -1}.get(head[i], 0)
            if depth == 0:
                break
        head = head[i + 1 :].lstrip()
    return head


def _kind(head):
    """What a `{` opens, from the words before it: scope, type, function or other."""
    head = _ATTRIBUTE.sub(" ", head).strip()
    head = _without_template(_ACCESS.sub("", head))
    squeezed = re.sub(r'"\s*"', '""', head)
    if _SCOPE.match(squeezed):
        return "scope"
    if _TYPE.match(head) and ")" not in head:
        return "type"
    if "(" not in head or _MEMBER_INITIALISER.search(head) or _is_initialiser(head):
        return "other"
    return "function"


def _is_initialiser(head):
    """`int x = f(...)[...]{`: an equals sign outside brackets that is no operator's name."""
    depth = 0
    for i, c in enumerate(head):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(c, 0)
        if c == "=" and depth == 0 and not re.search(r"operator\s*[=!<>+\-*/%&|^]*$", head[:i]):
            return "[" not in head[i:]  # a lambda given a name counts as a function
    return False


def _name(head):
    found = _NAME.search(_without_template(head))
    return found.group(1) if found else "(lambda)"


def functions(text):
    """Outermost functions of a file: from the line of the name's statement to the closing brace."""
    code = blank(text)
    found, stack = [], []  # of open braces: kind, name, first line, head's start, parentheses
    head_start, line, parentheses = 0, 1, 0
    for i, c in enumerate(code):
        if c == "\n":
            line += 1
        elif c in "()":
            parentheses += 1 if c == "(" else -1
        elif c == "{":
            head = _ACCESS.sub("", code[head_start:i].lstrip())
            kind = _kind(head)
            if any(brace[0] in ("function", "inner") for brace in stack):
                kind = "inner"
            elif kind == "function" and parentheses > 0:
                kind = "other"  # a braced argument in a signature
            stack.append((kind, _name(head), line - head.count("\n"), head_start, parentheses))
            head_start, parentheses = i + 1, 0
        elif c == "}" and stack:
            kind, name, first_line, head_start, parentheses = stack.pop()
            if kind == "function":
                found.append(Function(name, first_line, line))
            if kind != "other":
                head_start = i + 1  # an initialiser's brace does not end its statement
        elif c == ";" and parentheses == 0:
            head_start = i + 1
    return found

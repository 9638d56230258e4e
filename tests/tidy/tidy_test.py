"""Sizes, spacing and names (CONTRIBUTING.md). Prints each breach; fails on any."""

import re
import sys

import cpp_scan
import tree

FUNCTION_LINES = 70
FILE_LINES = 500
TEST_FILE_LINES = 900
COLUMNS = 100

VAGUE = ("Manager", "Helper", "Util", "Handler", "Processor")
VAGUE_ALONE = ("Data", "Info")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
TYPE_NAME = re.compile(r"\b(?:class|struct|union|enum(?:\s+(?:class|struct))?|using)\s+(\w+)")


def vague_word(name):
    """The forbidden word in a PascalCase name, if there is one."""
    if name in VAGUE_ALONE:
        return name
    words = re.findall(r"[A-Z][a-z0-9]*", name)
    return next((word for word in words if word in VAGUE or word.removesuffix("s") in VAGUE), None)


def pascal(stem):
    return "".join(word.capitalize() for word in stem.split("_"))


def check_lines(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{path}:{number}"
        if len(line) > COLUMNS:
            yield f"{where}: {len(line)} columns; break the line at {COLUMNS}"
        if line != line.rstrip():
            yield f"{where}: space at the end of the line; remove it"
        if "\t" in line:
            yield f"{where}: tab; indent with spaces"
        if found := UNFINISHED.search(line):
            yield f"{where}: {found.group(1)}; do it now or drop the remark"


def check_shape(path, text):
    lines = text.count("\n")
    limit = TEST_FILE_LINES if path.parts[0] == "tests" else FILE_LINES
    if lines > limit:
        yield f"{path}:{limit + 1}: {lines} lines; split the file, {limit} at most"
    if not text.endswith("\n") or text.endswith("\n\n"):
        yield f"{path}:{lines + 1}: end the file with exactly one newline"
    if path.suffix == ".hpp" and "#pragma once\n" not in text:
        yield f"{path}:1: no #pragma once; add it below the opening comment"
    guard = re.sub(r"\W", "_", str(path)).upper()
    if path.suffix == ".h" and f"#ifndef {guard}\n#define {guard}\n" not in text:
        yield f"{path}:1: no #ifndef {guard}; C compilers may get this header alone"
    for function in cpp_scan.functions(text):
        length = function.last_line - function.first_line + 1
        if length > FUNCTION_LINES:
            yield (
                f"{path}:{function.first_line}: {function.name} has {length} lines; "
                f"split it, {FUNCTION_LINES} at most"
            )


def check_names(path, text):
    if word := vague_word(pascal(path.name.split(".")[0])):
        yield f"{path}:1: {word} in the file's name; say what it holds"
    for number, line in enumerate(cpp_scan.blank(text).split("\n"), 1):
        for name in TYPE_NAME.findall(line):
            if word := vague_word(name):
                yield f"{path}:{number}: {word} in the type's name {name}; say what it is"


def check(path, text):
    yield from check_lines(path, text)
    yield from check_shape(path, text)
    yield from check_names(path, text)


SAMPLE = """\
#define UNBALANCED {
namespace a { namespace b {
struct alignas(64) Plain { int x = 65'535; };
enum class Colour : int { kRed = '{', kBlue = '\\'' };
extern "C" {
int outer(int x) {  // line 6, a brace in a comment {
  auto f = [&](int y) { return x + y; };
  const char* text = "}{" R"raw(}}})raw";
  return f(1); /* } */
}  // line 10
}
class Made : public Plain {
 public:
  template <typename T, typename = std::enable_if_t<(sizeof(T) > 1)>>
  explicit Made(T value = {})
      : first_{value}, second_(value),
        third_{{1, 2}} {
  }  // line 18
  bool operator==(const Made& other) const { return true; }  // line 19
 private:
  std::array<int, 2> array_ = make({1, 2});
};
constexpr auto kNamed = [](int x) {
  return x;
};  // line 25
const std::vector<int> kList = {1, f(2), 3};
TEST(Suite, Name) {
}
}}
"""


def self_test():
    found = [tuple(function) for function in cpp_scan.functions(SAMPLE)]
    expected = [
        ("outer", 6, 10),
        ("Made", 14, 18),
        ("operator==", 19, 19),
        ("(lambda)", 23, 25),
        ("TEST", 27, 28),
    ]
    tree.fail_unless(found == expected, f"functions of the sample: {found}")
    long_function = "void f() {\n" + "  g();\n" * FUNCTION_LINES + "}\n"
    bad = long_function + "struct InfoHelper;\t// TODO \nstruct Data;\n" + "x" * 101 + "\n\n"
    broken = list(check(tree.Path("proto/base/string_utils.hpp"), bad))
    tree.fail_unless(len(broken) == 10, "\n".join(["breaches of the bad sample:", *broken]))


def main():
    self_test()
    violations = []
    for path in tree.files(".cpp", ".hpp", ".h", ".c"):
        violations.extend(check(path, tree.read(path)))
    return tree.report(violations)


sys.exit(main())

"""Modules as one script."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.web.joined import JoiningError, joined

NODE = shutil.which("node")
ONE = "export const ONE = 1;\nexport function twice(value) {\n  return 2 * value;\n}\n"
USES = 'import { ONE, twice } from "./one.js";\n\nconsole.log(JSON.stringify([twice(ONE), typeof module]));\n'


def test_a_script_has_neither_imports_nor_exports() -> None:
    script = joined({"one.js": ONE, "uses.js": USES})
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)
    assert script.index("const ONE") < script.index("twice(ONE)")


def test_comments_on_lines_of_their_own_are_left_out_and_nothing_else() -> None:
    source = (
        "/** One. */\n/**\n * Two\n * const x\n */\nconst a = 1; /* stays */\n  // three\n/* stays */ const b = 2;\n"
    )
    script = joined({"a.js": source + 'const c = "//"; /** stays */\nconst d = 3;'})
    assert [word in script for word in ("One", "Two", "three")] == [False, False, False]
    assert script.count("stays") == 3
    assert [f"const {name} =" in script for name in "abcd"] == [True] * 4


@pytest.mark.skipif(NODE is None, reason="no Node.js is installed")
def test_the_script_does_what_the_modules_do() -> None:
    done = subprocess.run(
        [str(NODE), "-e", joined({"one.js": ONE, "uses.js": USES})], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("[2,")


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ({"uses.js": USES}, r"uses.js imports ONE, twice from one.js, which is not exported before it"),
        ({"uses.js": USES, "one.js": ONE}, r"not exported before it"),
        ({"one.js": ONE.replace("export function", "function"), "uses.js": USES}, r"imports twice from one.js"),
        ({"one.js": ONE, "two.js": "function ONE() {}"}, r"two.js and one.js both declare ONE"),
        ({"one.js": "async function go() {}", "two.js": "export class go {}"}, r"both declare go"),
        ({"a.js": 'import "./one.js";'}, r"a line that cannot be joined: import"),
        ({"a.js": 'import * as all from "./one.js";'}, r"cannot be joined"),
        ({"a.js": 'import { a as b } from "./one.js";'}, r"imports a as b from one.js|cannot be joined"),
        ({"a.js": "export default 3;"}, r"cannot be joined"),
        ({"a.js": "export { one };"}, r"cannot be joined"),
        ({"a.js": "const { one } = window;"}, r"cannot be joined"),
        ({"a.js": 'const far = await import("./one.js");'}, r"import\("),
        ({"a.js": "const here = import.meta.url;"}, r"import.meta"),
        ({"a.js": 'const end = "</SCRIPT>";'}, r"</SCRIPT"),
        ({"a.js": "// <!-- old browsers"}, r"<!--"),
        ({"a.js": "eval(text)"}, r"eval\("),
        ({"a.js": 'new Function("return 1")'}, r"new Function"),
    ],
)
def test_what_cannot_be_joined_is_refused(modules: dict[str, str], message: str) -> None:
    with pytest.raises(JoiningError, match=message):
        joined(modules)


@given(st.dictionaries(st.from_regex(r"\A[a-z]{1,8}\.js\Z"), st.text(max_size=200), max_size=4))
def test_any_text_is_joined_or_refused(modules: dict[str, str]) -> None:
    try:
        script = joined(modules)
    except JoiningError:
        return
    assert "</script" not in script.lower()
    assert not re.search(r"^export (async function|function|class|const) ", script, re.MULTILINE)

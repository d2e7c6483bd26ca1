"""The pages of docs/: each program in Python is carried out; the schema and the options hold."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
import resayil
from conftest import ROOT, Sandbox, require

for package in ("httpx", "httpx2", "openai", "tenacity"):
    require(package)

DOCS = ROOT / "docs"
#: They show forms beside each other, or change the whole process: these are only compiled.
NOT_RUN = {"fleet.md", "observability.md"}
FENCE = re.compile(r"^```python([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def programs() -> list[Any]:
    found = []
    for page in sorted(DOCS.rglob("*.md")):
        name = page.relative_to(DOCS).as_posix()
        for number, match in enumerate(FENCE.finditer(page.read_text(encoding="utf-8"))):
            # With a title it is a file, which the page's commands run.
            if "title=" not in match[1]:
                found.append(pytest.param(name, match[2], id=f"{name}-{number}"))
    return found


def test_there_are_some() -> None:
    pages = {parameter.values[0] for parameter in programs()}
    assert {"concepts/kinds.md", "guides/with-your-sdk.md", "reference/record.md"} <= pages
    assert all((DOCS / name).is_file() for name in NOT_RUN)


@pytest.mark.parametrize(("page", "code"), programs())
def test_a_program_works(
    page: str, code: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    program = compile(code, page, "exec")
    if page in NOT_RUN:
        return
    for name in ("RESAYIL", "OPENAI"):
        monkeypatch.setenv(f"{name}_API_KEY", sandbox.api_key)
        monkeypatch.setenv(f"{name}_BASE_URL", sandbox.base_url)
    module: dict[str, Any] = {"__name__": "page"}
    exec(program, module)
    output = capsys.readouterr().out
    assert "print(" not in code or output.strip()
    if "Hello" in code:
        assert "echo: Hello" in output
    for name, test in module.items():
        if name.startswith("test_"):
            with resayil.sandbox.Sandbox() as own:
                test(own)


SCHEMA = json.loads((DOCS / "error-record.schema.json").read_text(encoding="utf-8"))


def test_every_record_of_the_vectors_is_as_the_schema_says() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    count = 0
    for name in ("errors.jsonl", "streams.jsonl"):
        for line in (ROOT / "tests" / "vectors" / name).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["record"] is not None:
                validator.validate(row["record"])
                count += 1
    assert count > 100


@pytest.mark.parametrize(
    "change", [{"kind": "nothing"}, {"code": 429}, {"retry_after": "45"}, {"more": 1}]
)
def test_the_schema_refuses_what_is_no_record(change: dict[str, Any]) -> None:
    record = json.loads(resayil.RateLimitError("slow").to_json())
    jsonschema.validate(record, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**record, **change}, SCHEMA)


def names(text: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", text))


def test_every_option_is_on_the_page() -> None:
    page = (DOCS / "reference" / "options.md").read_text(encoding="utf-8")
    header = (ROOT / "include" / "resayil.h").read_text(encoding="utf-8")
    in_c = set(re.findall(r"\bresayil_(?:client|policy)_builder_(\w+)\(", header))
    assert len(in_c) > 30
    assert in_c - {"new", "free", "build"} <= names(page)
    client = set(resayil.Client.__init__.__annotations__) - {"return"}
    assert len(client) > 25
    assert client <= names(page)
    policy, _, rest = page.partition("## The policy")[2].partition("## One call")
    assert rest
    columns = [line.split("|") for line in policy.splitlines() if line.startswith("| `")]
    defaults = {names(row[2]).pop(): row[3].strip() for row in columns}
    made = resayil.RetryPolicy()
    told = {"none": None, "yes": True, "the sum of the delays, 15 s": None}
    for name, text in defaults.items():
        value = getattr(made, name)
        wanted = told.get(text, text.strip("`").removesuffix(" s"))
        assert name == "retry_kinds" or value == wanted or str(value).removesuffix(".0") == wanted

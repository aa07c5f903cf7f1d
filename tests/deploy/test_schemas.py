"""Files whose format others define, against the schemas that check-jsonschema brings along, offline."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml
from conftest import ROOT

SCHEMAS = {
    "CITATION.cff": "vendor.citation-file-format",
    "deploy/compose.yaml": "vendor.compose-spec",
    **{
        path.relative_to(ROOT).as_posix(): "vendor.github-workflows"
        for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    },
}


def validated(schema, path):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_fits_its_schema(name):
    done = validated(SCHEMAS[name], ROOT / name)
    assert done.returncode == 0, done.stdout


def no_authors(citation):
    del citation["authors"]


def memory_limt(compose):
    compose["services"]["app"]["mem_limt"] = compose["services"]["app"].pop("mem_limit")


def no_runner(workflow):
    del workflow["jobs"]["audit"]["runs-on"]


@pytest.mark.parametrize(
    ("name", "break_it"),
    [
        ("CITATION.cff", no_authors),
        ("deploy/compose.yaml", memory_limt),
        (".github/workflows/ci.yml", no_runner),
    ],
)
def test_the_schema_would_tell(name, break_it, tmp_path):
    content = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    break_it(content)
    broken = tmp_path / "broken.yaml"
    broken.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert validated(SCHEMAS[name], broken).returncode == 1

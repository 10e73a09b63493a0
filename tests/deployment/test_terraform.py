"""The Terraform configuration as far as it can be checked without its providers.

What a provider takes and gives is in tests/data/terraform_schemas.json: the names of the arguments (required ones end
with `!`) and attributes of the resources that we use, from the schemas of the versions that it states.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml

ROOT = Path(__file__).parents[2]
TERRAFORM = ROOT / "terraform"
SCHEMAS = json.loads((ROOT / "tests/data/terraform_schemas.json").read_text())
FOLDERS = sorted({file.parent for file in TERRAFORM.rglob("*.tf")})
OF_PARSER = "__"
"""How the names begin that the parser adds."""
OF_TERRAFORM = {"for_each", "count", "depends_on", "lifecycle", "provider", "provisioner", "connection"}
WITHOUT_SCHEMA = {"kind_cluster", "terraform_data"}
"""Resources of a provider without a schema at hand, and Terraform's own."""
KINDS = ("resource", "data", "ephemeral")
PROVIDERS = {*SCHEMAS["versions"], "kind", "terraform"}

Block = dict[str, Any]
"""A block of HCL as the parser returns it."""

REFERENCE = re.compile(r"(?<![\w.\":/-])([a-z][a-z0-9_]*(?:\.[A-Za-z_][\w-]*|\[[^\[\]\s]+\])+)")


def unquoted(text: Any) -> Any:
    return text.strip('"') if isinstance(text, str) else text


class Folder:
    """What the .tf files of a folder declare, and what they refer to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = {file: hcl2.loads(file.read_text()) for file in sorted(path.glob("*.tf"))}
        self.variables = dict(self.labelled("variable"))
        self.outputs = dict(self.labelled("output"))
        self.modules = dict(self.labelled("module"))
        self.locals = {name for block in self.blocks("locals") for name, _ in named(block)}
        self.blocks_of = {
            kind: {(first, name): body for first, rest in self.labelled(kind) for name, body in named(rest)}
            for kind in KINDS
        }
        # What is said in a comment is no reference.
        text = "\n".join(re.sub(r"(?m)(^|\s)#.*$", "", file.read_text()) for file in self.files)
        self.references = set(REFERENCE.findall(text))

    def blocks(self, kind: str) -> list[Block]:
        return [block for content in self.files.values() for block in content.get(kind, [])]

    def labelled(self, kind: str) -> list[tuple[str, Any]]:
        return [pair for block in self.blocks(kind) for pair in named(block)]


def named(block: Block) -> list[tuple[str, Any]]:
    return [(unquoted(name), body) for name, body in block.items() if not name.startswith(OF_PARSER)]


@pytest.fixture(params=FOLDERS, ids=lambda path: str(path.relative_to(TERRAFORM)))
def folder(request: pytest.FixtureRequest) -> Folder:
    return Folder(request.param)


def steps(reference: str) -> list[str]:
    """Split `a.b["c"].d` into its names."""
    return re.findall(r"[A-Za-z_][\w-]*", re.sub(r"\[[^\]]*\]", "", reference))


def is_declared(folder: Folder, reference: str) -> bool:
    first, name, *rest = [*steps(reference), ""]
    names = {"var": folder.variables, "local": folder.locals, "module": folder.modules, "path": ("module",)}
    if first in names:
        return name in names[first]
    kind, type_, called = (first, name, rest[0]) if first in KINDS else ("resource", first, name)
    if type_.partition("_")[0] in PROVIDERS:
        return (type_, called) in folder.blocks_of[kind]
    return True  # of an iterator, as `each.value`


def test_every_reference_leads_to_a_declaration(folder: Folder) -> None:
    assert [reference for reference in folder.references if not is_declared(folder, reference)] == []


def test_references_to_resources_name_attributes_that_they_have(folder: Folder) -> None:
    wrong = set()
    for reference in folder.references:
        names = steps(reference)
        kind = names.pop(0) if names[0] in ("data", "ephemeral") else "resource"
        schema = SCHEMAS[kind].get(names[0])
        if schema and len(names) > 2 and names[2] not in schema["attributes"]:
            wrong.add(reference)
    assert wrong == set()


def test_everything_declared_is_used(folder: Folder) -> None:
    used = {tuple(steps(reference)[:2]) for reference in folder.references}
    assert {name for name in folder.variables if ("var", name) not in used} == set()
    assert {name for name in folder.locals if ("local", name) not in used} == set()


def test_variables_and_outputs_are_described_and_typed(folder: Folder) -> None:
    for name, variable in folder.variables.items():
        assert unquoted(variable["description"]).endswith("."), name
        assert "type" in variable, name
        for check in variable.get("validation", ()):
            assert f"var.{name}" in check["condition"], name
            assert unquoted(check["error_message"]).startswith(name), f"{name}: the message has to say what is wrong"
    assert all(unquoted(output["description"]).endswith(".") for output in folder.outputs.values())


def test_modules_are_called_with_what_they_take(folder: Folder) -> None:
    for name, call in folder.modules.items():
        source = (folder.path / unquoted(call["source"])).resolve()
        called = Folder(source)
        given = {key for key, _ in named(call)} - {"source", *OF_TERRAFORM}
        required = {key for key, variable in called.variables.items() if "default" not in variable}
        assert given <= called.variables.keys(), name
        assert required <= given, name
        taken = {steps(one)[2] for one in folder.references if steps(one)[:2] == ["module", name] and steps(one)[2:]}
        assert taken <= called.outputs.keys(), name


def test_resources_take_their_arguments(folder: Folder) -> None:
    problems = []
    for kind in KINDS:
        for (type_, name), body in folder.blocks_of[kind].items():
            if type_ not in WITHOUT_SCHEMA:
                problems += check(body, SCHEMAS[kind][type_]["arguments"], f"{kind} {type_}.{name}", OF_TERRAFORM)
    for name, body in folder.labelled("provider"):
        if name in SCHEMAS["provider"]:
            problems += check(body, SCHEMAS["provider"][name]["arguments"], f"provider {name}")
    assert problems == []


def check(body: Block, schema: dict[str, Any], where: str, further: Collection[str] = ()) -> Iterator[str]:
    """Yield what the block has that the schema does not, and what the schema asks for and the block does not have."""
    arguments = {name.rstrip("!"): inner for name, inner in schema.items()}
    parts = [(name, value) for name, value in named(body) if name != "dynamic" and name not in further]
    for made in body.get("dynamic", ()):
        parts += [(name, dynamic["content"]) for name, dynamic in named(made)]
    for name, value in parts:
        if name not in arguments:
            yield f"{where}: no argument {name}"
        elif arguments[name]:
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, dict):
                    yield from check(inner, arguments[name], f"{where}.{name}")
    for required in (name.rstrip("!") for name in schema if name.endswith("!")):
        if required not in dict(parts):
            yield f"{where}: {required} is missing"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('metadata {\n name = "a"\n}\n', None),
        ("data = {}\n", "x: metadata is missing"),
        ('metadata {\n nmae = "a"\n}\n', "x.metadata: no argument nmae"),
        ('metadata {}\ndynamic "dta" {\n for_each = []\n content {}\n}\n', "x: no argument dta"),
    ],
)
def test_a_wrong_argument_is_found(text: str, problem: str | None) -> None:
    schema = SCHEMAS["resource"]["kubernetes_config_map_v1"]["arguments"]
    assert list(check(hcl2.loads(text), schema, "x")) == ([problem] if problem else [])


def test_providers_are_pinned_to_what_the_schemas_are_of(folder: Folder) -> None:
    (terraform,) = folder.blocks("terraform")
    (providers,) = terraform["required_providers"]
    assert unquoted(terraform["required_version"]) == ">= 1.11"  # ephemeral values, write-only arguments, use_lockfile
    for name, provider in named(providers):
        if name not in SCHEMAS["versions"]:
            continue
        major, minor = SCHEMAS["versions"][name].split(".")[:2]
        pin = unquoted(provider["version"])
        if "modules" in folder.path.parts:
            assert pin == f">= {major}.0, < {int(major) + 1}.0", name
        else:
            assert pin == f"~> {major}.{minor}", name


def test_the_state_is_locked_by_s3_alone() -> None:
    (terraform,) = Folder(TERRAFORM / "environments/aws").blocks("terraform")
    (backend,) = terraform["backend"]
    ((kind, options),) = named(backend)
    assert (kind, dict(named(options))) == ("s3", {"encrypt": True, "use_lockfile": True})


def test_the_readme_lists_inputs_and_outputs(folder: Folder) -> None:
    readme = (TERRAFORM / "README.md").read_text()
    section = readme.partition(f"## {folder.path.relative_to(TERRAFORM)}\n")[2].partition("\n## ")[0]
    rows = [row for row in section.splitlines() if row.startswith("| `")]
    declared = [*folder.variables.items(), *folder.outputs.items()]
    assert len(rows) == len(declared)
    for name, body in declared:
        description = unquoted(body["description"]).replace('\\"', '"')
        assert any(row.startswith(f"| `{name}` |") and description in row for row in rows), name


def test_files_that_the_configuration_reads_exist(folder: Folder) -> None:
    for file in folder.files:
        for path in re.findall(r'"\$\{path\.module\}/([^"]+)"', file.read_text()):
            assert (folder.path / path).exists(), path


@pytest.mark.skipif(shutil.which("terraform") is None, reason="the terraform command is not on this machine")
def test_the_format_is_terraforms() -> None:
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", "-recursive", str(TERRAFORM)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("terraform") is None, reason="the terraform command is not on this machine")
def test_terraform_reads_the_manifests_as_they_are_meant(tmp_path: Path) -> None:
    """The expressions that take Role, accounts and policy out of helm-values/, evaluated by Terraform itself."""
    source = (TERRAFORM / "modules/ndvi_platform/rbac.tf").read_text()
    expressions = source[source.index("locals {") : source.index("\n  account_roles")] + "}\n"
    helm_values = f'locals {{\n  helm_values = "{ROOT / "helm-values"}"\n}}\n'
    (tmp_path / "main.tf").write_text(expressions + helm_values)
    wanted = "jsonencode([local.role, local.binding, local.accounts, local.policy])\n"
    done = subprocess.run(["terraform", f"-chdir={tmp_path}", "console"], input=wanted, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    role, binding, accounts, policy = json.loads(json.loads(done.stdout))

    manifests = list(yaml.safe_load_all((ROOT / "helm-values/rbac.yaml").read_text()))
    by_kind = {one["kind"]: one for one in manifests}
    assert (role, binding) == (by_kind["Role"], by_kind["RoleBinding"])
    assert list(accounts.values()) == sorted(
        (one for one in manifests if one["kind"] == "ServiceAccount"), key=lambda one: one["metadata"]["name"]
    )
    assert policy == yaml.safe_load((ROOT / "helm-values/network-policy.yaml").read_text())

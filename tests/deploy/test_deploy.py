"""What is in deploy/: manifests against the API's schemas, offline, and how parts fit together."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner
from conftest import ROOT
from typer.main import get_command

from ellimaps.cli import cli
from ellimaps.server.classifier import ModelFacts
from ellimaps.server.routes import RequestLimits, Service, routes_of
from ellimaps.server.workers import Workers

DEPLOY = ROOT / "deploy"
MANIFESTS = [path for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")) if path.stem != "kustomization"]
API = "1.31"
FACTS = ModelFacts("is_homogenous", (0, 1), "0")


def documents():
    return [document for path in MANIFESTS for document in yaml.safe_load_all(path.read_text())]


def named(kind):
    return {document["metadata"]["name"]: document for document in documents() if document["kind"] == kind}


def pod_specs():
    """Specification of the pod of everything that runs, by name."""
    found = {name: one["spec"]["template"]["spec"] for name, one in named("Deployment").items()}
    for name, one in named("CronJob").items():
        found[name] = one["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return found


def labels_of(document):
    return document["spec"]["template"]["metadata"]["labels"]


def test_every_manifest_fits_the_api():
    kinds = sorted(document["kind"] for document in documents())
    assert kinds == sorted(
        ["CronJob", *["Deployment"] * 4, *["NetworkPolicy"] * 2, "PersistentVolumeClaim", *["Service"] * 3]
    )
    for document in documents():
        kubernetes_validate.validate(document, API, strict=True)


@pytest.mark.parametrize("break_it", ["schedule", "misspelled", "type"])
def test_the_schemas_would_tell(break_it):
    [cron] = named("CronJob").values()
    if break_it == "schedule":
        del cron["spec"]["schedule"]
    elif break_it == "misspelled":
        cron["spec"]["concurencyPolicy"] = "Forbid"
    else:
        cron["spec"]["jobTemplate"]["spec"]["backoffLimit"] = "two"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(cron, API, strict=True)


@pytest.mark.parametrize("name", sorted(pod_specs()))
def test_pods_are_bounded_and_have_no_rights(name):
    pod = pod_specs()[name]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    volumes = {volume["name"] for volume in pod["volumes"]}
    for container in pod["containers"]:
        assert {"cpu", "memory"} <= container["resources"]["limits"].keys()
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
        assert not container["image"].endswith(":latest")
        if name != "ellimaps-batch":
            assert {"readinessProbe", "livenessProbe"} <= container.keys()


def test_selectors_ports_and_claims_meet():
    deployments = named("Deployment")
    for name, one in deployments.items():
        assert one["spec"]["selector"]["matchLabels"] == labels_of(one), name
    for name, service in named("Service").items():
        assert service["spec"]["selector"] == labels_of(deployments[name])
        [container] = pod_specs()[name]["containers"]
        assert {port["targetPort"] for port in service["spec"]["ports"]} == {
            port["containerPort"] for port in container["ports"]
        }
    claims = set(named("PersistentVolumeClaim"))
    for pod in pod_specs().values():
        used = {
            v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"] if "persistentVolumeClaim" in v
        }
        assert used <= claims
    listed = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == [path.name for path in MANIFESTS]


def labels_of_pods():
    labels = {name: labels_of(one) for name, one in named("Deployment").items()}
    for name, one in named("CronJob").items():
        labels[name] = labels_of(one["spec"]["jobTemplate"])
    return labels


def chooses(selector, labels):
    """Whether a selector of Kubernetes chooses something with these labels."""
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        rule["operator"] == "In" and labels.get(rule["key"]) in rule["values"]
        for rule in selector.get("matchExpressions", [])
    )


def may_reach(source, target, port):
    """Whether the policies let a pod reach another one; where none chooses the other, everybody may."""
    labels = labels_of_pods()
    policies = [
        one["spec"]
        for one in named("NetworkPolicy").values()
        if chooses(one["spec"]["podSelector"], labels[target])
    ]
    rules = [rule for policy in policies for rule in policy["ingress"]]
    return not policies or any(
        ("ports" not in rule or port in [one["port"] for one in rule["ports"]])
        and any(chooses(one["podSelector"], labels[source]) for one in rule["from"])
        for rule in rules
    )


def test_the_batch_alone_reaches_dask():
    everybody = set(pod_specs())
    assert {name for name in everybody if may_reach(name, "ellimaps-scheduler", 8786)} == {
        "ellimaps-batch",
        "ellimaps-worker",
    }
    assert {name for name in everybody if may_reach(name, "ellimaps-worker", 8790)} == {
        "ellimaps-scheduler",
        "ellimaps-worker",
    }
    assert all(may_reach(name, "ellimaps-app", 8501) for name in everybody)
    services = compose_services()
    networks = {name: service.get("networks", ["default"]) for name, service in services.items()}
    with_dask = {name for name, joined in networks.items() if set(joined) & set(networks["scheduler"])}
    assert with_dask == {"scheduler", "worker", "batch"}


def test_the_workbench_asks_who_is_there_or_says_that_it_does_not():
    """A container listens on all addresses: a sign-in comes with it, or the waiver stands in the file."""
    [container] = pod_specs()["ellimaps-app"]["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    home = re.search(r"--home-dir (\S+)", dockerfile())[1]
    assert "--allow-anonymous" not in container["args"]
    assert mounts["sign-in"] == f"{home}/.streamlit"
    app = compose_services()["app"]
    assert "--allow-anonymous" in app["command"]
    assert all(port.startswith("127.0.0.1:") for port in app["ports"])
    assert "--allow-anonymous" not in dockerfile()


def compose_services():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]


def test_batch_and_workers_see_the_images_under_one_path():
    paths = {
        name: mount["mountPath"]
        for name in ("ellimaps-batch", "ellimaps-worker")
        for mount in pod_specs()[name]["containers"][0]["volumeMounts"]
        if mount["name"] == "data"
    }
    assert paths == {"ellimaps-batch": "/data", "ellimaps-worker": "/data"}


def commands():
    """Every ellimaps command line in deploy/, without the program."""
    found = {name: pod["containers"][0]["args"] for name, pod in pod_specs().items()}
    found = {
        name: args
        for name, args in found.items()
        if name in ("ellimaps-app", "ellimaps-batch", "ellimaps-server")
    }
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    found |= {f"compose {name}": services[name]["command"] for name in ("app", "batch", "server")}
    [line] = [line for line in (DEPLOY / "crontab").read_text().splitlines() if re.match(r"\d", line)]
    found["crontab"] = shlex.split(line)[6:]
    unit = (DEPLOY / "systemd" / "ellimaps-batch.service").read_text()
    found["systemd"] = shlex.split(re.search("^ExecStart=(.*)$", unit, re.M)[1])[1:]
    found["Dockerfile"] = yaml.safe_load(re.search("^CMD (.*)$", dockerfile(), re.M)[1])
    return found


def dockerfile():
    return (DEPLOY / "Dockerfile").read_text()


@pytest.mark.parametrize("name", list(commands()))
def test_commands_exist_with_these_options(name):
    """Click parses the whole line; --help at its end keeps it from running."""
    done = CliRunner().invoke(get_command(cli), [*commands()[name], "--no-such-option"])
    assert "--no-such-option" in done.output
    assert done.exit_code == 2
    done = CliRunner().invoke(get_command(cli), [*commands()[name], "--help"])
    assert done.exit_code == 0, done.output


def test_the_server_is_asked_where_it_answers():
    """Probes, ports, options and the model's place agree in all files."""
    [container] = pod_specs()["ellimaps-server"]["containers"]
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["server"]
    assert container["args"] == compose["command"]
    options = dict(zip(container["args"][1::2], container["args"][2::2], strict=True))
    port = int(options["--port"])
    assert options["--host"] == "0.0.0.0"
    assert options["--model"].startswith("/data/")
    [mount] = [mount for mount in container["volumeMounts"] if mount["name"] == "data"]
    assert (mount["mountPath"], mount["readOnly"]) == ("/data", True)
    assert "--allow-anonymous" not in container["args"]
    probes = [container[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")]
    assert all(probe == {"path": "/healthz", "port": port} for probe in probes)
    assert f"127.0.0.1:{port}/healthz" in compose["healthcheck"]["test"][-1]
    assert compose["ports"] == [f"127.0.0.1:{port}:{port}"]
    paths = {route["path"] for route in routes_of(Service(FACTS, Workers(dict, 1, 1.0), RequestLimits()))}
    assert "/healthz" in paths
    assert str(port) in re.search("^EXPOSE (.*)$", dockerfile(), re.M)[1].split()


def test_the_servers_token_is_a_file_for_its_user_alone():
    """Where the option looks for it, in both; nothing in the repository holds one."""
    pod = pod_specs()["ellimaps-server"]
    [container] = pod["containers"]
    place = Path(container["args"][container["args"].index("--token-file") + 1])
    [mount] = [mount for mount in container["volumeMounts"] if mount["name"] == "token"]
    [volume] = [volume["secret"] for volume in pod["volumes"] if volume["name"] == "token"]
    assert (mount["mountPath"], mount["readOnly"]) == (str(place.parent), True)
    assert [item["path"] for item in volume["items"]] == [place.name]
    assert volume["defaultMode"] == 0o440
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert compose["services"]["server"]["secrets"] == [place.name]
    assert place == Path("/run/secrets") / place.name
    file = re.search(r":-\./(.*)}$", compose["secrets"][place.name]["file"])[1]
    assert f"deploy/{file}" in (ROOT / ".gitignore").read_text().splitlines()
    assert not (DEPLOY / file).exists()
    assert "Secret" not in {document["kind"] for document in documents()}


def test_compose_uses_the_image_for_everything():
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = compose["services"]
    assert {"app", "server", "scheduler", "worker", "batch"} <= services.keys()
    for service in services.values():
        assert service["build"]["dockerfile"] == "deploy/Dockerfile"
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["mem_limit"]
        assert set(service.get("depends_on", {})) <= services.keys()
    assert (DEPLOY / services["app"]["build"]["context"]).resolve() == ROOT


def bases(text):
    return re.findall("^FROM (.*)$", text, re.M)


def test_image_is_pinned_healthy_and_not_root():
    text = dockerfile()
    assert re.search(r"^USER 10001$", text, re.M)
    assert text.rindex("USER 10001") < text.index("ENTRYPOINT")
    assert "HEALTHCHECK" in text
    assert "--require-hashes --requirement requirements.lock" in text
    assert all(
        re.fullmatch(r"python:3\.12-slim@sha256:[0-9a-f]{64}( AS build)?", base) for base in bases(text)
    )
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {word for line in re.findall("^COPY (?!--from)(.*)$", text, re.M) for word in line.split()[:-1]}
    assert copied == kept


def pins(name):
    """Version and marker of everything a file of pip names."""
    text = (ROOT / name).read_text()
    found = re.findall(r"^([\w.-]+)==([^\s;]+)(?: ; ([^\\\n]+))?", text, re.M)
    return {re.sub(r"[-_.]+", "-", package).lower(): (version, marker) for package, version, marker in found}


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_locks_hold_what_is_pinned(name):
    pinned = {package: version for package, (version, _) in pins("constraints.txt").items()}
    locked = pins(name)
    others = {package: version for package, (version, _) in locked.items() if pinned.get(package) != version}
    # Those of other platforms, and what builds.
    assert {package for package in others if not locked[package][1]} <= {"setuptools", "pip"}
    assert not others.keys() & pinned.keys()
    blocks = re.split(r"^(?=\w)", (ROOT / name).read_text(), flags=re.M)[1:]
    assert len(blocks) >= len(locked)
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", block) for block in blocks)
    assert not re.search(r"^-|https?:", (ROOT / name).read_text(), re.M)


def test_locks_hold_what_is_needed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]

    def needed(extra):
        for one in extras[extra]:
            inner = re.fullmatch(r"ellimaps\[(.*)\]", one)
            yield from (name for part in inner[1].split(",") for name in needed(part)) if inner else [one]

    def names(requirements):
        return {re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", one)[0]).lower() for one in requirements}

    runtime = names([*project["dependencies"], *needed("all")])
    assert runtime <= pins("requirements.lock").keys()
    assert runtime | names([*needed("dev"), *needed("deep")]) <= pins("requirements-dev.lock").keys()


MORE_RIGHTS = {
    "image": {"image": {"contents": "read", "packages": "write"}},
    "release": {"publish": {"contents": "read", "id-token": "write", "attestations": "write"}},
}
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_have_few_rights_and_pinned_steps(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    more = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    assert more == MORE_RIGHTS.get(path.stem, {})
    for step in (step for job in workflow["jobs"].values() for step in job["steps"]):
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step.get("uses", f"a@{'0' * 40}")), step
        assert "${{" not in step.get("run", "")
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        if "pip install" in step.get("run", ""):
            hashed = "--require-hashes --requirement requirements-dev.lock" in step["run"]
            assert hashed or step["name"] == "As the README says"


def test_what_is_tried_as_the_readme_says_stands_there():
    """Each line that installs; what follows is the example, which needs nothing else."""
    said = [line.strip() for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()]
    tried = [
        line
        for path in WORKFLOWS
        for job in yaml.safe_load(path.read_text())["jobs"].values()
        for step in job["steps"]
        if step.get("name") == "As the README says"
        for line in step["run"].splitlines()
    ]
    assert sum("ellimaps segment --example" in line for line in tried) == 2
    assert [line for line in tried if line not in said and line != "ellimaps segment --example"] == []


def test_what_the_nightly_run_calls_is_there():
    [job] = yaml.safe_load((ROOT / ".github" / "workflows" / "nightly.yml").read_text())["jobs"].values()
    targets = {what.split()[0] for what in job["strategy"]["matrix"]["what"]}
    assert targets == {"fuzz", "chaos", "load"}
    assert targets <= set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))


def test_workflow_tests_before_it_builds_and_publishes():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "image.yml").read_text())["jobs"]
    assert jobs["image"]["needs"] == "test"
    assert jobs["roll-out"]["needs"] == "image"
    pushes = [step for step in jobs["image"]["steps"] if step.get("with", {}).get("push")]
    assert [step["if"] for step in pushes] == ["github.event_name != 'pull_request'"]
    assert "/data" in dockerfile()


@pytest.mark.skipif(
    os.environ.get("ELLIMAPS_TEST_INSTALL") != "1",
    reason="installs everything anew, about a minute: set ELLIMAPS_TEST_INSTALL=1",
)
def test_install_steps_work_in_a_clean_environment(tmp_path):
    """Do what stands between the marks of the Dockerfile, in a virtual environment of its own."""
    source, environment = tmp_path / "src", tmp_path / "env"
    source.mkdir()
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    steps = re.search(r"# install: begin.*?\n(.*?)# install: end", dockerfile(), re.S)[1].splitlines()
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    clean |= {
        "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(environment),
    }
    for step in steps:
        word, rest = step.split(" ", 1)
        if word == "COPY":
            *names, target = rest.split()
            for name in names:
                place = source / (Path(name).name if target == "./" else target)
                copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
                copy(ROOT / name, place)
        else:
            assert word == "RUN"
            subprocess.run(["sh", "-c", rest], cwd=source, env=clean, check=True, timeout=600)
    installed = {"cwd": tmp_path, "env": clean, "check": True, "timeout": 60}
    serve = ["ellimaps", "serve", "--help"]
    for arguments in (
        ["ellimaps", "--version"],
        serve,
        ["dask", "--version"],
        ["ellimaps", "batch", "--help"],
    ):
        subprocess.run([environment / "bin" / arguments[0], *arguments[1:]], **installed)
    python = environment / "bin" / "python"
    subprocess.run(
        [python, "-c", "import ellimaps.ui.app, distributed, pyarrow, fastapi, uvicorn"], **installed
    )
    small = "--fovs 1 --size 96 96 --radius 8 15 --count 1 2"
    for line in (f"sample cells demo {small}", "cells detect demo --out out --workers 2"):
        subprocess.run([environment / "bin" / "ellimaps", *line.split()], **installed)
    assert (tmp_path / "out" / "experiments.csv").is_file()

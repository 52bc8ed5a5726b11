"""Builds every overlay and checks it against Kubernetes' schemas: `python -m deploy.kubernetes [--json]`.

Takes `kustomize` or `kubectl` from the PATH, and installs kubernetes-validate into an environment of its own below
var/. Exit status: 0 all valid; 1 something is wrong; 2 wrong call; 3 a tool could not be had.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.tools import TOOLS, ToolMissing, environment_of
from synckit.command import run_command

HERE = Path(__file__).resolve().parent
BUILT = TOOLS / "kubernetes"
PINS = HERE / "requirements.txt"
SCHEMAS = "1.37"
ROOTS = ("base", "overlays/single-node", "overlays/ha", "overlays/tls")
UNKNOWN = {"components/keda": "ScaledObject", "components/podmonitor": "PodMonitor"}
"""Optional parts of kinds that belong to operators: Kubernetes' schemas can't know them; no other may be unknown."""


@dataclass(frozen=True)
class Checked:
    """One overlay: how many resources it has, and what is wrong with them, a line each."""

    name: str
    resources: int
    wrong: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.kubernetes", description=__doc__)
    parser.add_argument("--json", action="store_true", help="for programs")
    wants = parser.parse_args(arguments)
    try:
        python, builder = environment_of(PINS, "kubernetes-validate") / "python", _builder()
        checked = [_check(name, python, builder) for name in (*ROOTS, *UNKNOWN)]
    except ToolMissing as missing:
        sys.stderr.write(f"{missing}\n")
        return 3
    report = json.dumps([asdict(each) for each in checked]) if wants.json else "\n".join(map(_line, checked))
    sys.stdout.write(f"{report}\n")
    return 1 if any(each.wrong for each in checked) else 0


def _line(checked: Checked) -> str:
    state = "ok" if not checked.wrong else "WRONG"
    return "\n  ".join((f"{state:6}{checked.name}  {checked.resources} resources", *checked.wrong))


def _check(name: str, python: Path, builder: list[str]) -> Checked:
    folder = HERE / name
    if name in UNKNOWN:
        folder = BUILT / name
        folder.mkdir(parents=True, exist_ok=True)
        # kustomize takes relative paths alone.
        up = "../" * len(folder.relative_to(HERE.parents[1]).parts)
        (folder / "kustomization.yaml").write_text(
            f"resources: [{up}deploy/kubernetes/base]\ncomponents: [{up}deploy/kubernetes/{name}]\n"
        )
    built = _run([*builder, str(folder)])
    if built.returncode:
        return Checked(name, 0, (built.stderr.strip(),))
    file = BUILT / f"{name.replace('/', '-')}.yaml"
    BUILT.mkdir(parents=True, exist_ok=True)
    file.write_text(built.stdout)
    command = [str(python), "-m", "kubernetes_validate", "--strict", "-k", SCHEMAS, str(file)]
    said = _run(command)
    lines = [line for line in (said.stdout + said.stderr).splitlines() if line.strip() and not line.startswith("INFO")]
    # The tool ends with 0 where it does not know a kind: a misspelt one would pass.
    expected = UNKNOWN.get(name)
    wrong = [line for line in lines if not (expected and expected in line and "WARN" in line)]
    if said.returncode and not wrong:
        wrong = [f"kubernetes-validate ended with {said.returncode}"]
    return Checked(name, built.stdout.count("\nkind: "), tuple(wrong))


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    # Each word is ours or a path of this checkout; no shell reads it.
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603


def _builder() -> list[str]:
    if found := shutil.which("kustomize"):
        return [found, "build"]
    if found := shutil.which("kubectl"):
        return [found, "kustomize"]
    raise ToolMissing(
        "neither kustomize nor kubectl is on the PATH; `go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.1` makes one"
    )


if __name__ == "__main__":
    run_command(main)

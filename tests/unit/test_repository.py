"""What holds for the repository as a whole: names, sizes, locks, and nothing of anyone's machine in it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGES = ["features", "rules", "models", "explain", "serving"]
LOCKS = {
    "requirements.lock": ["dev"],
    "requirements-us-data.lock": ["us-data"],
    "requirements-spark.lock": ["spark"],
}
MOST_LINES = 500
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
NOT_OURS = {".git", ".venv", ".hypothesis", "var", "dist", "build"}

# Not preceded by a letter or a dot, so that the address of a law may hold such a word.
MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:root|home|work|farm|mnt|Users)/\w|[A-Z]:\\Users\\")
# `emit…` are the options that keep addresses out of a lock.
DOWNLOAD_ADDRESS = re.compile(
    r"(?<!emit.)(?:index[-_]url|find[-_]links)"
    r'|"resolved":\s*"http'
    r"|(?:pypi\.(?:org|python\.org)|pythonhosted\.org|registry\.(?:npmjs|yarnpkg)\.\w+)"
    r"|(?:mirrors?|pypi)\.\w+\.(?:com|cn|edu\.cn|net)/(?:pypi|simple)",
    re.IGNORECASE,
)
LOCKED = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[\w.!+]+)(?: ; [^\\]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")


def test_no_module_is_longer_than_500_lines(repository: Path) -> None:
    lengths = {path: len(read(repository, path).splitlines()) for path in python_files(repository)}
    assert {str(path): n for path, n in lengths.items() if n > MOST_LINES} == {}


def test_every_module_and_folder_has_a_name_that_says_something(repository: Path) -> None:
    words = {path: set(re.split(r"[_/.]", path.as_posix())) for path in python_files(repository)}
    assert [str(path) for path, parts in words.items() if parts & NAMES_THAT_SAY_NOTHING] == []


def test_no_file_names_a_path_on_someones_machine(repository: Path) -> None:
    assert list(lines_with(MACHINE_PATH, repository)) == []


def test_no_file_names_an_address_to_download_packages_from(repository: Path) -> None:
    assert list(lines_with(DOWNLOAD_ADDRESS, repository)) == []


@pytest.mark.parametrize(
    "line",
    [
        f"read {Path('/') / 'home' / 'me' / 'facts.csv'}",
        f"--{'index'}-url https://example.org/simple",
        f"{'find'}_links = wheels",
        f'"{"resolved"}": "https://example.org/x.tgz"',
        f"https://files.{'pythonhosted'}.org/packages/x.whl",
    ],
)
def test_a_path_or_an_address_would_be_found(line: str) -> None:
    assert MACHINE_PATH.search(line) or DOWNLOAD_ADDRESS.search(line)


@pytest.mark.parametrize("line", ["source: https://www.gz.gov.cn/home/2025/notice.html", "emit_index_url = false"])
def test_a_citation_and_a_switched_off_option_are_allowed(line: str) -> None:
    assert not MACHINE_PATH.search(line)
    assert not DOWNLOAD_ADDRESS.search(line)


def test_every_init_holds_a_docstring_and_nothing_else(repository: Path) -> None:
    inits = [p for p in python_files(repository) if p.name == "__init__.py" and p.parts[0] in PACKAGES]
    assert {p.parts[0] for p in inits} == set(PACKAGES)
    bodies = {path: ast.parse(read(repository, path)) for path in inits}
    more = [path for path, tree in bodies.items() if len(tree.body) != 1 or not ast.get_docstring(tree)]
    assert more == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_typed_and_has_its_errors(repository: Path, package: str) -> None:
    assert (repository / package / "py.typed").is_file()
    assert (repository / package / "errors.py").is_file()


def test_every_tool_is_told_of_the_same_five_packages(repository: Path) -> None:
    project = tomllib.loads(read(repository, Path("pyproject.toml")))
    tool = project["tool"]
    assert tool["hatch"]["build"]["targets"]["wheel"]["packages"] == PACKAGES
    assert tool["mypy"]["packages"] == [*PACKAGES, "tests"]
    assert tool["ruff"]["lint"]["isort"]["known-first-party"] == PACKAGES
    assert tool["coverage"]["run"]["source_pkgs"] == PACKAGES
    assert tool["importlinter"]["root_packages"] == PACKAGES


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_versions_and_hashes_and_nothing_else(repository: Path, lock: str) -> None:
    lines = [line for line in read(repository, Path(lock)).splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if not LOCKED.fullmatch(line) and not HASH.fullmatch(line)] == []
    without_hash = [
        line
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
        if LOCKED.fullmatch(line) and not HASH.fullmatch(following)
    ]
    assert without_hash == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_satisfies_the_project(repository: Path, lock: str) -> None:
    project = tomllib.loads(read(repository, Path("pyproject.toml")))["project"]
    wanted = [*(project["dependencies"] if "dev" in LOCKS[lock] else [])]
    for extra in LOCKS[lock]:
        wanted += project["optional-dependencies"][extra]
    locked = {m["name"]: m["version"] for m in LOCKED.finditer(read(repository, Path(lock)))}
    requirements = [Requirement(text) for text in wanted]
    assert [
        str(requirement)
        for requirement in requirements
        if not requirement.specifier.contains(locked.get(canonicalize_name(requirement.name), "0"))
    ] == []


@pytest.mark.long
def test_the_wheel_works_alone_in_a_fresh_environment(repository: Path, tmp_path: Path) -> None:
    built, environment, elsewhere = (tmp_path / name for name in ("built", "environment", "elsewhere"))
    elsewhere.mkdir()
    pip = ["-I", "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(built), str(repository)]
    run([sys.executable, *pip, *build])
    (wheel,) = built.glob("applyfree-*.whl")

    assert wheel_names(wheel) >= package_data(repository)
    assert any(name.startswith("rules/catalogue/") for name in wheel_names(wheel))
    assert any(name.startswith("features/facts/dictionary/") for name in wheel_names(wheel))

    venv.create(environment, with_pip=True)
    python = str(environment / "bin" / "python")
    lock = str(repository / "requirements.lock")
    run([python, *pip, "install", "--require-hashes", "--only-binary", ":all:", "-r", lock])
    run([python, *pip, "install", "--no-deps", str(wheel)])

    assert "evaluate" in run([str(environment / "bin" / "applyfree"), "--help"], elsewhere)
    owners = (
        f"import importlib.metadata as m; d = m.packages_distributions(); print([d.get(name) for name in {PACKAGES}])"
    )
    assert run([python, "-I", "-c", owners], elsewhere).strip() == str([["applyfree"]] * len(PACKAGES))


def run(command: list[str], folder: Path | None = None) -> str:
    """Run a command that must succeed; what it printed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def wheel_names(wheel: Path) -> set[str]:
    """What is in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def package_data(repository: Path) -> set[str]:
    """Every file of the five packages, code or data."""
    return {path.as_posix() for path in files(repository) if path.parts[0] in PACKAGES}


def python_files(repository: Path) -> list[Path]:
    """Every Python module, relative to the repository."""
    return [path for path in files(repository) if path.suffix == ".py"]


def lines_with(pattern: re.Pattern[str], repository: Path) -> Iterator[str]:
    """Each `file:line` of a text file in which the pattern is found."""
    for path in files(repository):
        try:
            text = read(repository, path)
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if pattern.search(line):
                yield f"{path}:{number}"


def read(repository: Path, path: Path) -> str:
    """The text of one file."""
    return (repository / path).read_text(encoding="utf-8")


def files(repository: Path) -> list[Path]:
    """The files of the repository: what git holds; without git, what no tool made."""
    command = ["git", "ls-files", "-z"]
    try:
        listed = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        found = [path.relative_to(repository) for path in repository.rglob("*") if path.is_file()]
        return sorted(
            path for path in found if path.parts[0] not in NOT_OURS and not any("cache" in part for part in path.parts)
        )
    paths = map(Path, listed.rstrip("\0").split("\0"))
    return sorted(path for path in paths if (repository / path).is_file())

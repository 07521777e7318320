"""`python -m benchmarks.policyengine`: write facts, run both engines, print agreement and speed, write JSON."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import polars as pl

# Both engines compute on one thread: what is compared is processor time.
os.environ.setdefault("POLARS_MAX_THREADS", "1")  # noqa: TID251 - Polars reads it when it starts its threads

from benchmarks.policyengine.agreement import by_benefit, compare, differences
from benchmarks.policyengine.ours import run_ours
from benchmarks.policyengine.peer import run_peer, set_up
from benchmarks.policyengine.peer_facts import write_peer_facts
from features.cps.tables import cps_tables
from rules.catalogue import load_catalogue
from rules.rulebook import Rulebook

CATALOGUE = Path(__file__).parents[2] / "rules" / "catalogue" / "us"
ENVIRONMENT = Path(__file__).parents[2] / "var" / "policyengine"
WARM_UP_HOUSEHOLDS = 500


def main() -> int:
    """Run the comparison; 1 where it cannot be run."""
    options = _options()
    python = (
        options.python or set_up(ENVIRONMENT) if options.setup or options.python else ENVIRONMENT / "bin" / "python"
    )
    if not Path(python).exists():
        print("There is no policyengine environment. Make it with --setup, or name one with --python.", file=sys.stderr)
        return 1
    on_date = dt.date.fromisoformat(f"{options.month}-01")
    rulebook = load_catalogue(CATALOGUE).rulebook
    assert rulebook is not None
    try:
        tables = cps_tables(options.households, options.seed, on_date, birthdays_passed=True)
    except PackageNotFoundError:
        print("The survey's data package is not installed (`make demo` installs it).", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        write_peer_facts(Path(folder), tables, on_date)
        try:
            peer = run_peer(Path(python), Path(folder), options.month, Path(folder) / "answers.parquet")
        except subprocess.CalledProcessError as error:
            print(f"policyengine failed with status {error.returncode}.", file=sys.stderr)
            return 1
    _warm_up(rulebook, on_date)
    ours = run_ours(rulebook, tables, on_date)
    compared = compare(ours.answers, peer.answers)
    households = tables["household"].height
    speed = {
        "ours_seconds": ours.seconds,
        "peer_seconds": peer.benefit_seconds,
        "peer_process_seconds": peer.process_seconds,
        "ours_milliseconds_per_household": 1000 * ours.seconds / households,
        "peer_milliseconds_per_household": 1000 * peer.benefit_seconds / households,
        "ratio": peer.benefit_seconds / ours.seconds,
        "ratio_of_processes": peer.process_seconds / ours.seconds,
    }
    table, differing = by_benefit(compared), differences(compared, tables, on_date)
    _show(table, differing, speed, households)
    result = {
        "households": households,
        "persons": tables["person"].height,
        "seed": options.seed,
        "month": options.month,
        "agreement": table.to_dicts(),
        "speed": speed,
        "peer": peer.report,
        "differences": differing.to_dicts(),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    print(f"Written: {os.path.relpath(options.out)}")
    return 0


def _warm_up(rulebook: Rulebook, on_date: dt.date) -> None:
    """Let the libraries load and the plans compile before the clock runs."""
    run_ours(rulebook, cps_tables(WARM_UP_HOUSEHOLDS, 0, on_date), on_date)


def _show(table: pl.DataFrame, differing: pl.DataFrame, speed: dict[str, float], households: int) -> None:
    with pl.Config(tbl_rows=200, tbl_cols=20, tbl_width_chars=160, tbl_hide_dataframe_shape=True, float_precision=5):
        print(table)
        if differing.height:
            print(differing.group_by("benefit", "cause").len().sort("benefit", "cause"))
            print(differing)
    print(
        f"{households:,} households. "
        f"Processor time per household: ours {speed['ours_milliseconds_per_household']:.4f} ms, "
        f"policyengine {speed['peer_milliseconds_per_household']:.4f} ms (benefits alone), ratio {speed['ratio']:.1f}; "
        f"with its start-up, ratio {speed['ratio_of_processes']:.1f}."
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.policyengine", description=__doc__)
    parser.add_argument("--households", type=int, default=25_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--month", default="2025-03", help="year and month of the question")
    parser.add_argument("--python", type=Path, help="the Python of an environment that has policyengine-us")
    parser.add_argument("--setup", action="store_true", help="make that environment first, from pinned versions")
    parser.add_argument("--out", type=Path, default=Path("var/policyengine_agreement.json"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""Compute the ledger rows of a study anew in the checkout that this is started in: ``python ledger_rows.py STUDY``.

First the central row of each table that a band stage writes, which replaces the one that is there; then of every
notebook the statements, and those only, that its fitted values and its ledger rows come from. All is written to the
checkout, where a notebook reads what those before it wrote.
"""

import ast
import os
import sys
from pathlib import Path

import nbformat
import pandas as pd

from bcopt.compendium import files, ledger
from bcopt.compendium.parameters import read_parameters
from bcopt.compendium.paths import STAGING
from bcopt.compendium.protocol import read_protocol
from bcopt.compendium.runner import stage_parameters
from bcopt.studies import frontiers2022, systems2024

PUBLISHED = {"derived", "ledger"}
"""Methods of the page that are called for what they publish."""
CENTRAL = "central"


def bound(statement):
    """Return the names that a statement binds, or binds items of."""
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {alias.asname or alias.name for alias in statement.names}
    assigned = (each for each in ast.walk(statement) if isinstance(each, ast.Assign))
    targets = (target for each in assigned for target in each.targets)
    return {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}


def read(statement):
    """Return the names that a statement reads, but for those of its comprehensions."""
    names = [each for each in ast.walk(statement) if isinstance(each, ast.Name)]
    inner = (each.target for each in ast.walk(statement) if isinstance(each, ast.comprehension))
    own = {name.id for target in inner for name in ast.walk(target) if isinstance(name, ast.Name)}
    return {name.id for name in names if isinstance(name.ctx, ast.Load)} - own


def publishes(statement):
    """Return whether a statement is a call of one of the methods of :data:`PUBLISHED`."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in PUBLISHED


def needed(notebook):
    """Return the statements of a notebook that what it publishes needs, in their order."""
    cells = nbformat.read(notebook, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code" and "parameters" not in cell.metadata.get("tags", [])]
    kept, wanted = [], set()
    for statement in reversed([statement for cell in code for statement in ast.parse(cell.source).body]):
        if publishes(statement) or bound(statement) & wanted:
            kept.append(statement)
            wanted |= read(statement)
    return ast.Module(kept[::-1], [])


def replace_central(root, table, rows):
    """Write the rows of the central scenario in place of those of a table in data/derived."""
    path, beside = root / "data" / "derived" / table, root / table
    files.write_table(beside, rows[rows["scenario"] == CENTRAL])
    old, new = (pd.read_csv(each, dtype=str, keep_default_na=False) for each in (path, beside))
    at = old.index[old["scenario"] == CENTRAL]
    old.loc[at, list(new)] = new.to_numpy()
    old.to_csv(path, index=False, lineterminator="\n")


def central_rows_of_systems2024(root):
    """Fit the central scenario of section 3 and replace its rows in the tables of the band."""
    study, protocol = systems2024, read_protocol(root)["systems2024"]
    alone = {name: choice.model_copy(update={"alternatives": ()}) for name, choice in protocol.choices.items()}
    given, (loads, variants, _) = study.inputs.load(root), study.analysis.read_results(root=root)
    middle = study.scenario.central(protocol, given, read_parameters(root).systems2024.model_dump())
    settled = protocol.model_copy(update={"choices": alone})
    only = variants.sel(variant=[CENTRAL])
    fitted, found = study.band.sweep(settled, middle, loads, only, given, ledger.read_claims(root))
    replace_central(root, study.fits.TABLE, fitted)
    for section, table in found.items():
        replace_central(root, study.band.table_of(section), table)


def central_rows_of_frontiers2022(root):
    """Fit the central scenario of section 4 and replace its row in the table of the band."""
    study, protocol = frontiers2022, read_protocol(root)["frontiers2022"]
    given = study.inputs.load(root)
    middle = study.scenario.central(protocol, given, read_parameters(root).frontiers2022.model_dump())
    wanted = study.fits.printed(ledger.read_claims(root))
    found = study.band.sweep({CENTRAL: middle}, study.simulation.read(root), given, wanted)
    replace_central(root, study.band.TABLE, found)


CENTRAL_ROWS = {"systems2024": central_rows_of_systems2024, "frontiers2022": central_rows_of_frontiers2022}


def main(study):
    """Compute the rows of a study."""
    root = Path.cwd()
    os.environ[STAGING] = str(root)
    if study in CENTRAL_ROWS:
        CENTRAL_ROWS[study](root)
    for notebook in sorted((root / "notebooks" / study).glob("*.ipynb")):
        stage = f"{study}/{notebook.stem}"
        exec(compile(needed(notebook), stage, "exec"), stage_parameters(notebook, study, root))


if __name__ == "__main__":
    main(sys.argv[1])

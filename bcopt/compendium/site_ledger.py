"""The ledger as a page that sorts and filters, plain HTML where scripts are off."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path

import pandas as pd

from bcopt.compendium.ledger import CLASSES, COLUMNS, VERDICTS
from bcopt.compendium.report import COLOURS

PAGE = "ledger-table.md"
LEDGER = "results/ledger.csv"
SHOWN = {
    "id": "id", "paper": "study", "locator": "section", "statement": "statement", "unit": "unit", "printed": "printed",
    "reproduced": "reproduced", "deviation": "deviation", "tolerance": "tolerance", "class": "class",
    "verdict": "verdict", "band": "band", "note": "note",
}  # fmt: skip
"""Columns of the ledger, with the names that a reader sees."""

_NUMBERS = ("printed", "reproduced", "deviation")
_EXPORT = re.compile(r"export\s*\{([^}]*)\}\s*;")
_PAGE = """# Ledger table

Every claim of the three studies. Click a heading to sort, choose a study, class or verdict, or search in all columns.
The arrow opens a row's band and note; the id leads to its notebook. The same rows as a file: [ledger.csv]({ledger}).

```{{raw}} html
{table}
```
"""


def text(root: Path, notebooks: Mapping[str, str]) -> str:
    """Return the page of the ledger.

    Parameters
    ----------
    root : Path
        Project with results/ledger.csv.
    notebooks : mapping of str to str
        The address of each notebook's page by ``study/name``.

    Raises
    ------
    ValueError
        If the ledger lacks columns, naming them.
    """
    ledger = _read(root)
    head = "".join(f'<th scope="col">{name}</th>' for name in SHOWN.values())
    rows = "\n".join(_row({str(k): v for k, v in row.items()}, notebooks) for row in ledger.to_dict("records"))
    table = (
        '<link rel="stylesheet" href="_static/datatables.css">\n'
        f'<div class="ledger-filters" hidden>{"".join(_filters(ledger))}</div>\n'
        f'<div class="ledger-box"><table id="ledger" class="ledger"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>\n"
        '<script src="_static/datatables.js"></script>\n<script src="_static/ledger-table.js"></script>'
    )
    return _PAGE.format(ledger=LEDGER, table=table)


def addresses(root: Path) -> dict[str, str]:
    """Return the address of each claim's row by its id, where there is a ledger."""
    if not (root / LEDGER).is_file():
        return {}
    return {name: f"{PAGE.removesuffix('.md')}.html#{name}" for name in _read(root)["id"]}


def vendor(static: Path) -> None:
    """Write DataTables, from the package itables, as a script and a style that pages load without a server.

    The package carries a module, which browsers refuse to load from a file: its exports become one global object.
    """
    package = Path(str(files("itables"))) / "html"
    module = (package / "dt_bundle.js").read_text(encoding="utf-8")
    script, exports = _EXPORT.subn(_as_global, module)
    if exports != 1:
        raise ValueError(f"itables: dt_bundle.js has {exports} lists of exports, expected one")
    (static / "datatables.js").write_text(f"(() => {{{script}\n}})();\n", encoding="utf-8")
    (static / "datatables.css").write_bytes((package / "dt_bundle.css").read_bytes())


def _read(root: Path) -> pd.DataFrame:
    ledger = pd.read_csv(root / LEDGER, dtype=str, keep_default_na=False)
    missing = [name for name in COLUMNS if name not in ledger]
    if missing:
        raise ValueError(f"{LEDGER}: no column {', '.join(missing)}")
    return ledger


def _as_global(exports: re.Match[str]) -> str:
    pairs = (entry.split(" as ") for entry in exports[1].split(","))
    return f"globalThis.itables={{{','.join(f'{json.dumps(pair[-1].strip())}:{pair[0].strip()}' for pair in pairs)}}};"


def _filters(ledger: pd.DataFrame) -> list[str]:
    """Return a list to choose from for study, class and verdict, with the number of rows of each."""
    orders = {"paper": dict.fromkeys(ledger["paper"]), "class": CLASSES, "verdict": VERDICTS}
    lists = []
    for name, order in orders.items():
        counts = ledger[name].value_counts()
        options = "".join(
            f'<option value="{escape(value)}">{escape(value)} ({counts[value]})</option>'
            for value in order
            if value in counts
        )
        lists.append(
            f'<label>{SHOWN[name]} <select data-column="{SHOWN[name]}"><option value="">all ({len(ledger)})</option>'
            f"{options}</select></label>"
        )
    search = '<label class="ledger-search">search <input type="search" placeholder="in all columns"></label>'
    return [*lists, search, '<button type="button" class="ledger-notes" aria-pressed="false">all notes</button>']


def _row(row: Mapping[str, str], notebooks: Mapping[str, str]) -> str:
    cells = "".join(_cell(name, row[name], notebooks.get(row["notebook"])) for name in SHOWN)
    return f'<tr id="{escape(row["id"])}">{cells}</tr>'


def _cell(name: str, value: str, address: str | None) -> str:
    shown = escape(value)
    if name == "id" and address is not None:
        shown = f'<a href="{escape(address)}">{shown}</a>'
    if name == "verdict":
        shown = f'<span class="verdict" style="--verdict: {COLOURS.get(value, "transparent")}">{shown}</span>'
    kind = ' class="number"' if name in _NUMBERS else ""
    return f'<td{kind} data-search="{escape(value)}">{shown}</td>'

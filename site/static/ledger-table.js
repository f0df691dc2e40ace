// The ledger sorts and filters; where scripts are off it stays the plain table that the page holds.
// An address may choose: ledger-table.html?verdict=missed&study=systems2024&search=storage
(() => {
  "use strict";
  const { default: DataTable, set_or_remove_dark_class: followTheme } = globalThis.itables;
  followTheme();

  // Numbers by size, texts and empty cells after them in both directions.
  const size = (text) => (text === "" ? NaN : Number(text.replaceAll(",", "")));
  const numbersFirst = (sign) => (a, b) => {
    const [x, y] = [size(a), size(b)];
    if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y);
    return sign * (x - y);
  };
  DataTable.type("number-first", { detect: () => false, order: { asc: numbersFirst(1), desc: numbersFirst(-1) } });

  const heads = [...document.querySelectorAll("#ledger thead th")].map((head) => head.textContent);
  const at = (...names) => names.map((name) => heads.indexOf(name));
  const table = new DataTable("#ledger", {
    paging: false,
    order: [],
    autoWidth: false,
    layout: { topStart: "info", topEnd: null, bottomStart: null, bottomEnd: null },
    language: { info: "_TOTAL_ rows", infoEmpty: "0 rows", infoFiltered: "of _MAX_", zeroRecords: "No row fits." },
    columnDefs: [
      { targets: at("printed", "reproduced", "deviation", "tolerance"), type: "number-first" },
      { targets: at("band", "note"), visible: false },
    ],
  });

  // What a row has beyond the columns opens below it.
  const details = (row) => {
    const list = document.createElement("dl");
    for (const name of ["band", "note"]) {
      const text = row.data()[heads.indexOf(name)]["@data-search"];
      if (text) list.append(
        Object.assign(document.createElement("dt"), { textContent: name }),
        Object.assign(document.createElement("dd"), { textContent: new DOMParser().parseFromString(text, "text/html").body.textContent }),
      );
    }
    return list.children.length ? list : null;
  };
  const open = (row, shown) => {
    const button = row.node().querySelector("button.ledger-more");
    if (!button) return;
    if (shown) row.child(details(row), "ledger-details").show(); else row.child.hide();
    button.setAttribute("aria-expanded", shown);
  };
  table.rows().every(function () {
    if (!details(this)) return;
    const button = document.createElement("button");
    button.className = "ledger-more";
    button.type = "button";
    button.title = "band and note";
    button.setAttribute("aria-label", "band and note");
    button.setAttribute("aria-expanded", "false");
    button.addEventListener("click", () => open(this, !this.child.isShown()));
    this.node().cells[0].prepend(button);
  });

  const filters = document.querySelector(".ledger-filters");
  const asked = new URLSearchParams(location.search);
  for (const list of filters.querySelectorAll("select")) {
    const column = table.column(heads.indexOf(list.dataset.column));
    const choose = () => column.search(list.value ? `^${DataTable.util.escapeRegex(list.value)}$` : "", true, false).draw();
    list.addEventListener("change", choose);
    if (asked.has(list.dataset.column)) {
      list.value = asked.get(list.dataset.column);
      choose();
    }
  }
  const search = filters.querySelector("input");
  search.addEventListener("input", () => table.search(search.value).draw());
  if (asked.has("search")) {
    search.value = asked.get("search");
    table.search(search.value).draw();
  }
  const notes = filters.querySelector(".ledger-notes");
  notes.addEventListener("click", () => {
    const shown = notes.getAttribute("aria-pressed") !== "true";
    notes.setAttribute("aria-pressed", shown);
    table.rows().every(function () { open(this, shown); });
  });
  filters.hidden = false;

  // An address that names a claim, ledger-table.html#S-3.3-co2, shows its row and opens it.
  const named = () => {
    const node = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!node || !node.matches("#ledger tbody tr")) return;
    open(table.row(node), true);
    node.scrollIntoView({ block: "center" });
  };
  addEventListener("hashchange", named);
  named();
})();

// The table of installations: sorts, filters and pages the rows that the page
// carries as JSON. What a row holds comes from the network: it is written with
// textContent and nothing else.
"use strict";
(() => {
  const PAGE = 100;
  const SEVERITIES = ["none", "info", "notice", "warning", "error", "critical"];
  const element = (id) => document.getElementById(id);

  const rows = JSON.parse(element("rows").textContent);
  const table = element("table");
  const heads = [...table.tHead.rows[0].cells];
  const kinds = heads.map((head) => head.dataset.kind);
  const SEVERITY = kinds.indexOf("severity");
  const FINDINGS = kinds.indexOf("list");
  const STATE = kinds.indexOf("state");
  const PLACE = heads.length;
  // A column without any value, such as owners where none are known, only
  // pushes others out of sight.
  const used = heads.map((_, column) =>
    rows.length === 0 || rows.some((row) => row[column] !== null && row[column] !== ""));

  let sorted = { column: SEVERITY, descending: true };
  let listed = rows;
  let page = 0;

  // What a row's text filter looks in, made when first asked for.
  const haystacks = new Map();
  const haystack = (row) => {
    let text = haystacks.get(row);
    if (text === undefined) {
      text = row.slice(1, PLACE).flat().join("\n").toLowerCase();
      haystacks.set(row, text);
    }
    return text;
  };

  const key = (row, column) => {
    switch (kinds[column]) {
      case "order": return row[PLACE];
      case "list": return row[column].join(" ");
      default: return row[column];
    }
  };

  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

  // Rows without a value come last whichever way the column is sorted.
  const compare = (column, descending) => (one, other) => {
    const a = key(one, column), b = key(other, column);
    const absentA = a === null || a === "", absentB = b === null || b === "";
    if (absentA || absentB) {
      return absentA - absentB || one[PLACE] - other[PLACE];
    }
    const order = typeof a === "number" ? a - b : collator.compare(a, b);
    return (descending ? -order : order) || one[PLACE] - other[PLACE];
  };

  const wanted = () => {
    const words = element("words").value.toLowerCase().split(/\s+/).filter(Boolean);
    const severity = Number(element("severity").value);
    const finding = element("finding").value;
    const state = element("state").value;
    return (row) =>
      row[SEVERITY] >= severity &&
      (finding === "" || row[FINDINGS].includes(finding)) &&
      (state === "" || row[STATE] === state) &&
      words.every((word) => haystack(row).includes(word));
  };

  const cell = (row, column) => {
    const td = document.createElement("td");
    td.hidden = !used[column];
    if (kinds[column] === "severity") {
      const word = SEVERITIES[row[column]];
      const mark = document.createElement("span");
      mark.className = "mark " + word;
      mark.textContent = word;
      td.append(mark);
      return td;
    }
    const value = kinds[column] === "list" ? row[column].join(", ") : row[column];
    td.textContent = value === null ? "" : String(value);
    if (kinds[column] === "number") {
      td.className = "number";
    } else if (td.textContent.length > 24) {
      td.title = td.textContent;
    }
    return td;
  };

  const show = () => {
    const pages = Math.max(1, Math.ceil(listed.length / PAGE));
    page = Math.min(Math.max(page, 0), pages - 1);
    const from = page * PAGE;
    const lines = listed.slice(from, from + PAGE).map((row) => {
      const tr = document.createElement("tr");
      tr.append(...heads.map((_, column) => cell(row, column)));
      return tr;
    });
    table.tBodies[0].replaceChildren(...lines);
    heads.forEach((head, column) => {
      head.hidden = !used[column];
      const order = sorted.descending ? "descending" : "ascending";
      head.setAttribute("aria-sort", column === sorted.column ? order : "none");
    });
    const number = (count) => count.toLocaleString("en");
    const last = from + lines.length;
    const range = lines.length === 0 ? "No row" : `Rows ${number(from + 1)} to ${number(last)}`;
    const of = listed.length === rows.length ? "" : `, filtered from ${number(rows.length)}`;
    element("status").textContent = `${range} of ${number(listed.length)}${of}`;
    element("first").disabled = element("previous").disabled = page === 0;
    element("next").disabled = element("last").disabled = page === pages - 1;
  };

  const list = () => {
    listed = rows.filter(wanted()).sort(compare(sorted.column, sorted.descending));
    page = 0;
    show();
  };

  heads.forEach((head, column) => {
    head.firstElementChild.addEventListener("click", () => {
      const again = sorted.column === column;
      sorted = { column, descending: again ? !sorted.descending : kinds[column] === "severity" };
      list();
    });
  });

  let typing = 0;
  element("words").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(list, 150);
  });
  for (const id of ["severity", "finding", "state"]) {
    element(id).addEventListener("change", list);
  }
  const controls = element("controls");
  controls.addEventListener("submit", (event) => {
    event.preventDefault();
    list();
  });
  // A reset has not yet happened when it is told of.
  controls.addEventListener("reset", () => setTimeout(list));

  const turn = (id, to) => element(id).addEventListener("click", () => {
    page = to();
    show();
  });
  turn("first", () => 0);
  turn("previous", () => page - 1);
  turn("next", () => page + 1);
  turn("last", () => Infinity);

  table.hidden = controls.hidden = element("pages").hidden = false;
  show();
})();

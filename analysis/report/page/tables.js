// Tables: sort by a column, show the rows of a search and a category, keep the models of a name.
// Buttons are made here: without JavaScript they would be buttons that do nothing.
const LONG = 500; // rows; the names in longer tables are clicked, but are no buttons
const MODEL_COLUMNS = ["model", "label", "other model"];
const TASK_COLUMNS = ["category", "task", "name", "where"]; // by which the category of a row is known
const tables = [...document.querySelectorAll("main table")];
const searched = tables.filter((table) => table.closest("figure, #per-task"));

const textOf = (cell) => cell.textContent.trim();

function modelOf(text) {
  return ids.get(text) ?? (labels.has(text) || drawnModels.has(text) ? text : undefined);
}

function button(cell, name) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = name;
  made.append(...cell.childNodes);
  cell.append(made);
  return made;
}

function sortBy(table, heads, column) {
  const falling = heads[column].getAttribute("aria-sort") !== "descending";
  heads.forEach((head) => head.removeAttribute("aria-sort"));
  heads[column].setAttribute("aria-sort", falling ? "descending" : "ascending");
  const value = (row) => row.cells[column].dataset.sort ?? textOf(row.cells[column]);
  const compare = (a, b) => {
    const [first, second] = [value(a), value(b)];
    if (first === "" || second === "") return (first === "") - (second === "");
    const [x, y] = [Number(first), Number(second)];
    const order = Number.isNaN(x) || Number.isNaN(y) ? first.localeCompare(second) : x - y;
    return falling ? -order : order;
  };
  const body = table.tBodies[0];
  body.append(...[...body.rows].sort(compare));
}

for (const table of tables) {
  const heads = [...table.tHead.rows[0].cells];
  table.names = heads.map(textOf);
  const columns = table.names.flatMap((name, i) => (MODEL_COLUMNS.includes(name) ? [i] : []));
  heads.forEach((head, column) => {
    button(head, "sort").addEventListener("click", () => sortBy(table, heads, column));
    const model = modelOf(table.names[column]);
    if (model === undefined) return;
    head.dataset.model = model;
    const keep = document.createElement("button");
    keep.type = "button";
    keep.className = "keep";
    keep.setAttribute("aria-label", `Keep ${table.names[column]}`);
    keep.title = "Keep this model, dim the others in every figure";
    head.append(keep);
  });
  for (const row of table.tBodies[0].rows) {
    for (const column of columns) {
      const cell = row.cells[column];
      const model = modelOf(textOf(cell));
      if (model === undefined) continue;
      cell.dataset.model = model;
      if (table.tBodies[0].rows.length < LONG) button(cell, "name");
    }
  }
  table.addEventListener("click", (event) => {
    const cell = event.target.closest("[data-model]");
    if (cell && !event.target.closest(".sort, a")) toggle(cell.dataset.model);
  });
}

// Category of a row, by the first of its columns that tells; undefined if none does.
function categoryOf(row, names) {
  for (const name of TASK_COLUMNS) {
    const column = names.indexOf(name);
    if (column < 0) continue;
    const text = textOf(row.cells[column]);
    if (name === "category" && text) return text;
    if (categories.has(text)) return categories.get(text);
    if (isCategory(text)) return text;
  }
  return undefined;
}

listeners.push(() => {
  const words = chosen.search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [];
  for (const table of searched) {
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      const category = chosen.category && categoryOf(row, table.names);
      const text = words.length ? row.textContent.toLowerCase() : "";
      row.hidden = Boolean(category && category !== chosen.category) || !words.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    if (words.length && shown) found.push([table, shown]);
    table.names.forEach((name, column) => {
      const category = categories.get(name);
      const hidden = Boolean(category && chosen.category && category !== chosen.category);
      if (hidden === table.tHead.rows[0].cells[column].hidden) return;
      for (const row of table.rows) row.cells[column].hidden = hidden;
    });
    for (const cell of table.querySelectorAll("[data-model]")) {
      const kept = chosen.models.has(cell.dataset.model);
      cell.classList.toggle("kept", kept);
      cell.querySelector(".keep, .name")?.setAttribute("aria-pressed", kept);
    }
  }
  tellFound(words.length > 0, found);
});

// Say where the words were found, each table with a link.
function tellFound(isSearch, found) {
  const parts = found.map(([table, n]) => {
    const frame = table.parentElement;
    const link = document.createElement("a");
    link.href = `#${frame.closest("[id]").id}`;
    link.textContent = `${frame.getAttribute("aria-label").split(":")[0]} (${n})`;
    return link;
  });
  form.elements.found.replaceChildren(
    ...(isSearch ? [found.length ? "Rows: " : "No row"] : []),
    ...parts.flatMap((part, i) => (i ? [", ", part] : [part])),
  );
}
addEventListener("hashchange", follow);
follow();

"use strict";
// What a reader has chosen: models to keep, a category of tasks, words to search for. It stands in
// the address behind the place on the page: #figures/figure_9&model=logmel&category=music.
const known = JSON.parse(document.getElementById("known").textContent);
const labels = new Map(Object.entries(known.models)); // of the models of this run, by id
const ids = new Map([...labels].map(([id, label]) => [label, id]));
const categories = new Map(Object.entries(known.tasks)); // of tasks, by id and by name
const chosen = { models: new Set(), category: "", search: "" };
const form = document.getElementById("choice");
const chips = document.getElementById("kept");
const listeners = []; // called when the choice has changed

const isCategory = (text) => [...categories.values()].includes(text);

function toggle(model) {
  if (!chosen.models.delete(model)) chosen.models.add(model);
  changed();
}

function changed() {
  form.elements.category.value = chosen.category;
  if (form.elements.search.value !== chosen.search) form.elements.search.value = chosen.search;
  chips.replaceChildren(...[...chosen.models].map((model) => {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.textContent = `${labels.get(model) ?? model} ×`;
    chip.title = "Do not keep this model";
    chip.addEventListener("click", () => toggle(model));
    return chip;
  }));
  form.elements.all.hidden = !chosen.models.size && !chosen.category && !chosen.search;
  listeners.forEach((listener) => listener());
  writeAddress(readAddress().place);
}

function readAddress() {
  const parts = location.hash.slice(1).split("&");
  const place = parts[0].includes("=") ? "" : decodeURIComponent(parts.shift());
  return { place, choice: new URLSearchParams(parts.join("&")) };
}

function writeAddress(place) {
  const choice = new URLSearchParams([...chosen.models].map((model) => ["model", model]));
  for (const name of ["category", "search"]) if (chosen[name]) choice.set(name, chosen[name]);
  const hash = [place, choice.toString()].filter(Boolean).join("&");
  if (hash !== location.hash.slice(1)) history.replaceState(null, "", `#${hash}`);
}

// A link on the page keeps the choice; one that comes with a choice replaces it.
function follow() {
  const { place, choice } = readAddress();
  if (choice.size) {
    chosen.models = new Set(choice.getAll("model"));
    for (const name of ["category", "search"]) chosen[name] = choice.get(name) ?? "";
  }
  changed();
  const target = document.getElementById(place);
  if (!target) return;
  for (let box = target.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
  for (const box of target.querySelectorAll(":scope > details")) box.open = true;
  target.scrollIntoView();
}

for (const category of new Set(categories.values())) form.elements.category.add(new Option(category));
form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", () => {
  chosen.category = form.elements.category.value;
  chosen.search = form.elements.search.value;
  changed();
});
form.elements.all.addEventListener("click", () => {
  Object.assign(chosen, { models: new Set(), category: "", search: "" });
  changed();
});

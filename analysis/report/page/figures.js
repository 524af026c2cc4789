// Figures: what is under the pointer or the focus is told, other models than the chosen are dimmed.
const NEAR = { mouse: 6, pen: 10, touch: 18 }; // pixels from a point within which it is meant
const figures = [...document.querySelectorAll("figure svg")];
const marks = new Map(figures.map((figure) => [figure, [...figure.querySelectorAll("title")].map((title) => {
  const mark = title.parentElement;
  mark.told = title.textContent; // the browser would show a title beside ours
  title.remove();
  return mark;
})]));
const drawnModels = new Set([...marks.values()].flat().map((mark) => mark.dataset.model));
const tip = document.getElementById("tip");
let told = null;

function isDim(mark) {
  const { model, category, compared } = mark.dataset;
  const models = compared?.split("; ") ?? (model ? [model] : []); // a claim's, or one
  const place = categories.get(category) ?? category; // a claim's may be a task
  return Boolean((models.length && chosen.models.size && !models.some((id) => chosen.models.has(id)))
    || (chosen.category && isCategory(place) && place !== chosen.category));
}

listeners.push(() => {
  for (const mark of [...marks.values()].flat()) mark.classList.toggle("dim", isDim(mark));
});

function distance(mark, x, y) {
  const box = mark.getBoundingClientRect();
  return Math.hypot(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));
}

// The point that is meant, else the shape under the pointer, else the nearest one.
function markAt(figure, event) {
  const [x, y, near] = [event.clientX, event.clientY, NEAR[event.pointerType] ?? NEAR.mouse];
  const nearest = (among, limit) => among
    .filter((mark) => !isDim(mark))
    .map((mark) => [distance(mark, x, y), mark])
    .filter(([away]) => away <= limit)
    .sort((a, b) => a[0] - b[0])[0]?.[1];
  const all = marks.get(figure);
  const under = all.find((mark) => mark.contains(event.target));
  return nearest(all.filter((mark) => mark.localName === "use"), near) ?? under ?? nearest(all, near);
}

function tell(mark) {
  told?.classList.remove("told");
  told = mark ?? null;
  tip.hidden = !mark;
  if (!mark) return;
  mark.classList.add("told");
  tip.textContent = mark.told;
  placeTip();
}

function placeTip() {
  const box = told.getBoundingClientRect();
  const left = (box.left + box.right - tip.offsetWidth) / 2;
  const above = box.top - tip.offsetHeight - 10;
  tip.style.left = `${Math.max(4, Math.min(left, document.documentElement.clientWidth - tip.offsetWidth - 4))}px`;
  tip.style.top = `${above >= form.offsetHeight + 4 ? above : box.bottom + 10}px`;
}

for (const [figure, all] of marks) {
  if (!all.length) continue;
  figure.setAttribute("tabindex", 0);
  figure.setAttribute("role", "application");
  figure.setAttribute("aria-label", `${figure.getAttribute("aria-label")} Arrow keys go from mark to mark.`);
  const show = (event) => tell(markAt(figure, event));
  figure.addEventListener("pointermove", (event) => { if (event.pointerType !== "touch") show(event); });
  figure.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") tell(null); });
  figure.addEventListener("blur", () => tell(null));
  figure.addEventListener("click", (event) => {
    const mark = markAt(figure, event);
    const isName = mark && !mark.told.includes("\n");
    if (mark?.dataset.model && (isName || event.pointerType !== "touch")) toggle(mark.dataset.model);
    tell(mark);
  });
  figure.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const shown = all.filter((mark) => !isDim(mark));
    if (step && shown.length) {
      const place = shown.indexOf(told);
      tell(shown[place < 0 ? 0 : (place + step + shown.length) % shown.length]);
      told.scrollIntoView({ block: "nearest" });
    } else if ((event.key === "Enter" || event.key === " ") && told?.dataset.model) {
      toggle(told.dataset.model);
    } else if (event.key === "Escape") {
      tell(null);
    } else {
      return;
    }
    event.preventDefault();
  });
}
addEventListener("scroll", () => { if (told) placeTip(); }, { passive: true });
addEventListener("pointerdown", (event) => { if (!event.target.closest("figure svg")) tell(null); });

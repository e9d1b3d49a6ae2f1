(() => {
"use strict";
const all = (what, within = document) => [...within.querySelectorAll(what)];
const root = document.documentElement, live = document.getElementById("live");
// What is shown stands in the address: #x=leak-dropped&hide=a,b&family=leaks&verdict=better&theme=dark&sort=verdicts:1:up
let state = new URLSearchParams(location.hash.slice(1));
function put(name, value) {
  if (value) state.set(name, value); else state.delete(name);
  history.replaceState(null, "", "#" + decodeURIComponent(state));
}
function apply() {
  const hidden = (state.get("hide") || "").split(",").filter(Boolean), family = state.get("family") || "", verdict = state.get("verdict") || "";
  all("[data-stack]").forEach(each => { each.hidden = hidden.includes(each.dataset.stack); });
  all(".scenario").forEach(each => {
    each.hidden = (family && each.dataset.family !== family) || (verdict && !each.dataset.verdicts.split(",").includes(verdict));
  });
  all("[data-pair]").forEach(each => {
    const [a, b] = each.dataset.pair.split(" ");
    const other = name => each.dataset[name] && state.get(name) && each.dataset[name] !== state.get(name);
    each.hidden = other("family") || other("verdict") || hidden.includes(a) || hidden.includes(b);
  });
  const shown = new Set(all(".scenario").filter(each => !each.hidden).map(each => each.id));
  all("[data-of]").forEach(each => { each.hidden = !shown.has(each.dataset.of); });
  let of = "";  // a row without a name belongs to the one above it
  all("[data-rows-of-scenarios] tbody tr").forEach(each => {
    of = each.dataset.row ||= each.cells[0].textContent || of;
    each.hidden = !shown.has(of);
  });
  all("nav [name=stack]").forEach(each => { each.checked = !hidden.includes(each.value); });
  for (const name of ["family", "verdict", "theme", "x"]) all(`nav [name=${name}]`).forEach(each => { each.value = state.get(name) || ""; });
  if (state.get("theme")) root.dataset.theme = state.get("theme"); else delete root.dataset.theme;
  if (state.get("sort")) sortBy(...state.get("sort").split(":"));
  document.dispatchEvent(new Event("shown"));
}
function shown() {
  live.textContent = `${all(".scenario").filter(each => !each.hidden).length} scenarios shown`;
}
function go() {
  const section = document.getElementById(state.get("x") || "");
  if (!section) return;
  if (section.hidden) { put("family", ""); put("verdict", ""); apply(); }
  section.scrollIntoView();
  section.querySelector("h2").focus({ preventScroll: true });
}
function value(row, column) {
  const text = row.cells[column].textContent.trim(), found = text.replace("−", "-").match(/^[<>~]?\s*(-?[\d.]+)/);
  return found ? Number(found[1]) : text;
}
function sortBy(name, column, direction) {
  const table = all("table[data-sort]").find(each => each.dataset.sort === name);
  if (!table) return;
  const head = table.tHead.rows[0], body = table.tBodies[0], up = direction !== "down" ? 1 : -1;
  if (!head.cells[column]) return;
  all("th", head).forEach(each => each.removeAttribute("aria-sort"));
  head.cells[column].setAttribute("aria-sort", up > 0 ? "ascending" : "descending");
  const compare = (one, other) => {
    const a = value(one, column), b = value(other, column);
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return a < b ? -1 : a > b ? 1 : 0;
  };
  [...body.rows].sort((one, other) => up * compare(one, other)).forEach(row => body.append(row));
}
all("table[data-sort] thead th").forEach(each => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = each.textContent;
  each.replaceChildren(button);
  button.addEventListener("click", () => {
    const down = each.getAttribute("aria-sort") === "ascending";
    put("sort", `${each.closest("table").dataset.sort}:${each.cellIndex}:${down ? "down" : "up"}`);
    apply();
    live.textContent = `sorted by ${button.textContent}, ${down ? "descending" : "ascending"}`;
  });
});
document.addEventListener("change", event => {
  const field = event.target;
  if (!field.closest("nav")) return;
  if (field.name === "stack") put("hide", all("nav [name=stack]").filter(each => !each.checked).map(each => each.value).join(","));
  else put(field.name, field.value);
  apply();
  if (field.name === "x") go(); else shown();
});
document.addEventListener("click", event => {
  const link = event.target.closest('a[href^="#x="]');
  if (!link) return;
  event.preventDefault();
  put("x", decodeURIComponent(link.hash.slice(3)));
  apply();
  go();
});
addEventListener("hashchange", () => { state = new URLSearchParams(location.hash.slice(1)); apply(); go(); });
addEventListener("beforeprint", () => all("details").forEach(each => { each.open = true; }));
// Only a table that can be scrolled is a stop of the Tab key.
const reach = () => all(".scroll").forEach(each => { each.tabIndex = each.scrollWidth > each.clientWidth ? 0 : -1; });
addEventListener("resize", reach);
document.addEventListener("toggle", reach, true);
document.addEventListener("shown", reach);
apply();
go();
})();

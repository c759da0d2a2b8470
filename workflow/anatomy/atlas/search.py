"""What the search box of an atlas does. The list of what can be found is a script, too: from the disk, pages cannot
read other files."""

SCRIPT = r"""
"use strict";
const form = document.getElementById("search");
const field = form.elements.find;
const found = document.getElementById("found");
const { root } = form.dataset;
const MOST = 12;
const entries = CONTENTS.map(([kind, name, further, address, picture], place) => ({
  kind, name, further, address, picture, place,
  text: `${kind} ${name} ${further}`.toLowerCase(),
  words: new Set(name.toLowerCase().split(/[^\p{L}\p{N}]+/u)),
}));

// A number means a whole number in the name itself, other text any part of name, concept or super-category; all that
// is written must be there. What is called exactly so comes first, units by their number before others.
const has = (entry, part) => (/^\d+$/.test(part) ? entry.words.has(part) : entry.text.includes(part));
function rank({ name }, wanted) {
  const own = name.toLowerCase();
  if (own === wanted) return 0;
  if (own.startsWith(wanted)) return 1;
  if (own.includes(wanted)) return 2;
  return own.split(" ").at(-1) === wanted.split(" ").at(-1) ? 3 : 4;
}
function matching(text) {
  const wanted = text.toLowerCase().trim().replace(/\s+/g, " ");
  const parts = wanted.split(/[\s,]+/).filter(Boolean);
  if (!parts.length) return [];
  return entries
    .filter((entry) => parts.every((part) => has(entry, part)))
    .map((entry) => [rank(entry, wanted), entry.place, entry])
    .sort((a, b) => a[0] - b[0] || a[1] - b[1])
    .map(([, , entry]) => entry);
}

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
function item(entry, number) {
  const link = element("a", "", { href: root + entry.address, tabindex: -1 });
  const picture = entry.picture ? element("img", "", { src: root + entry.picture, alt: "" }) : element("i", "");
  const words = element("span", entry.name);
  if (entry.further) words.append(document.createElement("br"), element("small", entry.further));
  link.append(picture, words, element("small", entry.kind));
  const line = element("li", "", { role: "option", id: `found-${number}`, "aria-selected": "false" });
  line.append(link);
  return line;
}

let chosen = -1;
function choose(number) {
  const items = [...found.querySelectorAll("li")];
  if (!items.length) return;
  chosen = (number + items.length) % items.length;
  items.forEach((one, place) => one.setAttribute("aria-selected", String(place === chosen)));
  items[chosen].scrollIntoView({ block: "nearest" });
  field.setAttribute("aria-activedescendant", items[chosen].id);
}
function show() {
  const all = matching(field.value);
  const shown = all.slice(0, MOST);
  found.replaceChildren(...shown.map(item));
  if (all.length > MOST) found.append(element("p", `and ${all.length - MOST} more`));
  if (!all.length) found.append(element("p", "Nothing is called so."));
  found.hidden = !field.value.trim();
  field.setAttribute("aria-expanded", String(!found.hidden));
  field.removeAttribute("aria-activedescendant");
  chosen = -1;
}
function hide() {
  found.hidden = true;
  field.setAttribute("aria-expanded", "false");
}

field.addEventListener("input", show);
field.addEventListener("focus", show);
form.addEventListener("focusout", (event) => form.contains(event.relatedTarget) || hide());
found.addEventListener("mousedown", (event) => event.preventDefault());
form.addEventListener("submit", (event) => event.preventDefault());
field.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") choose(chosen + 1);
  else if (event.key === "ArrowUp") choose(chosen < 0 ? -1 : chosen - 1);
  else if (event.key === "Escape") hide();
  else if (event.key === "Enter") {
    const links = found.querySelectorAll("a");
    if (!found.hidden && links.length) links[Math.max(chosen, 0)].click();
  } else return;
  event.preventDefault();
});
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target === field) return;
  field.focus();
  event.preventDefault();
});
form.hidden = false;
"""

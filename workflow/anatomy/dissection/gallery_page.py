"""The fixed parts of a gallery page: its frame, its look and what it does when it is used.

The style and the script are inserted as they are; their digests are the only ones that the page allows to run.
"""

from string import Template

from anatomy.pages import BASE_STYLE

COLUMNS = 5

PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none'; form-action 'none'; \
img-src data:; style-src '$style_digest'; script-src '$script_digest'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<link rel="icon" href="data:,">
<style>$style</style>
</head>
<body>
<a class="skip" href="#units">Skip to the units</a>
<header class="top">
<div class="about">
$heading
$layers
$stats
</div>
$chart
</header>
<main>
<form id="controls" hidden>
<label class="find">Find <input type="search" name="find" autocomplete="off" spellcheck="false"
 placeholder="dog, wheel, 17" title="Concepts or unit numbers, with commas between several"></label>
<label class="sort">Sort by <select name="sort">
<option value="iou">IoU</option>
<option value="unit">unit</option>
<option value="concept">concept</option>
<option value="threshold">threshold</option>
<option value="agreement">agreement</option>
</select></label>
<label class="tick"><input type="checkbox" name="order" value="reversed"> reversed</label>
<label class="tick"><input type="checkbox" name="detectors" value="1"> detectors only</label>
<fieldset><legend>Category</legend>
$chips
</fieldset>
<p class="count"><output id="count"></output> <button type="reset">Reset</button></p>
</form>
<noscript><p>The pictures and the controls of this page need JavaScript; the rest is complete without.</p></noscript>
<p id="nothing" hidden>No unit of this layer matches.</p>
<ol id="units" role="list">
$cards
</ol>
</main>
<script>$script</script>
</body>
</html>
""")

STYLE = (
    BASE_STYLE
    + """
.top { display: flex; flex-wrap: wrap; gap: 1.25rem 3rem; margin-bottom: 1.25rem; }
.about { flex: 1 1 30rem; min-width: 0; max-width: 52rem; }
.about > p { margin: 0 0 .5rem; }
.reading { margin: 0 0 .75rem; max-width: 46rem; }
.reading ul { margin: .4rem 0; padding-left: 1.2rem; }

.chart { flex: 0 1 25rem; min-width: min(100%, 19rem); margin: 0; }
.chart svg { display: block; width: 100%; height: auto; font-size: 13px; fill: var(--ink); }
.chart .units { fill-opacity: .3; }
.chart .value { fill: var(--quiet); }
.chart rect { fill: var(--shown); stroke: var(--edge); stroke-width: .75; }
figcaption { margin-bottom: .4rem; font-size: .875rem; color: var(--quiet); }
figcaption strong { color: var(--ink); font-weight: 600; }

#controls {
  display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1.25rem; z-index: 1;
  margin: 0 0 1rem; padding: .6rem 0; border-block: 1px solid var(--line); background: var(--page);
}
@media (min-width: 60rem) and (min-height: 40rem) { #controls { position: sticky; top: 0; } }
#controls input[type=search], select, button {
  min-height: 2.25rem; padding: .3rem .6rem; font: inherit; color: inherit;
  background: var(--card); border: 1px solid var(--quiet); border-radius: .4rem;
}
button { cursor: pointer; }
.find { display: flex; align-items: center; gap: .5rem; flex: 1 1 20rem; max-width: 32rem; }
.find input { flex: 1; min-width: 0; }
.sort select { max-width: 100%; }
.tick { display: inline-flex; align-items: center; gap: .4rem; min-height: 2.25rem; cursor: pointer; }
.tick input { width: 1.1rem; height: 1.1rem; margin: 0; accent-color: var(--accent); }
fieldset { display: flex; flex-wrap: wrap; gap: .4rem; margin: 0; padding: 0; border: 0; min-width: 0; }
legend { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.chip {
  display: inline-flex; align-items: center; gap: .45rem; min-height: 2.25rem; padding: 0 .8rem;
  border: 1px solid var(--line); border-radius: 2rem; background: var(--card); cursor: pointer;
}
.chip:hover { border-color: var(--quiet); }
.chip input, .swatch { flex: none; width: .8rem; height: .8rem; margin: 0; border-radius: 50%; }
.chip input { appearance: none; background: var(--shown); box-shadow: 0 0 0 1px var(--edge); }
.chip input:focus-visible { outline: 0; }
.chip:has(:focus-visible) { outline: 2px solid var(--accent); outline-offset: 2px; }
.chip b { color: var(--quiet); font-weight: 400; }
.chip:has(:checked) { background: var(--chosen); border-color: var(--chosen); color: var(--on-chosen); }
.chip:has(:checked) b { color: inherit; }
.count { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; margin: 0 0 0 auto; }
#nothing { padding: 3rem 0; text-align: center; color: var(--quiet); }

#units {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 25rem), 1fr)); align-items: start;
  gap: 1rem; margin: 0; padding: 0; list-style: none;
}
/* Not as list items: numbering thousands of them anew takes browsers seconds whenever some are hidden. */
.card {
  display: block; container-type: inline-size; min-width: 0; padding: .75rem .9rem .6rem; scroll-margin-top: 8rem;
  background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  content-visibility: auto; contain-intrinsic-size: auto 21rem;
}
.card:target { border-color: var(--accent); box-shadow: 0 0 0 2px var(--accent); }
.name { display: flex; align-items: baseline; gap: .25rem .8rem; }
h2 { flex: 1; min-width: 0; margin: 0; font-size: 1.15rem; line-height: 1.3; font-weight: 650; }
.card:not([data-detector]) h2 { font-weight: 450; }
.unit { flex: none; color: var(--quiet); font-size: .875rem; text-decoration: none; }
.unit:hover { text-decoration: underline; }
.kind { display: flex; flex-wrap: wrap; align-items: center; gap: 0 .9rem; margin: 0 0 .3rem; font-size: .8125rem; }
.category { display: flex; align-items: center; gap: .45rem; margin-right: auto; }
.swatch { background: var(--shown); box-shadow: 0 0 0 1px var(--edge); }
.card:not([data-detector]) .swatch { background: none; border: 2.5px solid var(--shown); }
.measured { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; margin: 0; }
.measured, details { font-size: .875rem; }
.pictures { display: grid; grid-template-columns: repeat(5, 1fr); gap: 4px; align-content: start; }
.pictures img {
  display: block; width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 3px;
  background: var(--track); color: transparent; font-size: 0;
}
@container (min-width: 40rem) { .pictures { grid-template-columns: repeat(10, 1fr); } }
details { margin-top: .45rem; }
table { width: 100%; margin: .3rem 0; border-collapse: collapse; }
th, td { padding: .15rem .5rem .15rem 0; text-align: left; font-weight: 400; vertical-align: baseline; }
tr > :last-child { padding-right: 0; text-align: right; }
thead th { color: var(--quiet); }
tbody tr { border-top: 1px solid var(--line); }
tbody th { white-space: nowrap; }
tbody .swatch { display: inline-block; margin-right: .45rem; }
.card tbody .swatch { background: var(--shown); border: 0; width: .65rem; height: .65rem; }

@media (max-width: 30rem) {
  .find, .sort { flex: 1 1 100%; max-width: none; }
  .sort { display: flex; align-items: center; gap: .5rem; }
  .sort select { flex: 1; min-width: 0; }
  .count { margin-left: 0; flex: 1 1 100%; justify-content: space-between; }
}
@media (forced-colors: active) { .chip input { appearance: auto; } }
@media print {
  body { padding: 0; font-size: .75rem; max-width: none; }
  nav, .skip, summary, #controls > :not(.count), button { display: none; }
  #controls { border: 0; padding: 0; margin: 0 0 .5rem; }
  #units { display: block; columns: 2; column-gap: 1rem; }
  .card { content-visibility: visible; break-inside: avoid; margin-bottom: .6rem; }
  .card, .card * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .chart rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
)

SCRIPT = r"""
"use strict";
const form = document.getElementById("controls");
const list = document.getElementById("units");
const fields = form.elements;
const chips = [...form.querySelectorAll("[name=category]")];
const links = [...document.querySelectorAll("nav a")].map((link) => [link, link.getAttribute("href")]);
const units = [...list.children].map((card) => ({
  card,
  unit: Number(card.dataset.unit),
  concept: card.dataset.concept.toLowerCase(),
  category: card.dataset.category,
  detector: "detector" in card.dataset,
  iou: parseFloat(card.dataset.iou),
  threshold: parseFloat(card.dataset.threshold),
  agreement: parseFloat(card.dataset.agreement),
}));

// What has no value comes last, in either direction; equal values stay in the order of the file, which is that of IoU.
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const missing = (value) => value === "" || Number.isNaN(value);
const largestFirst = new Set(["iou", "threshold", "agreement"]);
function by(key, reversed) {
  const sign = largestFirst.has(key) !== reversed ? -1 : 1;
  return (a, b) => compare(missing(a[key]), missing(b[key])) || (missing(a[key]) ? 0 : sign * compare(a[key], b[key]));
}

// A number finds the unit of this number, other text the concepts that contain it; any of several is enough.
function finder(text) {
  const wanted = text.toLowerCase().split(",").map((part) => part.trim()).filter(Boolean);
  const matches = (part, { unit, concept }) =>
    /^\d+$/.test(part) ? Number(part) === unit : concept.includes(part);
  return (one) => !wanted.length || wanted.some((part) => matches(part, one));
}

function state() {
  const found = new URLSearchParams(new FormData(form));
  if (!fields.find.value.trim()) found.delete("find");
  if (fields.sort.value === "iou") found.delete("sort");
  return found;
}

let order = null;
function update() {
  const chosen = new Set(chips.filter((chip) => chip.checked).map((chip) => chip.value));
  const finds = finder(fields.find.value);
  const others = units.filter((one) => (!fields.detectors.checked || one.detector) && finds(one));
  const shown = new Set(others.filter((one) => !chosen.size || chosen.has(one.category)));
  const wanted = fields.sort.value + fields.order.checked;
  if (order !== wanted) {
    const sorted = [...units].sort(by(fields.sort.value, fields.order.checked));
    list.append(...sorted.map((one) => one.card));
  }
  order = wanted;
  for (const one of units) one.card.hidden = !shown.has(one);
  for (const chip of chips) {
    chip.labels[0].querySelector("b").textContent = others.filter((one) => one.category === chip.value).length;
  }
  document.getElementById("count").textContent = `${shown.size} of ${units.length} units`;
  document.getElementById("nothing").hidden = shown.size > 0;
  const elsewhere = state();
  elsewhere.delete("find");
  const hash = String(elsewhere) && `#${elsewhere}`;
  for (const [link, address] of links) link.setAttribute("href", address + hash);
}

// The state of the controls is in the address, so that a link shows the same view.
function write() {
  const hash = String(state());
  try {
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  } catch {
    // Inside another page, as in a report, this one may have no address of its own.
  }
}
function read() {
  const hash = location.hash.slice(1);
  if (!hash || hash.includes("=")) {
    const state = new URLSearchParams(hash);
    fields.find.value = state.get("find") ?? "";
    fields.detectors.checked = state.get("detectors") === "1";
    fields.order.checked = state.get("order") === "reversed";
    fields.sort.value = state.get("sort") ?? "iou";
    if (!fields.sort.value) fields.sort.value = "iou";
    for (const chip of chips) chip.checked = state.getAll("category").includes(chip.value);
  } // else a place in the page
  update();
}

// Thousands of pictures: each becomes one only when its card comes near to what is in view.
function draw(card) {
  const kept = card.querySelector("template");
  if (kept) kept.replaceWith(kept.content);
}
const near = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    draw(target);
  }
}, { rootMargin: "800px 0px" });

form.addEventListener("input", () => { update(); write(); });
form.addEventListener("reset", () => setTimeout(() => { update(); write(); }));
form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", read);
addEventListener("beforeprint", () => units.forEach((one) => one.card.hidden || draw(one.card)));
form.hidden = false;
read();
for (const one of units) near.observe(one.card);
"""

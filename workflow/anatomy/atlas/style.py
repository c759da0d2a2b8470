"""The look of the pages of an atlas, beyond what all pages share."""

STYLE = """
body { max-width: 96rem; }
h1 { font-weight: 650; }
h2 { margin: 0 0 .35rem; font-size: 1.15rem; font-weight: 650; letter-spacing: -.005em; }
h3 { margin: 1.2rem 0 .4rem; font-size: 1rem; font-weight: 600; }
p { margin: 0 0 .6rem; }
a { text-decoration-thickness: 1px; text-underline-offset: .15em; }
.note, .legend { max-width: 60rem; color: var(--quiet); font-size: .875rem; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; margin: .4rem 0 0; }
.legend span { display: inline-flex; align-items: center; gap: .45rem; }
.line { width: 24px; height: 8px; }
.dot { flex: none; display: inline-block; width: .7rem; height: .7rem; vertical-align: -.02em; }
.swatch {
  display: inline-block; flex: none; width: .7rem; height: .7rem; border-radius: 50%;
  background: var(--shown); box-shadow: 0 0 0 1px var(--edge);
}
.masthead {
  position: sticky; top: 0; z-index: 2; display: flex; flex-wrap: wrap; align-items: center; gap: .4rem 1.5rem;
  margin: -1rem 0 1.4rem; padding: .6rem 0; background: var(--page); border-bottom: 1px solid var(--line);
}
.masthead nav { flex: 1 1 auto; margin: 0; }
.masthead nav a { text-decoration: none; }
.masthead nav li:first-child a { font-weight: 650; color: var(--ink); }
#search { position: relative; flex: 1 1 20rem; max-width: 34rem; }
#search input {
  width: 100%; min-height: 2.4rem; padding: .35rem .8rem; font: inherit; color: inherit;
  background: var(--card); border: 1px solid var(--quiet); border-radius: 1.2rem;
}
#found {
  position: absolute; inset: calc(100% + .3rem) 0 auto; max-height: 70vh; overflow: auto; margin: 0; padding: .3rem;
  list-style: none; background: var(--card); border: 1px solid var(--line); border-radius: .7rem;
  box-shadow: 0 10px 30px #0003;
}
#found a {
  display: grid; grid-template-columns: 2.5rem 1fr auto; align-items: center; gap: .1rem .7rem; padding: .3rem .5rem;
  color: inherit; text-decoration: none; border-radius: .4rem;
}
#found a:hover, #found [aria-selected=true] a { background: var(--track); }
#found img, #found i { width: 2.5rem; height: 2.5rem; object-fit: cover; border-radius: 4px; }
#found small, #found p { margin: 0; color: var(--quiet); font-size: .8125rem; }
#found p { padding: .4rem .5rem; }

.head { display: flex; flex-wrap: wrap; gap: 1rem 3rem; align-items: flex-start; margin-bottom: 1.6rem; }
.head > .text { flex: 1 1 34rem; min-width: 0; }
.head .lead { max-width: 48rem; font-size: 1.0625rem; }
.beside { display: flex; justify-content: space-between; gap: 1rem; margin: 0 0 .8rem; font-size: .9375rem; }
.beside .later { margin-left: auto; }
.beside a { text-decoration: none; }
.beside .earlier::before { content: "\\2190\\00a0"; color: var(--quiet); }
.beside .later::after { content: "\\00a0\\2192"; color: var(--quiet); }

.sections { columns: 2 30rem; column-gap: 1.1rem; }
section {
  min-width: 0; margin-bottom: 1.1rem; padding: 1rem 1.2rem 1.1rem; break-inside: avoid;
  background: var(--card); border: 1px solid var(--line);
  border-radius: .7rem;
}

.images { display: flex; flex-wrap: wrap; gap: .4rem; margin: 0; }
.images img { width: 6.2rem; }
img { display: block; height: auto; border-radius: 4px; background: var(--track); }
.images img, .tiles img, .cards img { aspect-ratio: 1; object-fit: cover; }
.sharp { image-rendering: pixelated; }
.pair { display: flex; flex-wrap: wrap; gap: 1.4rem; }
.pair figure { margin: 0; }
.pair figcaption { margin-top: .35rem; color: var(--quiet); font-size: .875rem; }
.large { width: 14rem; max-width: 100%; aspect-ratio: 1; object-fit: cover; }
.top { display: grid; grid-template-columns: repeat(5, minmax(0, 1fr)); gap: .35rem; }
.top img { width: 100%; aspect-ratio: 1; object-fit: cover; }

.cards, .tiles, .wall { margin: 0; padding: 0; list-style: none; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.2rem, 1fr)); gap: .8rem; }
.cards a, .tiles a { display: block; color: inherit; text-decoration: none; }
.cards a {
  height: 100%; overflow: hidden; background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
}
.cards a:hover, .tiles a:hover img { border-color: var(--accent); outline: 1px solid var(--accent); }
.cards img, .cards .none { width: 100%; border-radius: 0; }
.cards .none, .tiles .none { display: block; aspect-ratio: 1; background: var(--track); border-radius: 4px; }
.cards b, .cards small { display: block; padding: 0 .7rem; }
.cards b { padding-top: .45rem; font-weight: 600; line-height: 1.25; }
.cards small { padding-bottom: .6rem; color: var(--quiet); font-size: .8125rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(5.6rem, 1fr)); gap: .8rem .6rem; }
.tiles img { width: 100%; }
.tiles b { display: block; margin-top: .25rem; font-size: .8125rem; font-weight: 500; line-height: 1.25; }
.tiles span { display: block; font-size: .8125rem; line-height: 1.25; color: var(--quiet); }
.tiles .detects { color: var(--ink); font-weight: 600; }
.wall { display: flex; flex-wrap: wrap; gap: 3px; content-visibility: auto; contain-intrinsic-size: auto 12rem; }
.wall img, .wall .none { display: block; width: 2.6rem; height: 2.6rem; object-fit: cover; border-radius: 3px; }
.wall .none {
  background: var(--track); color: var(--quiet); font-size: .7rem; line-height: 2.6rem; text-align: center;
}
.wall a { display: block; text-decoration: none; }
.wall a:hover { outline: 2px solid var(--accent); border-radius: 3px; }

.concepts { display: flex; flex-wrap: wrap; gap: 1.1rem; }
.concepts section { flex: 1 1 auto; max-width: 100%; margin: 0; }
.concepts .note { max-width: 30rem; }
.concepts .tiles { display: flex; flex-wrap: wrap; }
.concepts li { width: 5.6rem; }

.scroll { overflow-x: auto; }
.circuit { display: block; width: 100%; min-width: 52rem; max-width: 84rem; height: auto; }
.circuit text { fill: var(--ink); text-anchor: middle; font-size: 14px; }
.circuit .label { fill: var(--quiet); font-size: 12px; }
.circuit a { text-decoration: none; }
.circuit a .layer { fill: var(--accent); }
.circuit .tile { fill: var(--track); }
.circuit .edge { fill: none; stroke: var(--edge); stroke-width: 1; }
.circuit a:hover .edge { stroke: var(--accent); stroke-width: 3; }
.chart { display: block; width: 100%; max-width: 44rem; height: auto; }
.chart text { fill: var(--quiet); font-size: 12px; }
.chart .axis { fill: var(--ink); }
.chart .grid { stroke: var(--line); stroke-width: 1; }
.chart .chosen { stroke: var(--card); stroke-width: 2; }

table { width: 100%; border-collapse: collapse; font-size: .9375rem; }
th, td { padding: .22rem .7rem .22rem 0; text-align: left; font-weight: 400; vertical-align: baseline; }
tr > :last-child { padding-right: 0; text-align: right; white-space: nowrap; }
thead th { color: var(--quiet); font-size: .8125rem; }
tbody tr + tr { border-top: 1px solid var(--line); }
.bars th { width: 36%; }
.bars tr > :last-child { width: 1%; }
.bars td { vertical-align: middle; }
.bars .bar { display: block; width: 100%; height: 14px; }
.bars .null { fill-opacity: .6; }
.bars .range { stroke: var(--ink); stroke-width: 1.2; vector-effect: non-scaling-stroke; }
.bars .zero { stroke: var(--quiet); stroke-width: 1; vector-effect: non-scaling-stroke; }
.bars small, td small { color: var(--quiet); }
details { margin-top: .6rem; }
.measured { display: flex; flex-wrap: wrap; align-items: baseline; gap: .1rem .9rem; margin: 0; }
.measured strong { font-size: 1.15rem; }
:target { scroll-margin-top: 4.5rem; }
section:target { border-color: var(--accent); box-shadow: 0 0 0 2px var(--accent); }
@media (max-width: 40rem) { section { padding: .8rem .85rem; } .large { width: 100%; } }
@media (prefers-color-scheme: dark) {
  .bars .null { fill: #70767d; }
  .bars .value[fill="#222222"], .chart [fill="#222222"] { fill: var(--ink); }
}
@media print { .masthead, .beside { display: none; } section { break-inside: avoid; } }
"""

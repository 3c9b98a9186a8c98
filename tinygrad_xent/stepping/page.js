"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const [FORWARD, BACKWARD] = [0, 1];
let row = 0, symbols = false, timer = 0;

// -- one graph with its panel ---------------------------------------------------------------------

class Walk {
  constructor(element, walk) {
    this.drawing = one(".drawing", element);
    Object.assign(this, {element, walk, now: 0, sheet: "", whole: this.drawing.innerHTML});
    this.drawing.addEventListener("click", event => this.choose(event.target.closest(".box")));
    this.drawing.addEventListener("keydown", event => {
      const box = event.target.closest(".box");
      if (!box || !["Enter", " "].includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      this.choose(box);
    });
  }

  // Which box of the drawing in view a node is in: itself, a block around it, or none.
  unit(box) {
    const chain = [...(this.walk.within[box] || []), box];
    const depth = this.sheet ? chain.indexOf(this.sheet) + 1 : 0;
    return this.sheet && !depth ? null : chain[depth];
  }

  find(box) { return all(".box", this.drawing).find(b => b.dataset.box === box); }

  choose(element) {
    if (!element) return;
    const box = element.dataset.box;
    if (this.walk.blocks[box]) return this.open(box);
    const phase = Math.min(BACKWARD, this.walk.steps[Math.max(0, this.now - 1)].phase);
    const fits = s => s.box === box;
    const place = this.walk.steps.findIndex(s => fits(s) && s.phase === phase);
    const step = place < 0 ? this.walk.steps.findIndex(fits) : place;
    if (step >= 0) jump(this, step + 1);
  }

  open(block) {
    this.sheet = block;
    this.drawing.innerHTML = block ? this.walk.blocks[block][1] : this.whole;
    const crumbs = one(".crumbs", this.element);
    crumbs.hidden = !block;
    crumbs.replaceChildren();
    if (block) {
      const chain = Object.values(this.walk.within).find(c => c.includes(block));
      for (const b of ["", ...chain.slice(0, chain.indexOf(block))]) {
        const button = document.createElement("button");
        button.textContent = b ? this.walk.blocks[b][0] : "whole graph";
        button.addEventListener("click", () => this.open(b));
        crumbs.append(button, " › ");
      }
      crumbs.append(this.walk.blocks[block][0]);
    }
    this.paint();
    this.reveal(one(".box.now", this.drawing) || one(".box:not(.leaf)", this.drawing));
  }

  // Show step `number` (from 1 on), or say that nothing happens here.
  show(number, idle) {
    this.element.classList.toggle("idle", idle);
    if (!idle) {
      this.now = number;
      const step = this.walk.steps[number - 1];
      if (this.unit(step.box) === null) this.open("");
      const panel = one(".panel", this.element);
      const place = `step ${number} of ${this.walk.steps.length}`;
      one(".where span", panel).textContent = `${data.phases[step.phase]}, ${place}`;
      one("h2", panel).textContent = step.say;
      one(".body", panel).innerHTML = this.written(number);
      this.ask(one(".whys", panel));
    }
    this.paint();
  }

  // The lines of a derivation stay in view, the newest on top.
  written(number) {
    const {phase, html} = this.walk.steps[number - 1];
    if (phase <= BACKWARD) return html;
    const lines = this.walk.steps.slice(0, number).filter(s => s.phase === phase);
    return lines.map(s => s.html).reverse().join("");
  }

  // What has changed, for those who hear the page.
  told(step) {
    const marks = this.walk.marks[step.box];
    const [value, arrived] = [latest(marks.v, this.now), latest(marks.c, this.now)];
    if (step.phase === FORWARD) return `Value: ${value[1]}`;
    return step.phase === BACKWARD ? `Arriving: ${arrived[1]}` : "";
  }

  // The text in each box in view, as it is at this step; where nothing is known, nothing stands.
  paint() {
    const step = this.walk.steps[this.now - 1];
    if (!step) return;
    const svg = one(".graph", this.drawing);
    svg.classList.toggle("back", step.phase >= BACKWARD);
    const here = this.unit(step.box);
    for (const element of all(".box", svg)) {
      const id = element.dataset.box, marks = this.walk.marks[this.walk.last[id] || id];
      if (!marks) continue;
      const value = latest(marks.v, this.now), arrived = latest(marks.c, this.now);
      one(".v", element).textContent = value ? value[symbols ? 2 : 1] : "";
      one(".c", element).textContent = arrived ? arrived[symbols ? 2 : 1] : "";
      const size = arrived ? arrived[3] : "unknown";
      const kind = element.classList[1];
      element.setAttribute("class", `box ${kind} ${size}`);
      element.classList.toggle("now", id === here);
      element.classList.toggle("future", !value);
      element.classList.toggle("bad", value?.[3] === "bad");
    }
    const links = all(".edge", svg);
    for (const link of links) link.classList.remove("in", "out", "path");
    for (const kind of ["in", "out"])
      for (const edge of step[kind] || []) this.edge(links, edge)?.classList.add(kind);
    this.reveal(this.find(here));
  }

  // Scroll the drawing, and nothing else, until the box is in view.
  reveal(box) {
    if (!box) return;
    const frame = this.drawing.getBoundingClientRect(), at = box.getBoundingClientRect();
    this.drawing.scrollBy({
      left: Math.min(0, at.left - frame.left - 10) + Math.max(0, at.right - frame.right + 10),
      top: Math.min(0, at.top - frame.top - 70) + Math.max(0, at.bottom - frame.bottom + 70),
    });
  }

  edge(links, [tail, head, place]) {
    const from = this.unit(tail), to = this.unit(head);
    const fits = links.filter(l => l.dataset.tail === from && l.dataset.head === to);
    return fits.find(l => +l.dataset.place === place) || fits[0];
  }

  // Buttons that ask which paths make up an entry of a gradient.
  ask(element) {
    if (!element) return;
    const of = element.dataset.of;
    const keys = Object.keys(this.walk.whys).filter(k => k.startsWith(of + ":"));
    if (keys.length) element.append("why entry ");
    for (const key of keys) {
      const button = document.createElement("button");
      button.textContent = key.split(":")[1] || "itself";
      button.dataset.why = key;
      button.addEventListener("click", () => this.explain(key));
      element.append(button);
    }
  }

  explain(key) {
    const asked = this.walk.whys[key], holder = one(".whys", this.element);
    one(".why", holder)?.remove();
    holder.insertAdjacentHTML("beforeend", asked.html);
    for (const line of all("[data-path]", holder)) {
      const choose = () => this.light(asked.paths[+line.dataset.path], line);
      line.addEventListener("click", choose);
      line.addEventListener("keydown", event => { if (event.key === "Enter") choose(); });
    }
    this.light(asked.paths[0], one("[data-path]", holder));
  }

  light(path, line) {
    for (const other of all(".chosen", this.element)) other.classList.remove("chosen");
    line.classList.add("chosen");
    for (const lit of all(".path", this.drawing)) lit.classList.remove("path");
    const links = all(".edge", this.drawing);
    path.forEach((box, i) => {
      this.find(this.unit(box))?.classList.add("path");
      if (i + 1 < path.length) this.edge(links, [box, path[i + 1], -1])?.classList.add("path");
    });
  }
}

const latest = (marks, now) => {
  let found = null;
  for (const mark of marks) { if (mark[0] > now) break; found = mark; }
  return found;
};

const walks = all(".walk").map((element, i) => new Walk(element, data.walks[i]));
const steps = r => data.rows[r];

// -- moves ----------------------------------------------------------------------------------------

const show = (to, remember = true) => {
  row = Math.max(0, Math.min(data.rows.length - 1, to));
  walks.forEach((walk, i) => {
    const number = steps(row)[i];
    if (number) return walk.show(number, false);
    walk.now = data.rows.slice(0, row + 1).findLast(r => r[i])?.[i] || 0;  // the last that it had
    if (walk.now) walk.show(walk.now, false);
    walk.show(0, true);
  });
  const lead = walks.findIndex((_, i) => steps(row)[i]), step = current(lead);
  one("#slider").value = row + 1;
  one("#count").textContent = `${row + 1} / ${data.rows.length}`;
  one("#live").textContent = `Step ${row + 1}. ${step.say} ${walks[lead].told(step)}`;
  for (const b of all(".phases button"))
    b.setAttribute("aria-current", +b.dataset.phase === step.phase);
  for (const link of all(".tape [aria-current]")) link.removeAttribute("aria-current");
  const address = `#${encodeURIComponent(walks[lead].walk.name)}/${steps(row)[lead]}`;
  const line = all(".tape a")[row];
  line?.setAttribute("aria-current", "step");
  for (const mark of all("[data-row]")) mark.classList.toggle("here", +mark.dataset.row === row);
  if (!remember) return;
  try { history.replaceState(null, "", address); } catch { /* in a sandboxed frame */ }
};
const current = i => walks[i].walk.steps[steps(row)[i] - 1];
const jump = (walk, step) => show(data.rows.findIndex(r => r[walks.indexOf(walk)] === step));
const follow = (address = location.hash) => {
  const found = /^#(.*)\/(\d+)$/.exec(address);
  if (!found) return false;
  let name = found[1];
  try { name = decodeURIComponent(name); } catch { /* as it stands */ }
  const i = walks.findIndex(w => w.walk.name === name);
  const to = i < 0 ? -1 : data.rows.findIndex(r => r[i] === +found[2]);
  if (to >= 0) show(to, false);
  return to >= 0;
};
const play = on => {
  clearInterval(timer);
  const go = () => row + 1 < data.rows.length ? show(row + 1) : play(false);
  timer = on ? setInterval(go, 1400) : 0;
  one("#play").textContent = on ? "⏸ pause" : "▶ play";
  one("#play").setAttribute("aria-label", on ? "pause" : "play");
};
const toggle = () => {
  symbols = !symbols;
  document.body.classList.toggle("symbols", symbols);
  one("#symbols").setAttribute("aria-pressed", symbols);
  walks.forEach(walk => walk.paint());
};
const halt = () => {
  const [kind, ...rest] = one("#stop").value.split(":");
  const name = rest.join(":"), bound = +one("#bound").value;
  const holds = step => step && ({
    nan: step.odd, op: step.op === name, symbol: step.symbol === name,
    above: step.norm > bound, below: step.norm < bound,
  })[kind];
  const here = r => r.some((n, w) => n && holds(walks[w].walk.steps[n - 1]));
  const to = data.rows.findIndex((r, i) => i > row && here(r));
  if (to >= 0) show(to); else one("#live").textContent = "No further step like this.";
};

// -- controls -------------------------------------------------------------------------------------

const moves = {
  first: () => show(0), previous: () => show(row - 1), next: () => show(row + 1),
  last: () => show(data.rows.length - 1), symbols: toggle, go: halt,
  play: () => {
    if (!timer && row + 1 === data.rows.length) show(0);  // from the end, once more
    play(!timer);
  },
};
for (const [id, move] of Object.entries(moves)) one("#" + id).addEventListener("click", move);
const keys = {
  ArrowRight: "next", ArrowLeft: "previous", Home: "first", End: "last", " ": "play",
  s: "symbols", b: "go",
};
document.addEventListener("keydown", event => {
  const within = kinds => event.target.closest?.(kinds);
  if (within("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!keys[event.key] || (event.key === " " && within("button, summary"))) return;
  event.preventDefault();
  moves[keys[event.key]]();
});
one("#slider").max = data.rows.length;
one("#slider").addEventListener("input", event => show(+event.target.value - 1));
const stop = one("#stop");
const choice = (value, label) => stop.add(new Option(label, value));
choice("nan:", "NaN or infinity");
choice("above:", "norm above");
choice("below:", "norm below");
const stops = new Map(walks.flatMap(w => w.walk.stops).map(s => [s.join(":"), s]));
for (const [kind, name] of stops.values())
  choice(`${kind}:${name}`, kind === "op" ? `operation ${name}` : name);
stop.addEventListener("change", () => {
  one("#bound").hidden = !/^(above|below)/.test(stop.value);
});
const phases = one(".phases");
data.phases.forEach((label, phase) => {
  const begins = r => r.some((n, w) => n && walks[w].walk.steps[n - 1].phase === phase);
  const to = data.rows.findIndex(begins);
  if (to < 0) return;
  const button = document.createElement("button");
  button.textContent = label;
  button.dataset.phase = phase;
  button.addEventListener("click", () => show(to));
  phases.append(button);
});
for (const mark of all("[data-row]")) mark.addEventListener("click", () => show(+mark.dataset.row));
for (const element of all("footer, .phases, .modes")) element.hidden = false;
// In a notebook's frame, following a link to a step would leave the page.
document.addEventListener("click", event => {
  const link = event.target.closest('a[href^="#"]');
  if (link && follow(link.getAttribute("href"))) { event.preventDefault(); show(row); }
});
addEventListener("hashchange", () => follow());
const reveal = () => walks.forEach(walk => walk.reveal(one(".box.now", walk.drawing)));
const sizes = new ResizeObserver(reveal);
walks.forEach(walk => sizes.observe(walk.drawing));
addEventListener("resize", reveal);
if (!follow()) show(0, false);
})();

"use strict";
(() => {
  const all = selector => [...document.querySelectorAll(selector)];
  const frames = all(".frame"), steps = all(".steps li"), buttons = all("[data-go]");
  const now = document.querySelector(".now");
  const slider = document.querySelector(".controls input"), live = document.querySelector(".unseen");
  if (!frames.length) return;
  const last = frames.length - 1;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const wide = matchMedia("(min-width: 60rem)");
  const linked = () => {
    const found = /^#step-(\d+)$/.exec(location.hash);
    return found ? Math.min(Number(found[1]), last) : null;
  };
  let here = -1;

  /* All graphs on one canvas, each in the middle of its top, at one scale. */
  const level = () => {
    const graphs = all(".frame svg"), sizes = graphs.map(svg => svg.viewBox.baseVal);
    const width = Math.max(...sizes.map(size => size.width));
    const height = Math.max(...sizes.map(size => size.height));
    const widest = Math.max(...graphs.map(svg => svg.width.baseVal.value));
    graphs.forEach((svg, i) => {
      const left = sizes[i].x - (width - sizes[i].width) / 2;
      svg.setAttribute("viewBox", `${left} ${sizes[i].y} ${width} ${height}`);
      svg.setAttribute("width", widest);
      svg.style.minWidth = `${Math.min(widest * .44, 960)}px`;  // what is smaller cannot be read
    });
  };

  /* Where the boxes of a frame are, by what they are. */
  const places = frame => new Map([...frame.querySelectorAll("[data-id]")].map(
    box => [box.dataset.id, {box, at: box.getBoundingClientRect()}]));

  /* What stays moves to its new place, what is new appears; a mark is put in words by the caption. */
  const move = (before, frame) => {
    const scale = 1 / frame.querySelector("svg").getScreenCTM().a;
    const middle = at => [at.left + at.width / 2, at.top + at.height / 2];
    for (const [id, {box, at}] of places(frame)) {
      const old = before.get(id);
      if (!old) { box.animate([{opacity: 0}, {opacity: 1}], {duration: 500}); continue; }
      const [x, y] = middle(at), [u, v] = middle(old.at);
      const from = `translate(${(u - x) * scale}px, ${(v - y) * scale}px)`;
      box.animate([{transform: from}, {transform: "none"}], {duration: 450, easing: "ease-in-out"});
    }
    for (const arrow of frame.querySelectorAll(".edge")) {
      arrow.animate([{opacity: 0}, {opacity: 0, offset: .6}, {opacity: 1}], {duration: 600});
    }
  };

  /* The formula of this step, smaller where it would not fit. */
  const write = formula => {
    now.replaceChildren(formula.cloneNode(true));
    now.style.fontSize = "";
    const fits = now.firstChild.clientWidth / now.firstChild.scrollWidth;
    if (fits < 1) now.style.fontSize = `${Math.max(.6, fits)}em`;
  };

  const show = wanted => {
    const next = Math.max(0, Math.min(last, wanted));
    if (next === here) return;
    const before = here < 0 || calm.matches ? null : places(frames[here]);
    frames.forEach((frame, i) => frame.classList.toggle("current", i === next));
    steps.forEach((step, i) => {
      step.classList.toggle("current", i === next);
      if (i === next) step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    });
    write(steps[next].querySelector(".formula"));
    const canvas = frames[next].querySelector(".canvas");
    canvas.scrollLeft = (canvas.scrollWidth - canvas.clientWidth) / 2;
    if (before) move(before, frames[next]);
    const started = here >= 0;
    here = next;
    slider.value = String(next);
    slider.setAttribute("aria-valuetext", frames[next].dataset.says);
    for (const button of buttons) {
      button.disabled = next === (/first|previous/.test(button.dataset.go) ? 0 : last);
    }
    if (!started) return;
    live.textContent = frames[next].dataset.says;
    if (wide.matches) steps[next].scrollIntoView({block: "nearest"});
    try { history.replaceState(null, "", `#step-${next}`); } catch { /* not from this address */ }
  };

  const go = {first: () => show(0), previous: () => show(here - 1),
              next: () => show(here + 1), last: () => show(last)};
  const keys = {Home: go.first, ArrowLeft: go.previous, ArrowRight: go.next, End: go.last};

  document.documentElement.classList.add("scripted");
  document.querySelector(".controls").hidden = false;
  level();
  for (const button of buttons) button.addEventListener("click", () => go[button.dataset.go]());
  slider.addEventListener("input", () => show(Number(slider.value)));
  steps.forEach((step, i) => step.addEventListener("click", event => {
    if (event.target.closest("a")) event.preventDefault();
    if (String(getSelection())) return;
    show(i);
    if (!wide.matches) document.querySelector(".film").scrollIntoView();
  }));
  addEventListener("keydown", event => {
    const plain = !(event.altKey || event.ctrlKey || event.metaKey || event.shiftKey);
    if (!plain || !keys[event.key] || event.target.closest?.("pre")) return;
    event.preventDefault();
    keys[event.key]();
  });
  addEventListener("hashchange", () => { if (linked() !== null) show(linked()); });
  show(linked() ?? 0);
})();

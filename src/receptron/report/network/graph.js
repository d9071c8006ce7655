(() => {
  "use strict";
  // The graph: blocks open and close, and what is shown is placed anew, by the plans that Python made (graph/place.py does the same).
  const graph = document.querySelector("svg.graph");
  if (!graph) return;
  const { lengths: px, opened, sizes, plans } = JSON.parse(document.getElementById("facts").textContent).graph;
  const frame = graph.parentElement, open = new Set(opened), boxes = new Map(), insides = new Map();
  for (const g of graph.querySelectorAll("g.node")) boxes.set(Number(g.dataset.box), g);
  for (const g of graph.querySelectorAll("g.inside")) insides.set(Number(g.dataset.block), g);
  const lines = new Map([...insides].map(([number, g]) => [number, [...g.children].filter((c) => c.matches("path.arrow"))]));

  const size = (number) => {
    const [width, height, docks, leaves] = sizes[number], plan = plans[number];
    if (!plan || !open.has(number)) return { number, width, height, axis: Math.floor(width / 2), docks, leaves };
    const nodes = plan.nodes.map(size), count = Math.max(-1, ...plan.columns) + 1;
    const lefts = Array(count).fill(0), rights = Array(count).fill(0), heights = Array(Math.max(-1, ...plan.rows) + 1).fill(0);
    nodes.forEach((n, i) => {
      const c = plan.columns[i], r = plan.rows[i];
      lefts[c] = Math.max(lefts[c], n.axis);
      rights[c] = Math.max(rights[c], n.width - n.axis);
      heights[r] = Math.max(heights[r], n.height);
    });
    let x = px.pad + plan.left * px.lane;
    let axes = lefts.map((left, c) => { const axis = x + left; x += left + rights[c] + px.between; return axis; });
    if (count) x -= px.between;
    const total = x + plan.right * px.lane + px.pad, shift = Math.floor(Math.max(0, width - total) / 2);
    const lanes = [];
    for (let i = 0; i < plan.left; i++) lanes.push(shift + px.pad + (plan.left - 1 - i) * px.lane);
    for (let i = 0; i < plan.right; i++) lanes.push(shift + x + (i + 1) * px.lane);
    axes = axes.map((axis) => axis + shift);
    const tops = [], gutters = [];
    let y = plan.ports ? height : height + px.pad;
    heights.forEach((high, row) => {
      tops.push(y);
      y += high;
      if (row < plan.gutters.length) {
        gutters.push(y + Math.floor(px.gutter / 2));
        y += px.gutter + px.track * Math.max(plan.gutters[row] - 1, 0);
      }
    });
    nodes.forEach((n, i) => { n.x = axes[plan.columns[i]] - n.axis; n.y = tops[plan.rows[i]]; });
    const ends = nodes.map((n) => n.x + n.axis), ins = ends.slice(0, plan.ports), outs = ends.slice(ends.length - plan.exits);
    const wide = Math.max(total, width);
    return {
      number, width: wide, height: plan.exits ? y : y + px.pad, axis: ins.length ? ins[0] : Math.floor(wide / 2), docks: ins, leaves: outs, nodes,
      lines: plan.routes.map((route) => corners(route, nodes, lanes, gutters)),
    };
  };
  const corners = ([source, out, target, into, gutter, track, lane, second, secondTrack], nodes, lanes, gutters) => {
    const s = nodes[source], t = nodes[target], x = s.x + s.leaves[out], end = t.x + t.docks[into];
    const across = gutters[gutter] + px.track * Math.max(track, 0);
    let bends = x === end ? [] : [[x, across], [end, across]];
    if (lane >= 0) {
      const back = gutters[second] + px.track * Math.max(secondTrack, 0);
      bends = [[x, across], [lanes[lane], across], [lanes[lane], back], [end, back]];
    }
    return [[x, s.y + s.height], ...bends, [end, t.y]];
  };
  const towards = (a, b) => {
    const dx = b[0] - a[0], dy = b[1] - a[1], step = Math.min(px.round, Math.floor((Math.abs(dx) + Math.abs(dy)) / 2));
    return `${a[0] + step * Math.sign(dx)} ${a[1] + step * Math.sign(dy)}`;
  };
  const path = (points) => {
    let d = `M${points[0].join(" ")}`;
    for (let i = 1; i < points.length - 1; i++) d += `L${towards(points[i], points[i - 1])}Q${points[i].join(" ")} ${towards(points[i], points[i + 1])}`;
    return `${d}L${points.at(-1).join(" ")}`;
  };
  const place = (node) => {
    const box = boxes.get(node.number), inside = insides.get(node.number);
    if (box) {
      box.setAttribute("transform", `translate(${node.x} ${node.y})`);
      const plate = box.querySelector(":scope > rect.plate"), bar = box.querySelector(":scope > .head > .bar");
      plate.setAttribute("width", node.width);
      plate.setAttribute("height", node.height);
      bar?.setAttribute("width", node.width - 2);
    }
    if (!inside) return;
    const shown = open.has(node.number), head = box?.querySelector(":scope > .head");
    inside.classList.toggle("shut", !shown);
    if (head) {
      head.setAttribute("aria-expanded", String(shown));
      head.querySelector(".sign").textContent = shown ? "−" : "+";
    }
    if (!shown) return;
    node.lines.forEach((line, i) => lines.get(node.number)[i].setAttribute("d", path(line)));
    node.nodes.forEach(place);
  };

  let scale = 1, width = 0, height = 0;
  const zoom = (to, x = frame.clientWidth / 2, y = frame.clientHeight / 2) => {
    const next = Math.min(3, Math.max(0.05, to)), factor = next / scale, left = (frame.scrollLeft + x) * factor - x, top = (frame.scrollTop + y) * factor - y;
    scale = next;
    graph.setAttribute("width", width * scale);
    graph.setAttribute("height", height * scale);
    frame.scrollTo({ left, top, behavior: "instant" });
  };
  const draw = () => {
    const whole = size(0);
    place({ ...whole, x: 0, y: 0 });
    ({ width, height } = whole);
    graph.setAttribute("viewBox", `0 0 ${width} ${height}`);
    graph.setAttribute("width", width * scale);
    graph.setAttribute("height", height * scale);
  };
  const stripes = [...graph.querySelectorAll("g.stripe")];
  const seen = () => stripes.filter((s) => !s.closest("g.shut"));
  // What the reader acts on stays where it is on the screen, whatever grows above it.
  const keeping = (place, work) => {
    const before = place?.getBoundingClientRect();
    work();
    if (!before) return;
    const after = place.getBoundingClientRect();
    frame.scrollBy({ left: after.left - before.left, top: after.top - before.top, behavior: "instant" });
  };
  const toggle = (head) => keeping(head, () => {
    const number = Number(head.dataset.toggle);
    if (!open.delete(number)) open.add(number);
    draw();
  });

  let current = stripes[0];
  const go = (to) => {
    if (!to) return;
    current?.setAttribute("tabindex", "-1");
    current = to;
    to.setAttribute("tabindex", "0");
    to.focus({ preventScroll: true });
    bring(to);
  };
  const bring = (to) => {
    const a = to.getBoundingClientRect(), b = frame.getBoundingClientRect();
    if (a.top < b.top + 8 || a.bottom > b.bottom - 8) frame.scrollBy({ top: a.top - b.top - frame.clientHeight / 3, behavior: "instant" });
    if (a.left < b.left + 8 || a.right > b.right - 8) frame.scrollBy({ left: a.left - b.left - Math.max(8, (frame.clientWidth - a.width) / 2), behavior: "instant" });
    if (b.top < 0 || b.top + 120 > innerHeight) frame.scrollIntoView({ block: "nearest", behavior: "instant" });
  };
  const beside = (step) => {
    const here = current.getBoundingClientRect(), middle = (here.left + here.right) / 2;
    const near = (s) => { const r = s.getBoundingClientRect(); return { s, dx: ((r.left + r.right) / 2 - middle) * step, dy: Math.abs(r.top - here.top) }; };
    return seen().map(near).filter((n) => n.dx > 20).sort((a, b) => a.dy + a.dx / 4 - b.dy - b.dx / 4)[0]?.s;
  };
  const keys = {
    ArrowDown: () => { const all = seen(); go(all[all.indexOf(current) + 1]); },
    ArrowUp: () => { const all = seen(); go(all[all.indexOf(current) - 1]); },
    ArrowRight: () => go(beside(1)),
    ArrowLeft: () => go(beside(-1)),
    Home: () => go(seen()[0]),
    End: () => go(seen().at(-1)),
    "+": () => zoom(scale * 1.25),
    "-": () => zoom(scale / 1.25),
  };
  graph.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const head = e.target.closest?.("[data-toggle]");
    if (head && (e.key === "Enter" || e.key === " ")) toggle(head);
    else if (keys[e.key]) keys[e.key]();
    else return;
    e.preventDefault();
  });
  graph.setAttribute("role", "group");
  graph.setAttribute("aria-label", `${graph.getAttribute("aria-label")}; arrow keys go from one to the next, Enter opens and closes a block`);
  for (const s of stripes) {
    s.setAttribute("tabindex", s === current ? "0" : "-1");
    s.setAttribute("role", s.dataset.toggle ? "button" : "img");
    s.setAttribute("aria-label", s.dataset.hint);
    if (s.dataset.toggle) s.setAttribute("aria-expanded", String(open.has(Number(s.dataset.toggle))));
  }

  // A mouse drags the drawing; fingers scroll it as they do everything.
  let drag = null, dragged = false;
  frame.addEventListener("pointerdown", (e) => {
    dragged = false;
    if (e.pointerType === "mouse" && e.button === 0) drag = { x: e.clientX, y: e.clientY, left: frame.scrollLeft, top: frame.scrollTop };
  });
  addEventListener("pointermove", (e) => {
    if (!drag) return;
    dragged ||= Math.hypot(e.clientX - drag.x, e.clientY - drag.y) > 4;
    if (dragged) frame.scrollTo({ left: drag.left - e.clientX + drag.x, top: drag.top - e.clientY + drag.y, behavior: "instant" });
  });
  addEventListener("pointerup", () => { drag = null; });
  graph.addEventListener("click", (e) => {
    const stripe = e.target.closest("g.stripe");
    if (dragged || !stripe) return;
    if (stripe.dataset.toggle) toggle(stripe);
    current?.setAttribute("tabindex", "-1");
    current = stripe;
    stripe.setAttribute("tabindex", "0");
  });
  frame.addEventListener("wheel", (e) => {
    if (!e.ctrlKey && !e.metaKey) return;
    e.preventDefault();
    const r = frame.getBoundingClientRect();
    zoom(scale * Math.exp(-e.deltaY / 300), e.clientX - r.left, e.clientY - r.top);
  }, { passive: false });

  const search = document.getElementById("search"), hits = document.getElementById("hits");
  let found = [], at = -1;
  const show = (step) => {
    graph.querySelector(".here")?.classList.remove("here");
    if (!found.length) return;
    at = (at + step + found.length) % found.length;
    const hit = found[at];
    let opens = false;
    for (let g = hit.closest("g.inside"); g; g = g.parentElement.closest("g.inside")) if (!open.has(Number(g.dataset.block))) opens = Boolean(open.add(Number(g.dataset.block)));
    if (opens) draw();
    hit.classList.add("here");
    hits.textContent = `${at + 1} of ${found.length}`;
    bring(hit);
  };
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    found = wanted ? stripes.filter((s) => s.dataset.hint.toLowerCase().split("\n")[0].includes(wanted)) : [];
    for (const s of stripes) s.classList.toggle("hit", found.includes(s));
    at = -1;
    hits.textContent = !wanted ? "" : found.length ? `${found.length} found` : "nothing found";
    show(1);
  });
  search.addEventListener("keydown", (e) => {
    if (e.key === "Enter") { e.preventDefault(); show(e.shiftKey ? -1 : 1); }
    if (e.key === "Escape") { search.value = ""; search.dispatchEvent(new Event("input")); }
  });
  addEventListener("keydown", (e) => {
    if (e.key !== "/" || e.target.closest?.("input, select, textarea")) return;
    e.preventDefault();
    search.focus();
  });

  const MOST = 1500; // boxes at once: more would make the page slow
  const all = (shut) => {
    open.clear();
    open.add(0);
    if (shut) return;
    let shown = plans[0].nodes.length;
    for (const number of Object.keys(plans).map(Number).filter(Boolean)) {
      const inside = insides.get(number).parentElement.closest("g.inside");
      if (inside && !open.has(Number(inside.dataset.block))) continue;
      shown += plans[number].nodes.length;
      if (shown > MOST) { hits.textContent = `${MOST} boxes are open, the rest stays folded`; break; }
      open.add(number);
    }
  };
  const tools = document.querySelector(".tools");
  tools.hidden = false;
  const actions = {
    in: () => zoom(scale * 1.25), out: () => zoom(scale / 1.25),
    fit: () => zoom(Math.min(1, frame.clientWidth / width)),
    open: () => { all(false); draw(); }, shut: () => { all(true); draw(); frame.scrollTo({ top: 0, behavior: "instant" }); },
  };
  for (const button of tools.querySelectorAll("button")) button.addEventListener("click", actions[button.dataset.zoom || button.dataset.fold]);
  draw();
  frame.classList.add("live");
  const first = stripes[0]?.getBoundingClientRect(); // on a narrow screen a wide graph begins with its first box in sight
  if (first && frame.clientWidth < width) frame.scrollLeft = first.left + first.width / 2 - frame.getBoundingClientRect().left - frame.clientWidth / 2;
})();

(() => {
  "use strict";
  const hint = document.getElementById("hint");
  const tell = (place, x, y) => {
    hint.textContent = place.dataset.hint;
    hint.hidden = false;
    hint.style.left = `${Math.max(8, Math.min(x + 16, innerWidth - hint.offsetWidth - 12))}px`;
    hint.style.top = `${y + 16 + hint.offsetHeight < innerHeight - 12 ? y + 16 : Math.max(8, y - hint.offsetHeight - 12)}px`;
  };
  const over = (e) => e.target.closest?.("[data-hint]");
  addEventListener("mousemove", (e) => { const place = over(e); if (place && !e.buttons) tell(place, e.clientX, e.clientY); else hint.hidden = true; });
  const focused = () => {
    const place = document.activeElement?.closest("[data-hint]:focus-visible"), r = place?.getBoundingClientRect();
    if (place) tell(place, r.left, r.bottom); else hint.hidden = true;
  };
  addEventListener("focusin", focused);
  addEventListener("focusout", () => { hint.hidden = true; });
  addEventListener("scroll", focused, true);
  addEventListener("keydown", (e) => { if (e.key === "Escape") hint.hidden = true; });

  const rows = [...document.querySelectorAll("#layers tbody tr")];
  const folded = new Set();
  const inside = (row, path) => row.dataset.path.startsWith(`${path}.`);
  for (const button of document.querySelectorAll("button.fold:not([disabled])")) {
    const path = button.closest("tr").dataset.path;
    button.addEventListener("click", () => {
      folded.has(path) ? folded.delete(path) : folded.add(path);
      button.textContent = folded.has(path) ? "▸" : "▾";
      button.setAttribute("aria-expanded", String(!folded.has(path)));
      for (const row of rows) row.classList.toggle("hidden", [...folded].some((each) => inside(row, each)));
    });
  }

  const canvas = document.getElementById("sight");
  if (!canvas) return;
  const { fields, pixels, picture } = JSON.parse(document.getElementById("facts").textContent);
  const select = document.getElementById("layer"), told = document.getElementById("told"), pen = canvas.getContext("2d");
  let photo = null, at = [0.5, 0.5];
  for (const f of fields) select.add(new Option(f.path));
  const local = fields.findLastIndex((f) => f.axes[0].scope === "local" && f.axes[0].size < pixels[0] / 2);
  select.selectedIndex = Math.max(local, 0);
  const backdrop = () => {
    const cell = canvas.width / pixels[1] * Math.max(1, Math.round(pixels[1] / 28));
    for (let y = 0; y * cell < canvas.height; y++) for (let x = 0; x * cell < canvas.width; x++) {
      pen.fillStyle = (x + y) % 2 ? "#8a94a4" : "#747e8e";
      pen.fillRect(x * cell, y * cell, cell, cell);
    }
  };
  const words = (f, span) => {
    const [a, b] = f.axes;
    if (a.scope === "global") return "sees the whole image";
    if (a.scope !== "local") return `sees ${a.taken} × ${b.taken} pixels, at this size, within ${a.size} × ${b.size}`;
    return `sees ${a.size} × ${b.size} pixels, one unit every ${a.jump === 1 ? "pixel" : `${a.jump} pixels`}; unit (${span[0][2]}, ${span[1][2]}) of ${f.shape.join(" × ")}`;
  };
  const draw = () => {
    if (photo) pen.drawImage(photo, 0, 0, canvas.width, canvas.height); else backdrop();
    const f = fields[select.selectedIndex], scale = [canvas.height / pixels[0], canvas.width / pixels[1]];
    const span = f.axes.map((a, k) => {
      if (a.scope !== "local") return [0, pixels[k], 0];
      const unit = Math.min(f.shape[k] - 1, Math.max(0, Math.round((at[k] * pixels[k] - a.start) / a.jump)));
      return [a.start + a.jump * unit + 0.5 - a.size / 2, a.size, unit];
    });
    const [top, left] = [span[0][0] * scale[0], span[1][0] * scale[1]], [high, wide] = [span[0][1] * scale[0], span[1][1] * scale[1]];
    pen.fillStyle = "#0008";
    pen.beginPath(); pen.rect(0, 0, canvas.width, canvas.height); pen.rect(left, top, wide, high); pen.fill("evenodd");
    pen.lineWidth = 3; pen.strokeStyle = "#ffd24a"; pen.strokeRect(left, top, wide, high);
    told.textContent = words(f, span);
  };
  const move = (e) => {
    const r = canvas.getBoundingClientRect();
    at = [(e.clientY - r.top) / r.height, (e.clientX - r.left) / r.width];
    draw();
  };
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("pointerdown", move);
  select.addEventListener("change", draw);
  if (picture) { photo = new Image(); photo.addEventListener("load", draw); photo.src = picture; } else draw();
})();

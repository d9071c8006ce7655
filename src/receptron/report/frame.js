(() => {
  "use strict";
  const page = document.documentElement;
  const key = "receptron-report-theme";
  const remembered = () => { try { return localStorage.getItem(key); } catch { return null; } };
  const remember = (theme) => { try { localStorage.setItem(key, theme); } catch { /* private windows forget */ } };
  const system = () => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const current = () => page.dataset.theme || system();
  const toggle = document.getElementById("theme");
  const show = () => {
    const dark = current() === "dark";
    toggle.setAttribute("aria-pressed", String(dark));
    toggle.textContent = dark ? "Light" : "Dark";
  };
  const before = remembered();
  if (before === "dark" || before === "light") page.dataset.theme = before;
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    page.dataset.theme = current() === "dark" ? "light" : "dark";
    remember(page.dataset.theme);
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  show();

  const select = (node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  };
  for (const button of document.querySelectorAll("button.copy")) {
    const code = button.parentElement.querySelector("code");
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        select(code);
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1600);
    });
  }
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details.files")) one.open = true;
  });
})();

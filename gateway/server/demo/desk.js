// Ticking boxes and drawing on the caught reply sheet. Lines are kept in thousandths of the page, so the
// size on the screen does not matter. Without this script the sheet can still be sent back as it is.
(() => {
  const form = document.getElementById("return");
  const figure = document.querySelector("[data-sheet]");
  if (!form || !figure) return;
  const canvas = figure.querySelector("canvas");
  const lines = [];
  let current = null;

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    const inside = (v) => Math.min(1000, Math.max(0, v));
    return [inside(((event.clientX - box.left) / box.width) * 1000), inside(((event.clientY - box.top) / box.height) * 1000)];
  };
  const draw = () => {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    const pen = canvas.getContext("2d");
    pen.lineWidth = (canvas.width * 0.6) / 210;
    pen.lineCap = pen.lineJoin = "round";
    for (const line of lines) {
      pen.beginPath();
      for (const [x, y] of line) pen.lineTo((x * canvas.width) / 1000, (y * canvas.height) / 1000);
      pen.stroke();
    }
  };
  canvas.addEventListener("pointerdown", (event) => {
    current = [place(event)];
    lines.push(current);
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!current) return;
    current.push(place(event));
    draw();
  });
  canvas.addEventListener("pointerup", () => (current = null));
  for (const tick of figure.querySelectorAll(".tick")) {
    tick.addEventListener("click", () => {
      tick.setAttribute("aria-pressed", tick.getAttribute("aria-pressed") === "true" ? "false" : "true");
    });
  }
  document.getElementById("clear").addEventListener("click", () => {
    lines.length = 0;
    for (const tick of figure.querySelectorAll(".tick")) tick.setAttribute("aria-pressed", "false");
    draw();
  });
  form.addEventListener("submit", () => {
    form.elements.lines.value = lines.map((line) => line.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ")).join(";");
    const ticked = [...figure.querySelectorAll('.tick[aria-pressed="true"]')].map((t) => t.dataset.name);
    form.querySelector('input[type="hidden"][name="boxes"]').value = ticked.join(",");
  });
  window.addEventListener("resize", draw);
  draw();
})();

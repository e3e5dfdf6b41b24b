// What a page does beside showing itself: one submit a form, and charts drawn from the tables beneath them.
"use strict";

// The server executes a request once, however often it is asked; this only spares a reader the second answer.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  form.setAttribute("aria-busy", "true");
  const progress = form.querySelector("[data-progress]");
  if (progress) progress.hidden = false;
});

// A page that the browser kept for Back may be sent again: the server then answers with the run that there is.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
    const progress = form.querySelector("[data-progress]");
    if (progress) progress.hidden = true;
  }
});

function figureOf(figure) {
  const heads = [...figure.querySelectorAll("thead th")].map((head) => head.textContent.trim());
  const rows = [...figure.querySelectorAll("tbody tr")].map((row) =>
    [...row.querySelectorAll("td")].map((cell) => cell.dataset.value));
  const numbers = (at) => rows.map((row) => (row[at] === "" ? null : Number(row[at])));
  return { heads, labels: rows.map((row) => row[0]), numbers };
}

function tracesOf(figure, style) {
  const { heads, labels, numbers } = figureOf(figure);
  const color = (at) => style.getPropertyValue(`--series-${((at - 1) % 5) + 1}`).trim();
  return heads.slice(1).map((name, index) => {
    const at = index + 1;
    if (figure.dataset.chart === "bars") {
      return { type: "bar", orientation: "h", y: labels, x: numbers(at), name, marker: { color: color(at) } };
    }
    return {
      type: "scatter", mode: labels.length > 60 ? "lines" : "lines+markers", x: labels, y: numbers(at), name,
      line: { color: color(at), width: 2, dash: ["solid", "dash", "dot", "dashdot"][index % 4] }, connectgaps: true,
      fill: figure.dataset.chart === "area" ? "tozeroy" : "none",
    };
  });
}

function layoutOf(figure, traces, style) {
  const word = (name) => style.getPropertyValue(name).trim();
  const bars = figure.dataset.chart === "bars";
  const axis = { gridcolor: word("--line"), linecolor: word("--line"), zerolinecolor: word("--line"), automargin: true };
  const unit = { cash: { tickprefix: "$", tickformat: ",.0f" }, percent: { tickformat: ".1%" }, index: {} }[figure.dataset.unit];
  return {
    height: bars ? 70 + 34 * traces[0].y.length : 280,
    margin: { l: 10, r: 10, t: 10, b: 30 },
    font: { family: "system-ui, sans-serif", size: 12, color: word("--ink") },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    showlegend: traces.length > 1, legend: { orientation: "h", y: 1.15 }, hovermode: bars ? "closest" : "x unified",
    hoverlabel: { bgcolor: word("--surface"), bordercolor: word("--line"), font: { color: word("--ink") } },
    xaxis: { ...axis, ...(bars ? unit : {}) },
    yaxis: { ...axis, ...(bars ? { autorange: "reversed" } : unit) },
    dragmode: false,
  };
}

function draw(figure) {
  const style = getComputedStyle(document.documentElement);
  const plot = figure.querySelector(".plot");
  const traces = tracesOf(figure, style);
  plot.hidden = false;
  window.Plotly.react(plot, traces, layoutOf(figure, traces, style), { displayModeBar: false, responsive: true });
  if (!figure.dataset.drawn) figure.querySelector("details").open = false;
  figure.dataset.drawn = "yes";
}

function drawAll() {
  if (window.Plotly) document.querySelectorAll("figure[data-chart]").forEach(draw);
}

drawAll();
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);

// Charts by uPlot, and keys. Data comes from the page's own attributes as JSON; nothing here makes HTML from text.
"use strict";
(() => {
  const charts = new WeakMap();
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const lines = ["line-1", "line-2", "line-3", "line-4", "line-5", "line-6", "line-7", "line-8"];

  function axes(unit) {
    const plain = { stroke: colour("quiet"), grid: { stroke: colour("border"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
    return [{ ...plain, grid: { show: false } }, { ...plain, size: 46, values: (_, splits) => splits.map((n) => `${n.toLocaleString("en")}${unit}`) }];
  }

  // Bars stand on one another: a series is drawn over its sum with those below it, the tallest first.
  function bars(data) {
    let sums = data.x.map(() => 0);
    const stacked = data.series.map((series) => (sums = sums.map((sum, place) => sum + (series.y[place] ?? 0))));
    const order = data.series.map((_, place) => place).reverse();
    return {
      values: [data.x, ...order.map((place) => stacked[place])],
      series: order.map((place) => ({
        label: data.series[place].name, fill: colour(data.series[place].colour), width: 0, points: { show: false },
        paths: uPlot.paths.bars({ size: [0.8, 60] }), value: (_plot, _sum, _series, at) => (at === null ? "" : String(data.series[place].y[at])),
      })),
      unit: "", range: (_plot, _low, high) => [0, Math.max(high * 1.1, 4)], step: 3600,
    };
  }

  function curves(data) {
    return {
      values: [data.x, ...data.series.map((series) => series.y)],
      series: data.series.map((series, place) => ({
        label: series.name, stroke: colour(lines[place % lines.length]), width: 2, points: { show: data.x.length < 60, size: 6 }, spanGaps: true,
        value: (_plot, share, _series, at) => (share === null || at === null ? "" : `${Math.round(share)} % of ${series.n[at]}`),
      })),
      unit: " %", range: () => [0, 100], step: 86400,
    };
  }

  function draw(place) {
    const data = JSON.parse(place.dataset.chart);
    charts.get(place)?.destroy();
    if (!data.x.length || !data.series.length) { place.textContent = "Nothing to draw yet."; return; }
    const made = data.kind === "bars" ? bars(data) : curves(data);
    const pad = made.step / 2;
    const plot = new uPlot({
      width: place.clientWidth, height: 220, series: [{ label: "UTC" , value: (_, x) => (x === null ? "" : new Date(1000 * x).toISOString().slice(0, 16).replace("T", " ")) }, ...made.series],
      axes: axes(made.unit), tzDate: (seconds) => uPlot.tzDate(new Date(1000 * seconds), "Etc/UTC"), cursor: { y: false, points: { show: data.kind !== "bars" } },
      scales: { x: { time: true, range: (_, low, high) => [low - pad, high + pad] }, y: { range: made.range } },
    }, made.values, place);
    charts.set(place, plot);
  }

  function drawAll(within) {
    if (typeof uPlot === "undefined") return;
    for (const place of within.querySelectorAll(".chart[data-chart]")) draw(place);
  }

  addEventListener("DOMContentLoaded", () => drawAll(document));
  document.addEventListener("htmx:afterSwap", (event) => drawAll(event.target));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll(document));
  let resizing = 0;
  addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(() => drawAll(document), 150); });

  // Whoever reads the page should not lose their place: a part is not replaced while text in it is selected,
  // or while the page is hidden.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const selection = getSelection();
    const isReading = selection && !selection.isCollapsed && event.target.contains(selection.anchorNode);
    if (event.target.id === "live" && (document.hidden || isReading)) event.preventDefault();
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    if (event.key === "/") {
      const field = document.querySelector("[data-key='/']");
      if (field) { event.preventDefault(); field.focus(); field.select(); }
    }
    if (event.key === "n" && !document.querySelector(".viewer")) document.querySelector(".pager a[rel=next]")?.click();
  });
})();

// The living part of the page: times in the reader's own clock, the charts, and what has changed since.
"use strict";
(() => {
  const POLL_MS = 3000, SLOWEST_POLL_MS = 30000, TICK_MS = 1000;
  const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 345600, 604800, 1209600];
  const byId = (id) => document.getElementById(id);

  // --- times ---------------------------------------------------------------------------------------------------------
  const span = (seconds) => {
    let left = Math.max(0, Math.round(seconds));
    const parts = [];
    for (const [unit, size] of UNITS) {
      const count = Math.floor(left / size);
      left -= count * size;
      if (count) parts.push(`${count} ${unit}`);
    }
    return parts.slice(0, 2).join(" ") || "0 s";
  };
  const clock = (at) => new Date(at * 1000).toLocaleString(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
  const near = (at, now) => (at > now ? `in ${span(at - now)}` : `${span(now - at)} ago`);
  const FORMS = { since: (at, now) => span(now - at), near, clock };
  const tell = (root) => {
    const now = Date.now() / 1000;
    for (const time of root.querySelectorAll("time[data-at]")) {
      const text = FORMS[time.dataset.form](Number(time.dataset.at), now);
      if (time.textContent !== text) time.textContent = text;
      if (!time.title) time.title = clock(Number(time.dataset.at));
    }
  };

  // --- charts --------------------------------------------------------------------------------------------------------
  const plots = [];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const figure = (value, unit) => (value == null ? "–" : unit === "ms" ? `${Math.round(value)} ms` : `${Number(value.toPrecision(3))} %`);

  const marks = (boundaries) => (plot) => {
    const { ctx, bbox } = plot, ratio = devicePixelRatio;
    ctx.save();
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.strokeStyle = colour("plan");
    ctx.fillStyle = colour("soft");
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    let free = -Infinity;
    for (const { at, title } of boundaries) {
      const x = Math.max(bbox.left, Math.round(plot.valToPos(at, "x", true)));
      if (x > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const width = ctx.measureText(title).width;
      if (x >= free && x + width < bbox.left + bbox.width + 8 * ratio) {
        ctx.fillText(title, x + 3 * ratio, bbox.top + 10 * ratio);
        free = x + width + 8 * ratio;
      }
    }
    ctx.restore();
  };

  const top = (chart) => {
    let limit = 0, most = 0;
    for (const line of chart.lines) {
      const highest = Math.max(0, ...line.values.filter((value) => value != null));
      if (line.role === "limit") limit = Math.max(limit, highest);
      else most = Math.max(most, highest);
    }
    return Math.max(limit * 1.6, most * 1.25) || 1;
  };

  const series = (chart) => {
    const drawn = [{}], data = [chart.times], bands = [], few = chart.times.length < 40;
    for (const line of chart.lines) {
      const dashed = line.role === "limit" || line.role === "plan";
      data.push(line.values);
      drawn.push({ stroke: colour(line.role), width: dashed ? 1.5 : 2.25, dash: dashed ? [5, 4] : undefined, points: { show: few && !dashed, size: 5, fill: colour(line.role) } });
      if (line.low.length) {
        data.push(line.high, line.low);
        const unseen = { stroke: "transparent", width: 0, points: { show: false } };
        drawn.push(unseen, { ...unseen });
        bands.push({ series: [data.length - 2, data.length - 1], fill: colour(line.role === "control" ? "band-control" : "band") });
      }
    }
    return { drawn, data, bands };
  };

  const draw = (box, chart, boundaries) => {
    const plot = box.querySelector(".plot"), values = box.querySelectorAll(".legend b");
    plot.replaceChildren();
    plot.classList.toggle("bare", !chart.times.length);
    if (!chart.times.length) {
      plot.textContent = "nothing measured yet";
      return null;
    }
    const { drawn, data, bands } = series(chart), most = top(chart);
    const legend = (index) => {
      chart.lines.forEach((line, at) => {
        const last = line.values.findLast((value) => value != null);
        values[at].textContent = figure(index == null ? last : line.values[index], chart.unit);
      });
    };
    const axis = { stroke: colour("soft"), font: "11px system-ui, sans-serif", grid: { stroke: colour("grid"), width: 1 }, ticks: { show: false } };
    legend(null);
    return new uPlot({
      width: plot.clientWidth, height: plot.clientHeight, series: drawn, bands,
      legend: { show: false }, padding: [6, 12, 0, 0],
      cursor: { y: false, sync: { key: "ramp" }, drag: { x: false, y: false }, points: { size: 7 } },
      scales: { x: { time: false }, y: { range: [0, most] } },
      axes: [
        { ...axis, size: 28, space: 70, incrs: STEPS, values: (_, ticks) => ticks.map((tick) => (tick ? span(tick) : "0")) },
        { ...axis, size: 52, space: 34, values: (_, ticks) => ticks.map((tick) => `${Number(tick.toPrecision(4))} ${chart.unit}`) },
      ],
      hooks: { drawAxes: [marks(boundaries)], setCursor: [(at) => legend(at.cursor.idx)] },
    }, data, plot);
  };

  let shown = null;
  const drawAll = (data) => {
    shown = data;
    while (plots.length) plots.pop().destroy();
    for (const box of document.querySelectorAll("[data-chart]")) {
      const plot = draw(box, data.charts[box.dataset.chart], data.boundaries);
      if (plot) plots.push(plot);
    }
    if (Object.values(data.charts).some((chart) => chart.times.length)) byId("no-looks")?.remove();
  };
  const resize = () => plots.forEach((plot) => {
    const box = plot.root.parentElement;
    if (box.clientWidth !== plot.width) plot.setSize({ width: box.clientWidth, height: box.clientHeight });
  });

  // --- what has changed ----------------------------------------------------------------------------------------------
  const replace = (id, html) => {
    const section = byId(id);
    if (!section || section.dataset.html === html) return;
    const focused = section.contains(document.activeElement) ? document.activeElement.id : "";
    const open = [...section.querySelectorAll("details[open]")].length;
    section.innerHTML = html;
    section.dataset.html = html;
    tell(section);
    if (open) section.querySelectorAll("details").forEach((details) => { details.open = true; });
    if (focused) (byId(focused) || byId("main")).focus({ preventScroll: true });
  };

  const connection = (state, text) => {
    const said = byId("connection");
    if (said.textContent !== text) said.textContent = text;
    said.className = `connection ${state}`;
  };

  const live = async (address) => {
    let pause = POLL_MS, charts = "", news = null;
    for (;;) {
      if (!document.hidden) {
        try {
          const answer = await fetch(`${address}?charts=${charts}`, { cache: "no-store", headers: { accept: "application/json" } });
          if (!answer.ok) throw new Error(String(answer.status));
          const now = await answer.json();
          for (const [id, html] of Object.entries(now.sections)) replace(id, html);
          if (now.charts) drawAll(now.charts);
          charts = now.charts_version || "";
          if (now.title) document.title = now.title;
          if (news !== null && news !== now.news) byId("news").textContent = now.news;
          news = now.news;
          pause = POLL_MS;
          if (now.ended) return connection("ended", "ended");
          connection("", "live");
        } catch {
          pause = Math.min(pause * 2, SLOWEST_POLL_MS);
          connection("lost", `no answer, trying again in ${Math.round(pause / 1000)} s`);
        }
      }
      await new Promise((done) => { setTimeout(done, pause); });
    }
  };

  const fields = async (box) => {
    try {
      const answer = await fetch(box.dataset.fields, { headers: { accept: "text/html" } });
      if (!answer.ok) throw new Error(String(answer.status));
      box.innerHTML = await answer.text();
    } catch {
      box.textContent = "The comparator's log could not be read just now; the counts of the checks stand without it.";
    }
    box.setAttribute("aria-busy", "false");
  };

  // --- forms: one click is one word ----------------------------------------------------------------------------------
  document.addEventListener("submit", (event) => {
    setTimeout(() => event.target.querySelectorAll("button").forEach((button) => { button.disabled = true; }));
  });
  addEventListener("pageshow", () => document.querySelectorAll("button").forEach((button) => { button.disabled = false; }));

  tell(document);
  setInterval(() => tell(document), TICK_MS);
  const data = byId("chart-data");
  if (data) drawAll(JSON.parse(data.textContent));
  new ResizeObserver(resize).observe(document.body);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => shown && drawAll(shown));
  if (byId("fields")?.dataset.fields) fields(byId("fields"));
  if (document.body.dataset.live) live(document.body.dataset.live);
})();

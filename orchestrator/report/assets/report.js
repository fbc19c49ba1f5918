"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (id) => document.getElementById(id);
  const colour = (index) => (index === null || index === undefined ? "var(--grey)" : `var(--c${index % 7})`);

  /* Text and numbers. */
  const short = (value) => {
    if (value === null || value === undefined) return "none";
    const size = Math.abs(value);
    if (size >= 1e6 || (size > 0 && size < 1e-4)) return value.toExponential(1).replace("e+", "e");
    return Number(value.toPrecision(4)).toLocaleString("en", { maximumFractionDigits: 8 });
  };
  const brief = (value) => {
    if (Math.abs(value) >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
    if (Math.abs(value) >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`;
    return short(value);
  };
  const element = (name, attributes = {}, text = "") => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text) made.textContent = text;
    return made;
  };
  const drawn = (name, attributes = {}, text = "") => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text) made.textContent = text;
    return made;
  };

  /* Light and dark: as the system has it, until somebody says otherwise. */
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const themed = () => (root.dataset.theme = system.matches ? "dark" : "light");
  themed();
  system.addEventListener("change", themed);
  one("theme").addEventListener("click", () => (root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark"));

  /* Downloads. A cell that a spreadsheet would take for a formula is told to be text. */
  const quoted = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    const safe = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const download = (name, lines) => {
    const content = lines.map((line) => line.map(quoted).join(",")).join("\r\n");
    const link = element("a", { href: URL.createObjectURL(new Blob([content + "\r\n"], { type: "text/csv" })), download: `${name}.csv` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };

  /* Tables: sort by a column, filter by a word and a status, download. */
  for (const sheet of all(".sheet")) {
    const body = sheet.querySelector("tbody");
    const lines = [...body.rows];
    const heads = all("th", sheet);
    const value = (line, column) => line.cells[column].dataset.value;
    const sort = (head) => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const column = heads.indexOf(head);
      const numeric = head.classList.contains("n");
      lines.sort((left, right) => {
        const [a, b] = [value(left, column), value(right, column)];
        if (a === "" || b === "") return (a === "") - (b === "");
        const order = numeric ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true });
        return down ? -order : order;
      });
      body.append(...lines);
    };
    heads.forEach((head) => head.querySelector("[data-sort]")?.addEventListener("click", () => sort(head)));
    const [word, status, count] = ["[data-filter]", "select[data-status]", "[data-count]"].map((name) => sheet.querySelector(name));
    const texts = new Map(lines.map((line) => [line, line.textContent.toLowerCase()]));
    const filter = () => {
      const wanted = word.value.trim().toLowerCase().split(/\s+/);
      for (const line of lines) {
        const fits = wanted.every((part) => texts.get(line).includes(part));
        line.hidden = !fits || Boolean(status?.value && line.dataset.status !== status.value);
      }
      const shown = lines.filter((line) => !line.hidden).length;
      count.textContent = shown === lines.length ? `${shown}` : `${shown} of ${lines.length}`;
    };
    if (word) {
      word.addEventListener("input", filter);
      status?.addEventListener("change", filter);
      filter();
    }
    sheet.querySelector("[data-csv]").addEventListener("click", () => {
      const shown = [...body.rows].filter((line) => !line.hidden);
      download(sheet.id, [heads.map((head) => head.dataset.name), ...shown.map((line) => heads.map((_, column) => value(line, column)))]);
    });
    for (const line of lines) {
      const contender = data.contenders[line.dataset.contender];
      if (contender && contender.colour !== null) line.style.setProperty("--swatch", colour(contender.colour));
    }
  }

  /* What the pointer is at. */
  const tip = one("tip");
  const show = (event, text) => {
    tip.textContent = text;
    tip.hidden = false;
    const room = 12;
    const left = event.clientX + room + tip.offsetWidth > innerWidth ? event.clientX - room - tip.offsetWidth : event.clientX + room;
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${Math.max(4, Math.min(event.clientY + room, innerHeight - tip.offsetHeight - 4))}px`;
  };
  const hide = () => (tip.hidden = true);

  /* Scales. */
  const scale = (low, high, from, to, log) => {
    if (low === high) [low, high] = log ? [low / 2, high * 2] : [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
    const map = log ? Math.log : (value) => value;
    const at = (value) => from + ((map(value) - map(low)) / (map(high) - map(low))) * (to - from);
    const ticks = [];
    if (log) {
      for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
        for (const part of high / low > 300 ? [1] : [1, 2, 5]) if (part * 10 ** power >= low * 0.999 && part * 10 ** power <= high * 1.001) ticks.push(part * 10 ** power);
    }
    if (ticks.length < 2) {
      ticks.length = 0;
      const rough = (high - low) / Math.max(2, Math.abs(to - from) / 75);
      const unit = 10 ** Math.floor(Math.log10(rough));
      const step = [1, 2, 2.5, 5, 10].find((part) => part * unit >= rough) * unit;
      for (let tick = Math.ceil(low / step - 1e-9); tick * step <= high + step * 1e-9; tick++) ticks.push(tick * step);
    }
    return { at, ticks };
  };
  const frame = (svg, box, x, y, bottom) => {
    for (const tick of y.ticks) {
      svg.append(drawn("line", { class: "grid", x1: box.left, x2: box.right, y1: y.at(tick), y2: y.at(tick) }));
      svg.append(drawn("text", { x: box.left - 8, y: y.at(tick) + 4, "text-anchor": "end" }, brief(tick)));
    }
    for (const tick of x.ticks) svg.append(drawn("text", { x: x.at(tick), y: box.bottom + 17, "text-anchor": "middle" }, brief(tick)));
    if (bottom) svg.append(drawn("text", { x: box.right, y: box.bottom + 33, "text-anchor": "end" }, bottom));
  };
  const path = (points) => {
    let told = "";
    let pen = "M";
    for (const [x, y] of points) {
      if (y === null) { pen = "M"; continue; }
      told += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
      pen = "L";
    }
    return told;
  };
  const MARKS = {
    finished: (x, y) => drawn("circle", { cx: x, cy: y, r: 3.5 }),
    pruned: (x, y) => drawn("path", { d: `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`, "stroke-width": 2, fill: "none" }),
    stopped: (x, y) => drawn("rect", { x: x - 3.5, y: y - 3.5, width: 7, height: 7 }),
    failed: (x, y) => drawn("path", { d: `M${x} ${y - 5}l5 9h-10z` }),
    running: (x, y) => drawn("circle", { cx: x, cy: y, r: 3.5, "stroke-width": 1.8, style: "fill:var(--paper)" }),
  };
  const mark = (status, x, y, paint) => {
    const made = (MARKS[status] || MARKS.running)(x, y);
    made.style.stroke = paint;
    if (!made.style.fill && made.getAttribute("fill") !== "none") made.style.fill = paint;
    return made;
  };

  /* Learning curves: the mean over seeds, an ended one contributing its last. */
  const curve = (contender, metric, axis) => {
    const seeds = (contender.scores[metric] || []).filter((series) => series.some((value) => value !== null));
    const ends = contender.ends[metric];
    const held = seeds.map((series) => {
      let last = null;
      return series.map((value) => (last = value === null ? last : value));
    });
    const points = contender[axis].map((x, tick) => {
      const known = held.map((series) => series[tick]).filter((value) => value !== null);
      if (!known.length) return null;
      const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
      const [low, high] = known.length > 1 ? [Math.min(...known), Math.max(...known)] : ends ? [ends[0][tick], ends[1][tick]] : [null, null];
      return { x, mean, low, high, step: contender.steps[tick] };
    });
    return { points: points.filter(Boolean), seeds, xs: contender[axis] };
  };
  const selection = { contender: null };
  const drawChart = (holder, facet, metric, axis, log) => {
    holder.replaceChildren();
    const members = data.contenders.map((contender, number) => ({ contender, number, ...curve(contender, metric, axis) })).filter((each) => each.contender.facet === facet && each.points.length);
    if (data.facets.length > 1) holder.append(element("h3", {}, data.facets[facet]));
    if (!members.length) {
      holder.append(element("p", { class: "empty" }, `No tick has been scored by ${metric} yet.`));
      return;
    }
    const width = Math.max(280, holder.clientWidth);
    const height = Math.round(Math.min(360, Math.max(230, width * 0.52)));
    const box = { left: 52, right: width - 10, top: 12, bottom: height - 38 };
    const values = members.flatMap((each) => each.points.map((point) => point.mean)).sort((a, b) => a - b);
    const bands = members.filter((each) => each.contender.colour !== null).flatMap((each) => each.points.flatMap((point) => [point.low, point.high])).filter((value) => value !== null);
    const floor = data.floors[metric][facet];
    let low = Math.min(values[0], ...bands, floor ?? Infinity);
    let high = Math.max(values[values.length - 1], ...bands, floor ?? -Infinity);
    const logarithmic = log && low > 0;
    if (!logarithmic && low > 0 && low < high / 3) low = 0;
    const xs = members.flatMap((each) => each.points.map((point) => point.x));
    const x = scale(Math.min(0, ...xs), Math.max(...xs), box.left, box.right, false);
    const y = scale(low, high, box.bottom, box.top, logarithmic);
    const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": `${metric} of ${members.length} contenders against ${axis}${data.facets.length > 1 ? ` on ${data.facets[facet]}` : ""}` });
    frame(svg, box, x, y, axis === "images" ? "real images shown" : axis);
    if (floor !== null && floor !== undefined) {
      svg.append(drawn("line", { class: "floor", x1: box.left, x2: box.right, y1: y.at(floor), y2: y.at(floor) }));
      svg.append(drawn("text", { x: box.right, y: y.at(floor) - 5, "text-anchor": "end" }, "perfect"));
    }
    const spots = [];
    for (const each of [...members].reverse()) {
      const { contender, points, seeds, number } = each;
      const told = contender.colour !== null;
      const paint = colour(contender.colour);
      const group = drawn("g", { "data-number": number });
      if (selection.contender !== null && selection.contender !== number) group.setAttribute("class", "faded");
      if (told && points.some((point) => point.low !== null)) {
        const known = points.filter((point) => point.low !== null);
        const outline = [...known.map((point) => [x.at(point.x), y.at(point.high)]), ...[...known].reverse().map((point) => [x.at(point.x), y.at(Math.max(point.low, logarithmic ? low : -Infinity))])];
        group.append(drawn("path", { class: "band", d: `${path(outline)}Z`, style: `fill:${paint}` }));
      }
      if (told && seeds.length > 1)
        for (const series of seeds) group.append(drawn("path", { class: "seed", d: path(series.map((value, tick) => [x.at(each.xs[tick]), value === null ? null : y.at(value)])), style: `stroke:${paint}` }));
      const line = drawn("path", { class: `line${told ? "" : members.length > 60 ? " other many" : " other"}${selection.contender === number ? " strong" : ""}`, d: path(points.map((point) => [x.at(point.x), y.at(point.mean)])) });
      if (told || selection.contender === number) line.style.stroke = paint;
      group.append(line);
      const end = points[points.length - 1];
      const made = mark(contender.status, x.at(end.x), y.at(end.mean), paint);
      if (!told) made.setAttribute("opacity", ".6");
      group.append(made);
      for (const point of points)
        if (String(point.step) in contender.clones) group.append(drawn("path", { d: `M${x.at(point.x)} ${y.at(point.mean) - 6}l5 6l-5 6l-5 -6z`, style: `stroke:${paint};fill:var(--paper);stroke-width:1.6` }));
      svg.append(group);
      for (const point of points) spots.push({ x: x.at(point.x), y: y.at(point.mean), point, each, last: point === end });
    }
    svg.addEventListener("pointermove", (event) => {
      const bounds = svg.getBoundingClientRect();
      const zoom = width / bounds.width;
      const [px, py] = [(event.clientX - bounds.left) * zoom, (event.clientY - bounds.top) * zoom];
      const near = spots.reduce((best, spot) => { const away = (spot.x - px) ** 2 + (spot.y - py) ** 2; return away < best.away ? { spot, away } : best; }, { away: 900 }).spot;
      if (!near) return hide();
      const { contender, seeds } = near.each;
      const spread = near.point.low === null ? "" : ` (${short(near.point.low)} to ${short(near.point.high)})`;
      const ending = near.last && contender.status !== "finished" ? `\n${contender.status}${contender.reason ? `: ${contender.reason.slice(0, 200)}` : ""}` : "";
      const copied = contender.clones[near.point.step] ? `\n${contender.clones[near.point.step].slice(0, 200)}` : "";
      show(event, `${contender.label.slice(0, 80)}${seeds.length > 1 ? `, mean of ${seeds.length} seeds` : ""}\n${metric} ${short(near.point.mean)}${spread}\n${short(near.point.x)} ${axis}${copied}${ending}`);
    });
    svg.addEventListener("pointerleave", hide);
    holder.append(svg);
    const legend = element("div", { class: "legend", role: "group", "aria-label": "Contenders of the chart" });
    for (const { contender, number } of members.filter((each) => each.contender.colour !== null)) {
      const button = element("button", { type: "button", "aria-pressed": String(selection.contender === number), style: `--swatch:${colour(contender.colour)}` });
      button.append(element("i"), document.createTextNode(contender.label));
      button.addEventListener("click", () => {
        selection.contender = selection.contender === number ? null : number;
        curves();
        all(`.legend button`).find((other) => other.textContent === contender.label)?.focus();
      });
      legend.append(button);
    }
    const others = members.filter((each) => each.contender.colour === null).length;
    if (others) legend.append(element("span", { class: "muted", style: "padding:4px 8px" }, `and ${others} more in grey`));
    holder.append(legend);
  };
  const charts = one("charts") || element("div");
  const [metricChoice, axisChoice, logChoice] = ["metric", "axis", "log"].map(one);
  for (const metric of data.metrics) metricChoice.append(element("option", {}, metric));
  if (axisChoice) axisChoice.value = data.unit;
  const facets = data.facets.map((_, facet) => {
    const holder = element("div", { class: "chart" });
    charts.append(holder);
    return [holder, facet];
  });
  const curves = () => {
    if (!data.metrics.length) return charts.replaceChildren(element("p", { class: "empty" }, "No tick has been scored yet."));
    for (const [holder, facet] of facets) drawChart(holder, facet, metricChoice.value, axisChoice.value, logChoice.checked);
  };
  [metricChoice, axisChoice, logChoice].forEach((choice) => choice?.addEventListener("change", curves));
  one("curves-csv")?.addEventListener("click", () => {
    const lines = [["contender", "variant", "run_id", "data", "seed", "step", "images", "seconds", "metric", "value"]];
    for (const each of data.contenders)
      for (const [metric, seeds] of Object.entries(each.scores))
        seeds.forEach((series, index) => series.forEach((value, tick) => {
          if (value !== null) lines.push([each.label, each.variant, each.run, data.facets[each.facet], each.seeds[index], each.steps[tick], each.images[tick], each.seconds[tick], metric, value]);
        }));
    download("curves", lines);
  });

  /* Samples: one slider moves every card of its ranking. */
  const bars = (holder, shares, paint) => {
    holder.replaceChildren();
    if (!shares) return;
    const [width, height, gap] = [200, 34, shares.length > 40 ? 0 : 1.5];
    const svg = drawn("svg", { viewBox: `0 0 ${width} ${height + 2}`, role: "img", "aria-label": `share of each of ${shares.length} modes: ${shares.map((share) => `${Math.round(share * 100)} %`).slice(0, 25).join(", ")}` });
    const step = width / shares.length;
    const most = Math.max(2 / shares.length, ...shares);
    shares.forEach((share, mode) => svg.append(drawn("rect", { x: mode * step, width: Math.max(0.5, step - gap), y: height - (share / most) * height, height: (share / most) * height + 1, style: `fill:${paint}` })));
    const even = height - height / shares.length / most;
    svg.append(drawn("line", { class: "floor", x1: 0, x2: width, y1: even, y2: even }));
    holder.append(svg);
  };
  for (const album of all("[data-album]")) {
    const slider = album.querySelector("input");
    const ticks = slider ? slider.dataset.ticks.split(",").map(Number) : [Infinity];
    const unit = data.contenders.every((each) => each.images.every((value) => !value)) ? "steps" : "images";
    const move = () => {
      const at = ticks[slider ? Number(slider.value) : 0];
      if (slider) {
        const told = `${at.toLocaleString("en")} ${unit}`;
        album.querySelector("output").textContent = told;
        slider.setAttribute("aria-valuetext", told);
      }
      for (const figure of all("figure", album)) {
        const contender = data.contenders[figure.dataset.contender];
        const pictures = all("img", figure);
        const shown = pictures.filter((picture) => Number(picture.dataset.at) <= at).pop() || pictures[0];
        pictures.forEach((picture) => (picture.hidden = picture !== shown));
        const last = shown === pictures[pictures.length - 1];
        figure.classList.toggle("over", last && Number(shown.dataset.at) < at);
        figure.querySelector(".ended").hidden = !last || contender.status === "finished";
        const tick = contender.steps.indexOf(Number(shown.dataset.step));
        const seed = contender.seeds.indexOf(Number(figure.dataset.seed));
        const value = contender.scores[contender.objective]?.[seed]?.[tick];
        figure.querySelector(".told").textContent = value === null || value === undefined ? "" : `${contender.objective} ${short(value)}`;
        const modes = figure.querySelector(".modes");
        if (modes) bars(modes, shown.dataset.shares?.split(",").map(Number), colour(contender.colour ?? 0));
      }
    };
    slider?.addEventListener("input", move);
    move();
  }

  /* What was tried: cost and each searched hyperparameter against the score. */
  const variants = [...new Set(data.contenders.map((each) => each.variant))];
  const SHAPES = [
    (x, y) => drawn("circle", { cx: x, cy: y, r: 4.4 }),
    (x, y) => drawn("rect", { x: x - 4, y: y - 4, width: 8, height: 8 }),
    (x, y) => drawn("path", { d: `M${x} ${y - 5.4}l5.2 9.4h-10.4z` }),
    (x, y) => drawn("path", { d: `M${x} ${y - 5.8}l5.2 5.8l-5.2 5.8l-5.2 -5.8z` }),
    (x, y) => drawn("path", { d: `M${x} ${y + 5.4}l5.2 -9.4h-10.4z` }),
  ];
  const shaped = (variant, x, y) => SHAPES[Math.max(0, variants.indexOf(variant)) % SHAPES.length](x, y);
  const panel = (title, members, raw, front) => {
    const numeric = raw.every((value) => value !== "" && Number.isFinite(Number(value)));
    const names = [...new Set(raw)].sort();
    const xs = raw.map((value) => (numeric ? Number(value) : names.indexOf(value)));
    const ys = members.map((contender) => contender.score);
    const [width, height] = [320, 215];
    const box = { left: 46, right: width - 6, top: 8, bottom: height - 24 };
    const spread = (values, ratio) => Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) >= ratio;
    const y = scale(Math.min(...ys), Math.max(...ys), box.bottom - 8, box.top + 8, spread(ys, 8));
    const x = scale(Math.min(...xs), Math.max(...xs), box.left + 14, box.right - 14, numeric && spread(xs, 4));
    const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `score of ${members.length} contenders against ${title}` });
    if (!numeric) x.ticks = [];
    frame(svg, box, x, y);
    if (!numeric) names.slice(0, 6).forEach((name, index) => svg.append(drawn("text", { x: x.at(index), y: box.bottom + 17, "text-anchor": "middle" }, name.slice(0, 14))));
    const edge = members.map((contender, index) => [x.at(xs[index]), y.at(ys[index]), contender]).filter((spot) => front && spot[2].front.includes(front)).sort((a, b) => a[0] - b[0]);
    if (edge.length > 1) svg.append(drawn("path", { class: "floor", fill: "none", d: path(edge) }));
    [...members.keys()].reverse().forEach((index) => {
      const contender = members[index];
      const paint = colour(contender.colour);
      const aside = numeric ? 0 : (((index * 0.618) % 1) - 0.5) * 30; // what is equal would hide what is below
      const dot = shaped(contender.variant, x.at(xs[index]) + aside, y.at(ys[index]));
      const faint = contender.colour === null && members.length > 60 ? 0.45 : 1;
      dot.setAttribute("style", `stroke:${paint};stroke-width:1.7;fill:${contender.final ? paint : "var(--paper)"};fill-opacity:.85;opacity:${faint}`);
      const at = numeric ? short(xs[index]) : raw[index].slice(0, 80);
      dot.addEventListener("pointerenter", (event) => show(event, `${contender.label.slice(0, 80)}\n${contender.objective} ${short(ys[index])}${contender.final ? "" : " at its last tick"}\n${title} ${at}\n${contender.status}`));
      dot.addEventListener("pointerleave", hide);
      svg.append(dot);
    });
    const made = element("div", { class: "chart" });
    made.append(element("h3", {}, title), svg);
    return made;
  };
  const expectation = ({ metric, facet, draws, points }) => {
    const unit = "device_seconds" in points[0].costs ? "device_seconds" : "images";
    const known = points.filter((point) => point.expected !== null);
    const [width, height] = [320, 215];
    const box = { left: 46, right: width - 6, top: 8, bottom: height - 24 };
    const ys = known.flatMap((point) => [point.expected, point.low, point.high]).filter((value) => value !== null);
    const x = scale(0, known[known.length - 1].costs[unit], box.left, box.right, false);
    const y = scale(Math.min(...ys), Math.max(...ys), box.bottom - 8, box.top + 8, false);
    const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `the best ${metric} to expect against ${unit}` });
    frame(svg, box, x, y);
    const bounded = known.filter((point) => point.low !== null && point.high !== null);
    const outline = [...bounded.map((point) => [x.at(point.costs[unit]), y.at(point.high)]), ...[...bounded].reverse().map((point) => [x.at(point.costs[unit]), y.at(point.low)])];
    if (bounded.length > 1) svg.append(drawn("path", { class: "band", d: `${path(outline)}Z`, style: "fill:var(--c0)" }));
    svg.append(drawn("path", { class: "line", style: "stroke:var(--c0)", d: path(known.map((point) => [x.at(point.costs[unit]), y.at(point.expected)])) }));
    const made = element("div", { class: "chart" });
    made.append(element("h3", {}, `Best ${metric} to expect${data.facets.length > 1 ? ` on ${facet}` : ""}`), svg, element("p", { class: "muted small" }, `against ${unit.replace("_", " ")} spent, from ${draws} independent draws; the band is that of the median, 95 % for all points at once`));
    return made;
  };
  const drawTried = () => {
    const holder = one("tried");
    if (!holder) return;
    const scored = data.contenders.filter((each) => each.score !== null && each.score !== undefined && !each.baseline);
    const objectives = new Set(scored.map((each) => each.objective));
    const cost = ["device_seconds", "seconds"].find((name) => scored.some((each) => name in each.costs));
    for (const objective of objectives) {
      const among = scored.filter((each) => each.objective === objective);
      const suffix = objectives.size > 1 ? ` (${objective})` : "";
      for (const param of data.params.slice(0, 12)) {
        const members = among.filter((each) => param in each.params);
        const weight = data.importance[param];
        const title = `${param}${suffix}${weight === undefined ? "" : `, importance ${weight.toFixed(2)}`}`;
        if (members.length > 1) holder.append(panel(title, members, members.map((each) => each.params[param])));
      }
      const paid = among.filter((each) => cost in each.costs);
      if (data.facets.length === 1 && new Set(paid.map((each) => each.costs[cost])).size > 1) holder.append(panel(`${cost.replace("_", " ")}${suffix}, with the Pareto front`, paid, paid.map((each) => each.costs[cost]), cost));
    }
    for (const told of data.expected) holder.append(expectation(told));
    one("untried").hidden = holder.childElementCount > 0;
    if (!holder.childElementCount || variants.length < 2) return;
    const legend = element("div", { class: "legend", style: "grid-column:1/-1" });
    for (const variant of variants.slice(0, 12)) {
      const sign = drawn("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" });
      const shape = shaped(variant, 6, 6);
      shape.setAttribute("style", "fill:var(--muted)");
      sign.append(shape);
      const entry = element("span");
      entry.append(sign, document.createTextNode(variant));
      legend.append(entry);
    }
    holder.append(legend);
  };

  curves();
  drawTried();
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) curves();
    width = innerWidth;
  });
})();

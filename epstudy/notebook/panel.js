// The live half of a panel: draws what the traits say, and sends what is clicked. Whatever comes from models or users is
// set as text, never as HTML. One canvas cell a variant: the page has as many nodes for ten variants as for 100,000.

const PARTS = [
  // the bar, in its order; the colours are those of snapshot.py
  ["done", "#0072b2", "done"],
  ["cached", "#56b4e9", "from the store"],
  ["running", "#e69f00", "running"],
  ["waiting", "#c9c9c9", "waiting"],
  ["failed", "#d55e00", "failed"],
  ["cancelled", "#7f7f7f", "cancelled"],
];
const IN_THE_DARK = { waiting: "#5c5c5c", cancelled: "#a3a3a3" }; // what waits is not what stands out
const isDark = () => document.body.dataset.jpThemeLight === "false";
const colourOf = ([name, colour]) => (isDark() && IN_THE_DARK[name]) || colour;
const PART_OF = { p: "waiting", q: "waiting", r: "running", d: "done", h: "cached", f: "failed", c: "cancelled" };
const RANK = { failed: 5, running: 4, waiting: 3, cancelled: 2, done: 1, cached: 0 }; // of several in one cell
const SCALE = ["#00204d", "#2b446e", "#575c6d", "#7c7b78", "#a59c74", "#d2c060", "#ffe945"]; // cividis
const NO_VALUE = 255;
const MAP_HEIGHT = 240;
const UNANSWERED_MS = 3000;
const HINT = "Point at a cell, or use the arrow keys: its parameters and outcome. Click or Enter: all its results.";
const KNOWN = 500; // outcomes that the page remembers

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const packed = ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r; // ImageData as little-endian uint32

function colourScale() {
  const stops = SCALE.map(rgb);
  return Uint32Array.from({ length: 255 }, (_, i) => {
    const at = (i / 254) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    return packed(stops[low].map((from, k) => Math.round(from + (stops[low + 1][k] - from) * (at - low))));
  });
}

function node(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((one) => one !== null && one !== undefined));
  return made;
}

const number = (value) => (value === null || value === undefined ? "" : String(Number(value.toPrecision(6))));
/** Texts of numbers that stand below one another: with as many decimals as the one that needs most. */
function column(values) {
  const texts = values.map(number);
  const most = Math.max(0, ...texts.map((text) => (text.split(".")[1] || "").length));
  return texts.some((text) => text.includes("e")) ? texts : texts.map((text) => text && Number(text).toFixed(most));
}

const percent = (share) => `${Math.round(100 * share)} %`;

function duration(seconds) {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

function clock(ms) {
  const at = new Date(ms);
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return at.toDateString() === new Date().toDateString() ? time : `${at.toLocaleDateString([], { weekday: "short" })} ${time}`;
}

function bytes(view) {
  if (!view || !view.byteLength) return new Uint8Array(0);
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function numbers(view, Kind) {
  const raw = bytes(view);
  return new Kind(raw.slice().buffer, 0, Math.floor(raw.byteLength / Kind.BYTES_PER_ELEMENT));
}

/** Replaces what is in a node when what it is made of has changed; else it, and the keyboard's focus in it, stay. */
function section(holder) {
  let last = null;
  return (data, make) => {
    const text = JSON.stringify(data);
    if (text === last) return;
    last = text;
    holder.replaceChildren(...[make(data)].flat().filter((one) => one !== null));
  };
}

/** The map: where each variant is, and how it is painted. */
class VariantMap {
  constructor(canvas, sizes) {
    this.canvas = canvas;
    this.sizes = sizes; // how many levels each parameter has
    this.buffer = document.createElement("canvas");
    this.scale = colourScale();
    this.selected = -1;
    this.states = new Uint32Array(256);
    this.ranks = new Uint8Array(256);
    for (const [mark, part] of Object.entries(PART_OF)) this.ranks[mark.charCodeAt(0)] = RANK[part];
  }

  layout(width, count) {
    this.count = count;
    this.group = Math.max(1, Math.ceil(count / (width * MAP_HEIGHT))); // variants of one cell
    this.cells = Math.ceil(count / this.group);
    this.side = Math.min(22, Math.max(1, Math.floor(Math.sqrt((width * MAP_HEIGHT) / Math.max(this.cells, 1)))));
    this.columns = Math.max(1, Math.min(Math.floor(width / this.side), this.cells));
    let line = 1; // the longest run of levels that fits: then a parameter stands in a column
    for (const size of [...this.sizes].reverse()) {
      if (line * size > this.columns) break;
      line *= size;
    }
    if (this.group === 1 && line > 1) this.columns -= this.columns % line;
    this.rows = Math.max(1, Math.ceil(this.cells / this.columns));
  }

  index(event) {
    const box = this.canvas.getBoundingClientRect();
    const x = Math.floor((event.clientX - box.left) / this.side);
    const y = Math.floor((event.clientY - box.top) / this.side);
    const index = (y * this.columns + x) * this.group;
    return x < 0 || y < 0 || x >= this.columns || index >= this.count ? -1 : index;
  }

  paint(marks, colours) {
    const { columns, rows, side, canvas, buffer } = this;
    for (const [mark, name] of Object.entries(PART_OF)) {
      this.states[mark.charCodeAt(0)] = packed(rgb(colourOf(PARTS.find(([one]) => one === name))));
    }
    const image = new ImageData(columns, rows);
    const pixels = new Uint32Array(image.data.buffer);
    for (let cell = 0; cell < this.cells; cell++) {
      let index = cell * this.group;
      for (let other = index + 1; other < Math.min((cell + 1) * this.group, this.count); other++) {
        if (this.ranks[marks[other]] > this.ranks[marks[index]]) index = other;
      }
      const value = colours.length ? colours[index] : NO_VALUE;
      pixels[cell] = value === NO_VALUE ? this.states[marks[index]] : this.scale[value];
    }
    buffer.width = columns;
    buffer.height = rows;
    buffer.getContext("2d").putImageData(image, 0, 0);
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(columns * side * ratio);
    canvas.height = Math.round(rows * side * ratio);
    canvas.style.width = `${columns * side}px`;
    canvas.style.height = `${rows * side}px`;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.imageSmoothingEnabled = false;
    context.drawImage(buffer, 0, 0, columns * side, rows * side);
    if (side >= 5) {
      context.globalCompositeOperation = "destination-out"; // gaps between the cells
      for (let x = 1; x <= columns; x++) context.fillRect(x * side - 1, 0, 1, rows * side);
      for (let y = 1; y <= rows; y++) context.fillRect(0, y * side - 1, columns * side, 1);
      context.globalCompositeOperation = "source-over";
    }
    if (this.selected >= 0) {
      const cell = Math.floor(this.selected / this.group);
      const wide = Math.max(side - 1, 6);
      const inside = (place, size) => Math.max(0, Math.min(place * side - (side < 6 ? 3 : 0), size * side - wide)) + 1;
      context.strokeStyle = "#d6006c";
      context.lineWidth = 2;
      context.strokeRect(inside(cell % columns, columns), inside(Math.floor(cell / columns), rows), wide - 2, wide - 2);
    }
  }
}

function paintScatter(canvas, points, binned) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [Math.min(300, canvas.parentElement.clientWidth || 300) - 2, 180]; // and a border
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const count = points.length / 3;
  if (!count) return null;
  const ends = [0, 1].map((k) => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = 0; i < count; i++) {
      low = Math.min(low, points[3 * i + k]);
      high = Math.max(high, points[3 * i + k]);
    }
    return [low, high];
  });
  const place = (value, [low, high], size) => 6 + ((value - low) / (high - low || 1)) * (size - 12);
  let most = 1;
  for (let i = 0; binned && i < count; i++) most = Math.max(most, points[3 * i + 2]);
  context.fillStyle = isDark() ? PARTS[1][1] : PARTS[0][1];
  for (let i = 0; i < count; i++) {
    const x = place(points[3 * i], ends[0], width);
    const y = height - place(points[3 * i + 1], ends[1], height);
    context.globalAlpha = binned ? 0.25 + 0.75 * (points[3 * i + 2] / most) : 0.75;
    if (binned) context.fillRect(x - 2.5, y - 2.2, 5, 4.4);
    else {
      context.beginPath();
      context.arc(x, y, 3, 0, 2 * Math.PI);
      context.fill();
    }
  }
  return ends;
}

function curve(values) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "ep-curve");
  svg.setAttribute("viewBox", "0 0 120 20");
  svg.setAttribute("aria-hidden", "true");
  if (values.length > 1) {
    const most = Math.max(...values) || 1;
    const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    const at = values.map((value, i) => `${((120 * i) / (values.length - 1)).toFixed(1)},${(19 - (18 * value) / most).toFixed(1)}`);
    line.setAttribute("points", at.join(" "));
    svg.append(line);
  }
  return svg;
}

function render({ model, el }) {
  const about = model.get("about");
  const names = about.parameters.map((one) => one.name);
  const pending = new Map(); // what was asked for and not answered yet
  const outcomes = new Map(); // what the kernel said of variants
  let heard = Date.now();
  let marks = new Uint8Array(0);
  let marksAt = 0; // counts up with the marks, coloursAt with the colours: the map is painted when it differs
  let coloursAt = 0;
  let painted = "";
  let drawing = false;
  let wantedLook = 0;
  let pinned = -1;

  // asking -------------------------------------------------------------------------------------------------------
  const said = node("div", { class: "ep-said", role: "status", "aria-live": "polite" });
  const say = (text, isTrouble = false) => {
    said.textContent = text;
    said.classList.toggle("ep-trouble", isTrouble);
  };
  const ask = (what, message = {}, words = null) => {
    const id = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    model.send({ id, do: what, ...message });
    if (!words) return id;
    say(`${words} …`);
    const late = setTimeout(() => {
      const command = ["cancel", "pause", "resume"].includes(what) ? `: ${about.command} ${what} ${about.study}` : "";
      say(
        `${words}: the kernel has not answered yet. It does this when the cell that runs has ended` +
          (command ? `; at once, from a terminal${command}` : "."),
        true,
      );
    }, UNANSWERED_MS);
    pending.set(id, { late, words });
    return id;
  };
  const choose = (message) => ask("choose", message, "reading the results");

  // the parts ----------------------------------------------------------------------------------------------------
  const button = (text, title, onclick) => node("button", { type: "button", class: "ep-button", title, onclick }, text);
  const pauseButton = button("Pause", "Begin nothing more; what runs is finished", () => {
    const view = model.get("view");
    if (view.note.startsWith("paused")) ask("resume", {}, "going on");
    else ask("pause", {}, "pausing");
  });
  const retryButton = button("Retry failed", "Simulate again what failed", () => ask("retry", {}, "trying again"));
  const runButton = button("Go on", "Queue what has no result", () => ask("run", {}, "going on"));
  const cancelButton = button("Cancel", "Stop the study; what is done stays", () => confirm(true));
  const yes = button("Yes, cancel", "Stop what runs, start nothing more", () => {
    confirm(false);
    ask("cancel", {}, "cancelling");
  });
  const no = button("No", "Let the study go on", () => confirm(false));
  const question = node("span", { class: "ep-question", hidden: true }, "Stop what runs? What is done stays. ", yes, " ", no);
  let doubt = 0;
  const confirm = (open) => {
    clearTimeout(doubt);
    const hadFocus = question.contains(document.activeElement);
    question.hidden = !open;
    cancelButton.hidden = open;
    if (open) no.focus();
    else if (hadFocus) cancelButton.focus();
    if (open) doubt = setTimeout(() => confirm(false), 15000);
  };
  yes.classList.add("ep-danger");
  const title = node("div", { class: "ep-title" }, node("b", {}, about.study), node("span", { class: "ep-quiet" }, ` ${about.engine} ${about.build.split("-")[0]}`));
  const head = node("div", { class: "ep-head" }, title, node("div", { class: "ep-buttons" }, question, runButton, pauseButton, retryButton, cancelButton));

  const gone = node("div", { class: "ep-gone", role: "alert", hidden: true });
  const note = node("div", { class: "ep-note" });
  const bar = node("div", { class: "ep-bar", role: "progressbar", "aria-label": `progress of ${about.study}`, "aria-valuemin": 0 });
  const segments = PARTS.map(([name]) => {
    const segment = node("span", { class: `ep-${name}` });
    bar.append(segment);
    return segment;
  });
  const legend = node("div", { class: "ep-legend" });
  const paceLine = node("div", { class: "ep-pace" });

  const canvas = node("canvas", { class: "ep-map", tabindex: 0, role: "img", "aria-label": "one cell a variant; arrow keys go from one to the next" });
  const map = new VariantMap(canvas, about.parameters.map((one) => one.labels.length || 1));
  const spot = node("div", { class: "ep-spot ep-quiet", "aria-live": "polite" }, HINT);
  const detail = node("div", { class: "ep-detail", hidden: true });
  const colourChoice = node("select", { class: "ep-select", "aria-label": "what colours the map", onchange: (event) => choose({ colour: event.target.value === "result" }) },
    node("option", { value: "state" }, "state"), node("option", { value: "result" }, "result"));
  const scaleLine = node("span", { class: "ep-quiet" });
  const mapHead = node("div", { class: "ep-line" }, node("label", {}, "Map by ", colourChoice), " ", scaleLine);
  const mapHolder = node("div", { class: "ep-map-holder" }, canvas);

  const workersHolder = node("div", { class: "ep-workers" });
  let slotsWanted = null; // what was clicked and the pool does not say yet
  const changeSlots = (step, words) => {
    slotsWanted = Math.max(1, (slotsWanted ?? model.get("view").queue.slots) + step);
    ask("slots", { count: slotsWanted }, words);
  };
  const fewer = button("−", "One simulation less at once", () => changeSlots(-1, "one slot less"));
  const more = button("+", "One simulation more at once", () => changeSlots(1, "one slot more"));
  fewer.setAttribute("aria-label", "one slot less");
  more.setAttribute("aria-label", "one slot more");
  const slotsLine = node("span", {});
  const queueLine = node("div", { class: "ep-quiet" });
  const workersPart = node("section", { class: "ep-part" }, node("div", { class: "ep-line" }, node("b", {}, "Workers "), slotsLine, " ", fewer, more), workersHolder, queueLine);

  const failuresHolder = node("div", {});
  const logBox = node("pre", { class: "ep-log", tabindex: 0, hidden: true });
  const failuresPart = node("section", { class: "ep-part", hidden: true }, node("b", {}, "Failures"), failuresHolder, logBox);

  const columnChoice = node("select", { class: "ep-select", "aria-label": "the result that is shown", onchange: (event) => choose({ column: event.target.value }) });
  const orderChoice = node("select", { class: "ep-select", "aria-label": "which end is best", onchange: (event) => choose({ highest: event.target.value === "highest" }) },
    node("option", { value: "lowest" }, "lowest first"), node("option", { value: "highest" }, "highest first"));
  const acrossChoice = node("select", { class: "ep-select", "aria-label": "horizontal axis", onchange: (event) => axes(event) });
  const upChoice = node("select", { class: "ep-select", "aria-label": "vertical axis", onchange: (event) => axes(event) });
  const axes = () => {
    if (acrossChoice.value && upChoice.value) choose({ across: acrossChoice.value, up: upChoice.value });
  };
  const readLine = node("span", { class: "ep-quiet" });
  const latestHolder = node("div", {});
  const bestHolder = node("div", {});
  const scatter = node("canvas", { class: "ep-scatter", role: "img", hidden: true });
  const scatterLine = node("div", { class: "ep-quiet" });
  const resultsPart = node("section", { class: "ep-part" },
    node("div", { class: "ep-line" }, node("b", {}, "Results "), columnChoice, " ", orderChoice, " ", readLine),
    node("div", { class: "ep-columns" },
      node("div", {}, latestHolder), node("div", {}, bestHolder),
      node("div", {}, node("div", { class: "ep-line ep-axes" }, upChoice, "over", acrossChoice), scatter, scatterLine)));

  const code = node("code", {}, about.attach);
  const copy = button("copy", "Copy the line that opens this study in another notebook", () => {
    navigator.clipboard?.writeText(about.attach).then(() => say("copied"), () => say(about.attach));
  });
  const foot = node("div", { class: "ep-foot ep-quiet" }, "From any other notebook: ", code, " ", copy);

  const root = node("div", { class: "epstudy-panel", role: "region", "aria-label": `study ${about.study}` },
    head, gone, said, bar, legend, note, paceLine, mapHead, mapHolder, spot, detail, workersPart, failuresPart, resultsPart, foot);
  el.append(root);

  // what is told -------------------------------------------------------------------------------------------------
  const hasLabels = () => names.length > 0 && bytes(model.get("levels")).length === 2 * model.get("view").total * names.length;
  const label = (index) => {
    const levels = bytes(model.get("levels"));
    const count = model.get("view").total;
    if (!hasLabels()) return "";
    const one = (k) => levels[2 * (k * count + index)] | (levels[2 * (k * count + index) + 1] << 8);
    return names.map((name, k) => `${name} = ${about.parameters[k].labels[one(k)]}`).join(", ");
  };
  const words = (index) => {
    const part = PART_OF[String.fromCharCode(marks[index])] || "waiting";
    return PARTS.find(([name]) => name === part)[2];
  };
  /** What the kernel said of a variant, as long as its state is still the same. */
  const known = (index) => {
    const found = outcomes.get(index);
    return found && found.mark === marks[index] ? found.answer : undefined;
  };
  const headOf = (index) => [`#${index}`, label(index) || known(index)?.label, words(index)].filter(Boolean).join(" · ");
  const describe = (index) => {
    const found = known(index);
    const parts = [headOf(index)];
    if (found?.metrics) {
      const column = model.get("view").choice.column;
      const shown = found.metrics.find(([name]) => name === column) || found.metrics[0];
      if (shown) parts.push(`${shown[0]} = ${number(shown[1])} ${shown[2] === "1" ? "" : shown[2]}`);
    }
    if (found?.message !== undefined) parts.push(`${found.cause}: ${found.message.slice(0, 200)}`);
    return parts.join(" · ");
  };
  const look = (index) => {
    spot.textContent = index < 0 ? HINT : describe(index);
    clearTimeout(wantedLook);
    const part = index < 0 ? "" : PART_OF[String.fromCharCode(marks[index])];
    if ((["done", "cached", "failed"].includes(part) || (part && !hasLabels())) && !known(index)) {
      wantedLook = setTimeout(() => ask("look", { index }), 150);
    }
  };
  const select = (index) => {
    map.selected = index;
    look(index);
    redraw();
  };
  const pin = (index) => {
    pinned = index;
    select(index);
    const found = known(index);
    if (!found) ask("look", { index });
    showDetail();
  };
  const showDetail = () => {
    const found = known(pinned);
    detail.hidden = pinned < 0;
    if (pinned < 0) return;
    const rows = (found?.metrics || []).map(([name, value, unit]) => node("span", {}, `${name}: ${number(value)} ${unit === "1" ? "" : unit}`));
    const failure = found?.message === undefined ? [] : [node("div", {}, `${found.cause}, attempt ${found.attempts}: ${found.message}`)];
    const close = button("close", "Close the details", () => {
      pinned = -1;
      showDetail();
      canvas.focus();
    });
    detail.replaceChildren(node("div", { class: "ep-head" }, headOf(pinned), close), ...failure, node("div", { class: "ep-metrics" }, ...rows));
  };
  canvas.addEventListener("mousemove", (event) => look(map.index(event)));
  canvas.addEventListener("mouseleave", () => look(map.selected));
  canvas.addEventListener("click", (event) => {
    const index = map.index(event);
    if (index >= 0) pin(index);
  });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: map.columns, ArrowUp: -map.columns }[event.key];
    if (step !== undefined) {
      const next = map.selected < 0 ? 0 : map.selected + step * map.group;
      if (next >= 0 && next < map.count) select(next);
    } else if (event.key === "Enter" && map.selected >= 0) pin(map.selected);
    else if (event.key === "Escape") {
      pinned = -1;
      showDetail();
      select(-1);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  // drawing ------------------------------------------------------------------------------------------------------
  const inLegend = section(legend);
  const inPace = section(paceLine);
  const inWorkers = section(workersHolder);
  const inFailures = section(failuresHolder);
  const inLatest = section(latestHolder);
  const inBest = section(bestHolder);
  const inColumns = section(columnChoice);
  const inAcross = section(acrossChoice);
  const inUp = section(upChoice);
  let ages = []; // nodes whose text grows by the second

  const since = () => (Date.now() - heard) / 1000;
  const drawAges = () => ages.forEach(({ target, text, age }) => (target.textContent = text(age + since())));

  function drawWorkers(view) {
    ages = [];
    const aging = (age, text) => {
      const target = node("span", {}, text(age));
      ages.push({ target, text, age });
      return target;
    };
    const median = view.pace.median_s;
    const lane = (one, slot) => {
      if (!one) return node("div", { class: "ep-lane ep-quiet" }, node("span", { class: "ep-slot" }, `slot ${slot + 1}`), node("span", { class: "ep-what" }, view.queue.theirs ? "idle, or another study's" : "idle"));
      const meter = node("span", { class: "ep-meter", title: one.progress === null ? "the engine tells no progress" : percent(one.progress) });
      const fill = node("span", {});
      fill.style.width = one.progress === null ? "0" : percent(one.progress).replace(" ", "");
      meter.append(fill);
      if (one.progress === null) meter.style.visibility = "hidden";
      const beat = one.beat_s > 3 ? aging(one.beat_s, (s) => ` · silent for ${duration(s)}`) : null;
      return node("div", { class: "ep-lane" },
        node("span", { class: "ep-slot" }, `slot ${slot + 1}`),
        node("span", { class: "ep-what", title: one.label }, `#${one.index} ${one.label}`),
        meter,
        node("span", { class: "ep-share" }, one.progress === null ? "" : percent(one.progress)),
        node("span", { class: "ep-age" }, aging(one.age_s, (s) => duration(s) + (median && s / median >= 0.1 ? ` (${(s / median).toFixed(1)} × median)` : "")), beat));
    };
    return view.workers.map((worker) => {
      const heart = worker.beat_s === null ? null : aging(worker.beat_s, (s) => `heard ${duration(s)} ago`);
      const of = worker.host ? `${worker.host}: ${worker.busy} of ${worker.slots} slots` : "a worker that is not heard any more";
      const more_ = [worker.engines, worker.epstudy && `epstudy ${worker.epstudy}`].filter(Boolean).join(", ");
      return node("div", { class: "ep-worker" }, node("div", { class: "ep-quiet" }, `${of}${more_ ? `, ${more_}` : ""}${heart ? " · " : ""}`, heart), ...worker.lanes.map(lane));
    });
  }

  function drawFailures({ failures: groups, groups: all, read, counts }) {
    if (!groups.length) return [];
    const head = node("tr", {}, ...["variants", "cause", "message", "levels", ""].map((text) => node("th", { scope: "col" }, text)));
    const rows = groups.map((one) => node("tr", {},
      node("td", { class: "ep-number" }, String(one.count)),
      node("td", { class: "ep-cause" }, one.cause),
      node("td", { title: one.message }, one.text || one.message),
      node("td", { class: "ep-levels" }, one.levels),
      node("td", { class: "ep-actions" },
        button("log", `The engine's last messages on variant ${one.example}`, () => ask("log", { index: one.example }, "reading the log")),
        button("retry these", `Simulate these ${one.count} again`, () => ask("retry", { cause: one.cause, text: one.text }, "trying again")))));
    const rest = [
      all > groups.length ? `and ${all - groups.length} other messages; failures() has all` : "",
      read.failed < counts.failed ? `${read.failed} of ${counts.failed} failures read` : "",
    ].filter(Boolean);
    const more = rest.length ? node("div", { class: "ep-quiet" }, rest.join("; ")) : null;
    return [node("table", {}, node("thead", {}, head), node("tbody", {}, ...rows)), more];
  }

  const table = (caption, rows) => {
    const values = column(rows.map((one) => one.value));
    const row = (one, k) => node("tr", {},
      node("td", { class: "ep-number" }, `#${one.index}`),
      node("td", { class: "ep-label", title: one.label }, one.label),
      node("td", { class: "ep-number" }, values[k]));
    return rows.length ? [node("table", {}, node("caption", {}, caption), node("tbody", {}, ...rows.map(row)))] : [];
  };
  const spanOf = (name, ends) => {
    const parameter = about.parameters.find((one) => one.name === name);
    const places = parameter && !parameter.numeric && parameter.labels.length; // of what is no number the scatter has the place
    const [low, high] = places ? ends.map((end) => parameter.labels[Math.round(end)]) : ends.map(number);
    return low === high ? `${name} ${low}` : `${name} ${low} to ${high}`;
  };
  const options = (list, chosen) => list.map((name) => node("option", { value: name, selected: name === chosen }, name || "axis"));

  function draw() {
    drawing = false;
    const view = model.get("view");
    const { counts, total, choice, pace, queue } = view;
    PARTS.forEach((part, k) => {
      segments[k].style.width = `${(100 * counts[part[0]]) / Math.max(total, 1)}%`;
      segments[k].style.background = colourOf(part);
    });
    const finished = total - counts.waiting - counts.running;
    bar.setAttribute("aria-valuemax", total);
    bar.setAttribute("aria-valuenow", finished);
    bar.setAttribute("aria-valuetext", `${finished} of ${total} ended, ${counts.failed} failed`);
    inLegend([counts, total, isDark()], () => [
      node("span", {}, `${finished} of ${total} ended:`),
      ...PARTS.filter(([name]) => counts[name]).map((part) => {
        const square = node("span", { class: "ep-square" });
        square.style.background = colourOf(part);
        return node("span", {}, square, ` ${counts[part[0]]} ${part[2]}`);
      }),
    ]);
    note.textContent = view.note;
    note.hidden = !view.note;
    inPace([pace, view.curve, view.ended, Math.round(heard / 1000)], () => {
      const parts = [];
      if (!view.ended && pace.per_minute !== null) parts.push(`${pace.per_minute} a minute`);
      if (pace.soonest_s !== null) {
        const [first, last] = [pace.soonest_s, pace.latest_s].map((s) => clock(heard + 1000 * s));
        const spans = [duration(pace.soonest_s), duration(pace.latest_s)];
        parts.push(`ready at ${first === last ? first : `${first} to ${last}`}, in ${spans[0] === spans[1] ? spans[0] : `${spans[0]} to ${spans[1]}`}`);
      }
      if (pace.quiet_s !== null) parts.push(`nothing has finished for ${duration(pace.quiet_s)}`);
      paceLine.hidden = !parts.length;
      return [view.curve.length > 1 && !view.ended ? curve(view.curve) : null, node("span", { class: pace.quiet_s === null ? "" : "ep-trouble" }, parts.join(" · "))];
    });

    pauseButton.textContent = view.note.startsWith("paused") ? "Resume" : "Pause";
    pauseButton.hidden = view.ended || view.away;
    if (question.hidden) cancelButton.hidden = view.ended;
    retryButton.hidden = view.another || !counts.failed;
    runButton.hidden = view.another || !(view.away || (view.ended && counts.cancelled));

    const width = mapHolder.clientWidth || 600;
    const picture = [width, window.devicePixelRatio, isDark(), marksAt, choice.colour && coloursAt, map.selected].join();
    if (marks.length === total && total && picture !== painted) {
      painted = picture;
      map.layout(width, total);
      map.paint(marks, choice.colour ? bytes(model.get("colours")) : new Uint8Array(0));
    }
    colourChoice.value = choice.colour ? "result" : "state";
    const unit = choice.unit && choice.unit !== "1" ? ` ${choice.unit}` : "";
    scaleLine.textContent = choice.colour && choice.low !== null ? `${choice.column}: ${number(choice.low)} (dark) to ${number(choice.high)}${unit} (light)` : "";

    const { workers } = view;
    workersPart.hidden = view.ended && !counts.running;
    if (queue.slots === slotsWanted) slotsWanted = null;
    slotsLine.textContent = queue.slots ? `${queue.my_slots} of ${queue.slots} slots are this study's` : "none answers (yet)";
    fewer.hidden = more.hidden = !about.private || !queue.slots;
    fewer.disabled = queue.slots <= 1;
    inWorkers([workers, pace.median_s], () => drawWorkers(view));
    const others = queue.others ? `, and ${queue.others} of others before or among them (${queue.studies.join(", ")})` : ", none of others";
    queueLine.textContent = queue.mine ? `Queue: ${queue.mine} of this study ${queue.mine === 1 ? "waits" : "wait"}${others}` : "";

    failuresPart.hidden = !view.failures.length;
    inFailures([view.failures, view.groups, view.read.failed, counts.failed], () => drawFailures(view));

    inColumns([view.columns, choice.column], () => options(view.columns, choice.column));
    columnChoice.value = choice.column;
    orderChoice.value = choice.highest ? "highest" : "lowest";
    const across = ["", ...names, ...view.columns];
    inAcross([across, choice.across], () => options(across, choice.across));
    inUp([view.columns, choice.up], () => options(["", ...view.columns], choice.up));
    const { done, unread } = view.read;
    readLine.textContent = unread || done < counts.done + counts.cached ? `${done} of ${counts.done + counts.cached} results read` : "";
    inLatest([view.latest, choice.column], () => table("latest", view.latest));
    latestHolder.parentElement.hidden = !view.latest.length;
    const end = `${choice.highest ? "highest" : "lowest"}${readLine.textContent ? " of those read" : ""}`;
    inBest([view.best, choice.column, end], () => table(end, view.best));
    resultsPart.hidden = !(counts.done + counts.cached);
    const ends = choice.across && choice.up ? paintScatter(scatter, numbers(model.get("points"), Float32Array), model.get("binned")) : null;
    scatter.hidden = !ends;
    const spans = () => [spanOf(choice.across, ends[0]), spanOf(choice.up, ends[1]), model.get("binned") ? "stronger: more variants" : ""];
    scatterLine.textContent = ends ? spans().filter(Boolean).join("; ") : "";
    scatter.setAttribute("aria-label", scatterLine.textContent);
    if (pinned >= 0) showDetail();
  }
  const redraw = () => {
    if (!drawing) {
      drawing = true;
      requestAnimationFrame(draw);
    }
  };

  function takeMarks() {
    marks = bytes(model.get("marks")).slice();
    const changes = bytes(model.get("changes"));
    const view = new DataView(changes.buffer, changes.byteOffset, changes.byteLength);
    for (let at = 0; at + 5 <= changes.length; at += 5) marks[view.getUint32(at, true)] = changes[at + 4];
    marksAt += 1;
    redraw();
  }

  function takeColours() {
    coloursAt += 1;
    redraw();
  }

  function takeAnswer() {
    const answer = model.get("told");
    if (answer.do === "look" && answer.index !== undefined) {
      if (outcomes.size > KNOWN) outcomes.clear();
      outcomes.set(answer.index, { mark: marks[answer.index], answer });
      if (map.selected === answer.index || spot.textContent.startsWith(`#${answer.index} `)) spot.textContent = describe(answer.index);
      showDetail();
    }
    const asked = pending.get(answer.id);
    if (!asked) return;
    clearTimeout(asked.late);
    pending.delete(answer.id);
    if (answer.do === "slots" && answer.trouble) slotsWanted = null;
    if (answer.trouble) say(`${asked.words}: ${answer.trouble}`, true);
    else say("");
    if (answer.do === "retry" || answer.do === "run") outcomes.clear();
    if (answer.log) {
      logBox.hidden = false;
      logBox.textContent = answer.log.length ? answer.log.join("\n") : "the engine left no messages";
      logBox.scrollTop = logBox.scrollHeight;
      logBox.focus();
    }
  }

  function takeView() {
    heard = Date.now();
    root.classList.remove("ep-is-gone");
    gone.hidden = true;
    redraw();
  }

  function tick() {
    const view = model.get("view");
    if (gone.hidden) drawAges();
    if (!view.ended && Date.now() - heard > (3 * view.beat_s + 3) * 1000 && gone.hidden) {
      root.classList.add("ep-is-gone");
      gone.hidden = false;
      gone.replaceChildren(`No news from this notebook's kernel since ${clock(heard)}. The study goes on without it: `, node("code", {}, about.attach));
    }
  }

  const on = [["change:view", takeView], ["change:beat", takeView], ["change:marks", takeMarks], ["change:changes", takeMarks],
    ["change:colours", takeColours], ["change:points", redraw], ["change:told", takeAnswer]];
  on.forEach(([event, handler]) => model.on(event, handler));
  const clocking = setInterval(tick, 1000);
  const sizes = new ResizeObserver(redraw);
  sizes.observe(mapHolder);
  const themes = new MutationObserver(redraw);
  themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  takeMarks();
  return () => {
    on.forEach(([event, handler]) => model.off(event, handler));
    clearInterval(clocking);
    clearTimeout(doubt);
    clearTimeout(wantedLook);
    sizes.disconnect();
    themes.disconnect();
  };
}

export default { render };

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
const GRID_HEIGHT = 320; // of a grid, without its edges
const LEAST_CELL = 6; // pixels to a side: a grid of smaller ones is shown in sequence
const LINE = 15; // the height of a text at an edge
const UNANSWERED_MS = 3000;
const TWICE_MS = 500; // a second click so soon and in the same place belongs to the first
const TWICE_PX = 8;
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

/** Shows a button, or leaves its place empty: nothing else moves there. */
function offer(button, isOffered) {
  button.style.visibility = isOffered ? "" : "hidden";
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

/**
 * Keeps in place what is under the pointer. A block that ends above the pointer keeps its height, and scrolls if it must;
 * the one that the pointer is in does not shrink. Below the pointer everything may grow.
 */
class Steady {
  constructor(root, redraw) {
    this.blocks = [];
    this.y = null; // of the pointer in the panel
    const move = (event) => {
      this.y = event.clientY;
      if (this.blocks.some((one) => one.keeps && one.keeps !== this.kept(one, one.node.getBoundingClientRect()))) redraw();
    };
    root.addEventListener("pointerover", move);
    root.addEventListener("pointermove", move);
    root.addEventListener("pointerleave", () => {
      this.y = null;
      redraw();
    });
  }

  /** A block of the panel, which takes part: whatever is in it may come and go. */
  block(...children) {
    const made = node("div", { class: "ep-block" }, ...children);
    this.blocks.push({ node: made, keeps: "" });
    return made;
  }

  kept(one, box) {
    if (this.y === null || this.y < box.top) return "";
    return this.y > box.bottom ? "height" : "least";
  }

  /** Whether the pointer is in this block: then lists keep their order. */
  isIn(block) {
    const box = block.getBoundingClientRect();
    return this.y !== null && box.top <= this.y && this.y <= box.bottom;
  }

  /** To be called before anything is drawn. */
  hold() {
    const boxes = this.blocks.map((one) => one.node.getBoundingClientRect());
    this.blocks.forEach((one, k) => {
      const keeps = this.kept(one, boxes[k]);
      const height = keeps ? `${boxes[k].height}px` : "";
      one.keeps = keeps;
      one.node.style.height = keeps === "height" ? height : "";
      one.node.style.minHeight = keeps === "least" ? height : "";
      one.node.style.overflow = keeps === "height" ? "hidden auto" : "";
    });
  }
}

const measure = document.createElement("canvas").getContext("2d");
/** How wide a text is at an edge, in pixels. */
function wide(text) {
  measure.font = "11px system-ui, sans-serif";
  return Math.ceil(measure.measureText(text).width);
}

/** A text at an edge of the map or of the scatter: `span` pixels belong to it, in its middle or at its end. */
function edge(text, left, top, span, align) {
  const made = node("span", { class: `ep-edge ep-edge-${align}`, title: text }, text);
  Object.assign(made.style, { left: `${left}px`, top: `${top}px`, width: `${span}px` });
  return made;
}

/** Which of so many labels are written where each has `span` pixels and the longest needs `longest`: every n-th. */
const every = (span, longest) => Math.max(1, Math.ceil((longest + 8) / Math.max(span, 1)));

const product = (sizes) => sizes.reduce((all, one) => all * one, 1);

/**
 * A grid of several parameters as rows and columns of cells: the last parameters across, the first ones down, those that
 * change fastest innermost. `null` where the cells would be too small.
 */
function gridLayout(width, count, axes, baseline, levelOf) {
  const found = [];
  for (let split = axes.length > 1 ? 1 : 0; split < axes.length; split++) {
    const [down, across] = [axes.slice(0, split), axes.slice(split)];
    const gutters = down.map((one) => Math.min(110, Math.max(wide(one.name), ...one.labels.map(wide))) + 10);
    const names = Math.min(110, Math.max(...across.map((one) => wide(one.name)), baseline >= 0 ? wide("baseline") : 0)) + 10;
    const gutter = Math.max(names, gutters.reduce((all, one) => all + one, 0));
    const [rows, columns] = [product(down.map((one) => one.labels.length)), product(across.map((one) => one.labels.length))];
    const wideCell = Math.min(64, Math.floor((width - gutter) / columns));
    const highCell = Math.min(22, Math.floor(GRID_HEIGHT / rows));
    if (wideCell >= LEAST_CELL && highCell >= LEAST_CELL) found.push({ down, across, gutters, gutter, rows, columns, wideCell, highCell });
  }
  found.sort((a, b) => Math.min(b.wideCell, 30) * b.highCell - Math.min(a.wideCell, 30) * a.highCell || a.rows - b.rows);
  if (!found.length) return null;
  const layout = found[0];
  const { down, across, columns } = layout;
  const first = baseline >= 0 ? 1 : 0; // the untouched model has a row of its own
  layout.first = first;
  layout.rows += first;
  layout.cellOf = new Int32Array(count);
  layout.at = new Int32Array(layout.rows * columns).fill(-1);
  for (let index = 0; index < count; index++) {
    let [row, column] = [0, 0];
    for (const one of down) row = row * one.labels.length + one.places.get(levelOf(one.k, index));
    for (const one of across) column = column * one.labels.length + one.places.get(levelOf(one.k, index));
    const cell = index === baseline ? 0 : (row + first) * columns + column;
    if (layout.at[cell] >= 0) return null; // a point that is there twice
    layout.cellOf[index] = cell;
    layout.at[cell] = index;
  }
  return layout;
}

/** The map: where each variant is, and how it is painted. A grid has its levels at the edges; else they are in sequence. */
class VariantMap {
  constructor(canvas, sizes) {
    this.canvas = canvas;
    this.sizes = sizes; // how many levels each parameter has
    this.buffer = document.createElement("canvas");
    this.scale = colourScale();
    this.selected = -1;
    this.grid = null;
    this.states = new Uint32Array(256);
    this.ranks = new Uint8Array(256);
    for (const [mark, part] of Object.entries(PART_OF)) this.ranks[mark.charCodeAt(0)] = RANK[part];
  }

  layout(width, count, grid) {
    this.count = count;
    this.grid = grid;
    this.group = 1;
    if (grid) {
      this.cells = grid.rows * grid.columns;
      [this.columns, this.rows, this.across, this.down] = [grid.columns, grid.rows, grid.wideCell, grid.highCell];
      return;
    }
    this.group = Math.max(1, Math.ceil(count / (width * MAP_HEIGHT))); // variants of one cell
    this.cells = Math.ceil(count / this.group);
    this.across = this.down = Math.min(22, Math.max(1, Math.floor(Math.sqrt((width * MAP_HEIGHT) / Math.max(this.cells, 1)))));
    this.columns = Math.max(1, Math.min(Math.floor(width / this.across), this.cells));
    let line = 1; // the longest run of levels that fits: then a parameter stands in a column
    for (const size of [...this.sizes].reverse()) {
      if (line * size > this.columns) break;
      line *= size;
    }
    if (this.group === 1 && line > 1) this.columns -= this.columns % line;
    this.rows = Math.max(1, Math.ceil(this.cells / this.columns));
  }

  /** The first variant of a cell; -1 for a place where there is none. */
  indexAt(x, y) {
    if (x < 0 || y < 0 || x >= this.columns || y >= this.rows) return -1;
    const cell = y * this.columns + x;
    if (this.grid) return this.grid.at[cell];
    return cell * this.group < this.count ? cell * this.group : -1;
  }

  cell(index) {
    return this.grid ? this.grid.cellOf[index] : Math.floor(index / this.group);
  }

  index(event) {
    const box = this.canvas.getBoundingClientRect();
    return this.indexAt(Math.floor((event.clientX - box.left) / this.across), Math.floor((event.clientY - box.top) / this.down));
  }

  /** The next variant from the selected one in a direction; -1 at the edge. */
  next(dx, dy) {
    if (this.selected < 0) return 0;
    if (!this.grid) {
      const next = this.selected + (dx + dy * this.columns) * this.group;
      return next >= 0 && next < this.count ? next : -1;
    }
    const cell = this.cell(this.selected);
    let [x, y] = [(cell % this.columns) + dx, Math.floor(cell / this.columns) + dy];
    while (x >= 0 && y >= 0 && x < this.columns && y < this.rows && this.indexAt(x, y) < 0) [x, y] = [x + dx, y + dy];
    return this.indexAt(x, y);
  }

  /** The texts at the edges of a grid, and how much room they need on its left, above and below. */
  edges() {
    if (!this.grid) return { made: [], left: 0, top: 0, bottom: 0 };
    const { down, across, gutters, gutter, first, columns } = this.grid;
    const top = down.length ? LINE : 0;
    const height = this.rows * this.down;
    const made = [];
    let at = gutter - gutters.reduce((all, one) => all + one, 0);
    let repeats = 1;
    let inside = this.rows - first;
    if (first) made.push(edge("baseline", 0, top + this.down / 2 - LINE / 2, gutter - 6, "end"));
    down.forEach((one, j) => {
      made.push(edge(one.name, at, 0, gutters[j] - 6, "end"));
      made[made.length - 1].classList.add("ep-edge-name");
      inside /= one.labels.length;
      const span = inside * this.down;
      const step = every(span, LINE - 8);
      for (let place = 0; place < repeats * one.labels.length; place++) {
        if ((place % one.labels.length) % step) continue;
        const middle = top + first * this.down + place * span + span / 2 - LINE / 2;
        made.push(edge(one.labels[place % one.labels.length], at, middle, gutters[j] - 6, "end"));
      }
      repeats *= one.labels.length;
      at += gutters[j];
    });
    let line = top + height + 2;
    [...across].reverse().forEach((one, j) => {
      const within = product(across.slice(across.length - j).map((other) => other.labels.length));
      const span = within * this.across;
      const total = columns / within;
      const longest = Math.max(...one.labels.map(wide));
      const step = one.numeric || span < 30 ? every(span, longest) : 1; // of words the beginning is enough
      made.push(edge(one.name, 0, line, gutter - 6, "end"));
      made[made.length - 1].classList.add("ep-edge-name");
      for (let place = 0; place < total; place++) {
        const at = place % one.labels.length;
        if (at % step || (at && at + step > one.labels.length)) continue; // the next group begins before its room ends
        const left = gutter + place * span - ((step - 1) * span) / 2;
        made.push(edge(one.labels[at], left, line, step * span, "middle"));
      }
      line += LINE;
    });
    return { made, left: gutter, top, bottom: across.length * LINE + 4 };
  }

  paint(marks, colours) {
    const { columns, rows, across, down, canvas, buffer } = this;
    for (const [mark, name] of Object.entries(PART_OF)) {
      this.states[mark.charCodeAt(0)] = packed(rgb(colourOf(PARTS.find(([one]) => one === name))));
    }
    const image = new ImageData(columns, rows);
    const pixels = new Uint32Array(image.data.buffer);
    for (let cell = 0; cell < this.cells; cell++) {
      let index = this.grid ? this.grid.at[cell] : cell * this.group;
      if (index < 0) continue;
      for (let other = index + 1; other < Math.min(index + this.group, this.count); other++) {
        if (this.ranks[marks[other]] > this.ranks[marks[index]]) index = other;
      }
      const value = colours.length ? colours[index] : NO_VALUE;
      pixels[cell] = value === NO_VALUE ? this.states[marks[index]] : this.scale[value];
    }
    buffer.width = columns;
    buffer.height = rows;
    buffer.getContext("2d").putImageData(image, 0, 0);
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(columns * across * ratio);
    canvas.height = Math.round(rows * down * ratio);
    canvas.style.width = `${columns * across}px`;
    canvas.style.height = `${rows * down}px`;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.imageSmoothingEnabled = false;
    context.drawImage(buffer, 0, 0, columns * across, rows * down);
    this.clearGaps(context);
    if (this.selected >= 0) {
      const cell = this.cell(this.selected);
      const inside = (place, side, size, extent) => Math.max(0, Math.min(place * side - (side < 6 ? 3 : 0), size * side - extent)) + 1;
      const [w, h] = [Math.max(across - 1, 6), Math.max(down - 1, 6)];
      context.strokeStyle = "#d6006c";
      context.lineWidth = 2;
      context.strokeRect(inside(cell % columns, across, columns, w), inside(Math.floor(cell / columns), down, rows, h), w - 2, h - 2);
    }
  }

  /** Gaps between the cells, and wider ones where an outer parameter has its next level. */
  clearGaps(context) {
    const { columns, rows, across, down, grid } = this;
    if (Math.min(across, down) < 5) return;
    const wider = Math.min(across, down) < 12 ? 2 : 4;
    const inner = (axes) => (axes && axes.length > 1 ? axes[axes.length - 1].labels.length : 0);
    const [groupX, groupY, first] = [inner(grid?.across), inner(grid?.down), grid?.first || 0];
    const gapX = (x) => (groupX && x % groupX === 0 && x < columns ? wider : 1);
    const gapY = (y) => ((first && y === first) || (groupY && y > first && (y - first) % groupY === 0 && y < rows) ? wider : 1);
    context.globalCompositeOperation = "destination-out";
    for (let x = 1; x <= columns; x++) context.fillRect(x * across - gapX(x), 0, gapX(x), rows * down);
    for (let y = 1; y <= rows; y++) context.fillRect(0, y * down - gapY(y), columns * across, gapY(y));
    context.globalCompositeOperation = "source-over";
  }
}

/** Round numbers from `low` to `high`, at most `most` of them. */
function ticks(low, high, most) {
  if (!(high > low)) return [low];
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}

const PLOT = { left: 58, right: 20, top: 6, bottom: 20, height: 200 };

/** Draws the scatter; returns where its points are on the canvas, and the texts at its edges. `names` are levels. */
function paintScatter(canvas, points, binned, names) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [Math.min(300, canvas.parentElement.clientWidth || 300), PLOT.height];
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
  const share = (value, [low, high]) => (high > low ? (value - low) / (high - low) : 0.5);
  const x = (value) => PLOT.left + 6 + share(value, ends[0]) * (width - PLOT.left - PLOT.right - 12);
  const y = (value) => height - PLOT.bottom - 6 - share(value, ends[1]) * (height - PLOT.top - PLOT.bottom - 12);
  const style = getComputedStyle(canvas);
  context.strokeStyle = style.borderTopColor;
  context.strokeRect(PLOT.left + 0.5, PLOT.top + 0.5, width - PLOT.left - PLOT.right - 1, height - PLOT.top - PLOT.bottom - 1);
  const made = [];
  const places = names ? names.map((_, k) => k).filter((k) => k >= ends[0][0] && k <= ends[0][1]) : ticks(...ends[0], 4);
  const texts = names ? places.map((k) => names[k]) : column(places);
  const span = Math.abs(x(places[1] ?? ends[0][1]) - x(places[0])) || width - PLOT.left;
  const step = names && span >= 30 ? 1 : every(span, Math.max(...texts.map(wide)));
  places.forEach((value, k) => {
    context.fillRect(x(value), height - PLOT.bottom, 1, 3);
    const wanted = Math.max(step * span, 30);
    const left = x(value) - wanted / 2;
    if (k % step === 0) made.push(edge(texts[k], names ? Math.min(left, width - wanted) : left, height - PLOT.bottom + 4, wanted, "middle"));
  });
  const marks = ticks(...ends[1], 5);
  column(marks).forEach((text, k) => made.push(edge(text, 0, y(marks[k]) - LINE / 2, PLOT.left - 5, "end")));
  let most = 1;
  for (let i = 0; binned && i < count; i++) most = Math.max(most, points[3 * i + 2]);
  context.fillStyle = isDark() ? PARTS[1][1] : PARTS[0][1];
  const spots = [];
  for (let i = 0; i < count; i++) {
    const [px, py] = [x(points[3 * i]), y(points[3 * i + 1])];
    spots.push([px, py, points[3 * i], points[3 * i + 1], points[3 * i + 2]]);
    context.globalAlpha = binned ? 0.25 + 0.75 * (points[3 * i + 2] / most) : 0.75;
    if (binned) context.fillRect(px - 2, py - 2.1, 4, 4.2);
    else {
      context.beginPath();
      context.arc(px, py, 3, 0, 2 * Math.PI);
      context.fill();
    }
  }
  return { ends, spots, made };
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
  let last = { at: -1e9, x: 0, y: 0 }; // the last click that was taken
  /** Whether this click is the second one of two: what it hits is what the first one has put there. */
  const isSecond = (event) => {
    const { at, x, y } = last;
    const isNear = Math.abs(event.clientX - x) < TWICE_PX && Math.abs(event.clientY - y) < TWICE_PX;
    if (event.detail > 1 || (event.detail && isNear && performance.now() - at < TWICE_MS)) return true;
    last = { at: performance.now(), x: event.clientX, y: event.clientY };
    return false;
  };
  const button = (text, title, onclick, { repeats = false } = {}) => {
    const act = (event) => {
      if (repeats || !isSecond(event)) onclick(event);
    };
    return node("button", { type: "button", class: "ep-button", title, onclick: act }, text);
  };
  const isPaused = () => model.get("view").paused;
  const pauseButton = button("Pause", "Begin nothing more; what runs is finished", () => {
    if (isPaused()) ask("resume", {}, "going on");
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
  const question = node("span", { class: "ep-question" }, "Stop what runs? What is done stays.");
  // One place for each button, whether it is offered or not. The question lies over all of them: "No" where Cancel is, and
  // "Yes, cancel" where Pause is, which is not offered any more once the study is cancelled.
  const actions = [runButton, retryButton, pauseButton, cancelButton];
  let doubt = 0;
  let isAsking = false;
  const confirm = (open) => {
    clearTimeout(doubt);
    const hadFocus = [yes, no].includes(document.activeElement);
    isAsking = open;
    offerButtons();
    if (open) no.focus();
    else if (hadFocus) cancelButton.focus();
    if (open) doubt = setTimeout(() => confirm(false), 15000);
  };
  const offerButtons = () => {
    const view = model.get("view");
    const { counts } = view;
    pauseButton.textContent = isPaused() ? "Resume" : "Pause";
    offer(runButton, !isAsking && !view.another && (view.away || (view.ended && counts.cancelled > 0)));
    offer(retryButton, !isAsking && !view.another && counts.failed > 0);
    offer(pauseButton, !isAsking && !view.ended && !view.away);
    offer(cancelButton, !isAsking && !view.ended);
    [question, yes, no].forEach((one) => offer(one, isAsking));
  };
  yes.classList.add("ep-danger");
  const title = node("div", { class: "ep-title" }, node("b", {}, about.study), node("span", { class: "ep-quiet" }, ` ${about.engine} ${about.build.split("-")[0]}`));
  const head = node("div", { class: "ep-head" }, title, node("div", { class: "ep-buttons" }, ...actions, question, yes, no));

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
  const mapHead = node("div", { class: "ep-line ep-map-head" }, node("label", {}, "Map by ", colourChoice), " ", scaleLine);
  const mapHolder = node("div", { class: "ep-map-holder" }, canvas);

  const workersHolder = node("div", { class: "ep-workers" });
  let slotsWanted = null; // what was clicked and the pool does not say yet
  const changeSlots = (step, words) => {
    slotsWanted = Math.max(1, (slotsWanted ?? model.get("view").queue.slots) + step);
    ask("slots", { count: slotsWanted }, words);
  };
  const fewer = button("−", "One simulation less at once", () => changeSlots(-1, "one slot less"), { repeats: true });
  const more = button("+", "One simulation more at once", () => changeSlots(1, "one slot more"), { repeats: true });
  fewer.setAttribute("aria-label", "one slot less");
  more.setAttribute("aria-label", "one slot more");
  const slotsLine = node("span", {});
  const queueLine = node("div", { class: "ep-quiet" });
  const workersPart = node("section", { class: "ep-part" }, node("div", { class: "ep-line" }, node("b", {}, "Workers "), about.private ? fewer : null, about.private ? more : null, slotsLine), workersHolder, queueLine);

  const failuresHolder = node("div", {});
  const logBox = node("pre", { class: "ep-log", tabindex: 0, hidden: true });
  const failuresPart = node("section", { class: "ep-part", hidden: true }, node("b", {}, "Failures"), failuresHolder);

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
  const scatter = node("canvas", { class: "ep-scatter", role: "img" });
  const scatterHolder = node("div", { class: "ep-scatter-holder" }, scatter);
  const scatterLine = node("div", { class: "ep-quiet ep-scatter-line" });
  let plot = null; // where the points of the scatter are
  let pointed = null; // the one that is pointed at
  const nearest = (event) => {
    const box = scatter.getBoundingClientRect();
    const away = ([x, y]) => Math.hypot(x - (event.clientX - box.left), y - (event.clientY - box.top));
    let found = null;
    for (const one of plot?.spots || []) if (away(one) < (found ? away(found) : 12)) found = one;
    return found;
  };
  scatter.addEventListener("mousemove", (event) => {
    pointed = nearest(event);
    scatterLine.textContent = sayScatter();
  });
  scatter.addEventListener("mouseleave", () => {
    pointed = null;
    scatterLine.textContent = sayScatter();
  });
  scatter.addEventListener("click", (event) => {
    const found = nearest(event);
    if (found && !model.get("binned")) pin(found[4]);
  });
  const resultsPart = node("section", { class: "ep-part" },
    node("div", { class: "ep-line" }, node("b", {}, "Results "), columnChoice, " ", orderChoice, " ", readLine),
    node("div", { class: "ep-columns" },
      node("div", { class: "ep-list" }, bestHolder),
      node("div", { class: "ep-plot" }, node("div", { class: "ep-line ep-axes" }, upChoice, "over", acrossChoice), scatterHolder, scatterLine),
      node("div", { class: "ep-list" }, latestHolder)));

  const code = node("code", {}, about.attach);
  const copy = button("copy", "Copy the line that opens this study in another notebook", () => {
    navigator.clipboard?.writeText(about.attach).then(() => say("copied"), () => say(about.attach));
  });
  const foot = node("div", { class: "ep-foot ep-quiet" }, "From any other notebook: ", code, " ", copy);

  const root = node("div", { class: "epstudy-panel", role: "region", "aria-label": `study ${about.study}` });
  const steady = new Steady(root, () => redraw());
  const failuresBlock = steady.block(failuresPart);
  const resultsBlock = steady.block(resultsPart);
  root.append(head, steady.block(said, gone), bar, steady.block(legend), steady.block(paceLine), steady.block(note),
    mapHead, mapHolder, spot, steady.block(detail), steady.block(workersPart), failuresBlock, steady.block(logBox),
    resultsBlock, foot);
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
  let told = -1; // the variant that the line below the map tells of
  const look = (index) => {
    told = index;
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
    showDetail();
  };
  let asked = ""; // for which pinned variant, in which state
  const close = button("close", "Close the details", () => {
    pinned = -1;
    showDetail();
    canvas.focus();
  });
  const inDetail = section(detail);
  const showDetail = () => {
    const found = known(pinned);
    detail.hidden = pinned < 0;
    if (pinned < 0) return;
    const now = `${pinned} ${marks[pinned]}`;
    if (!found && asked !== now) ask("look", { index: pinned }); // it was clicked, or has ended since
    asked = now;
    inDetail([pinned, headOf(pinned), found], () => {
      const rows = (found?.metrics || []).map(([name, value, unit]) => node("span", {}, `${name}: ${number(value)} ${unit === "1" ? "" : unit}`));
      if (found?.took_s !== undefined) rows.push(node("span", {}, `simulated in ${duration(found.took_s)}`));
      const failure = found?.message === undefined ? [] : [node("div", {}, `${found.cause}, attempt ${found.attempts}: ${found.message}`)];
      return [node("div", { class: "ep-line ep-nowrap" }, close, node("span", { class: "ep-what" }, headOf(pinned))), ...failure, node("div", { class: "ep-metrics" }, ...rows)];
    });
  };
  canvas.addEventListener("mousemove", (event) => look(map.index(event)));
  canvas.addEventListener("mouseleave", () => look(map.selected));
  canvas.addEventListener("click", (event) => {
    const index = map.index(event);
    if (index >= 0) pin(index);
  });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    if (step !== undefined) {
      const next = map.next(...step);
      if (next >= 0) select(next);
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

  const groupRows = new Map(); // by cause and message: a row stays where it is while the pointer is among them
  const groupBody = node("tbody", {});
  const groupTable = node("table", { class: "ep-groups" },
    node("colgroup", {}, ...["count", "cause", "text", "levels", "actions"].map((name) => node("col", { class: `ep-col-${name}` }))),
    node("thead", {}, node("tr", {}, ...["variants", "cause", "message", "levels", ""].map((text) => node("th", { scope: "col" }, text)))),
    groupBody);
  const groupRest = node("div", { class: "ep-quiet" });
  failuresHolder.append(groupTable, groupRest);

  function groupRow(group) {
    const made = { group, cells: ["ep-number", "ep-cause", "ep-message", "ep-levels"].map((name) => node("td", { class: name })) };
    made.log = button("log", "", () => ask("log", { index: made.group.example }, "reading the log"));
    made.retry = button("retry these", "", () => ask("retry", { cause: made.group.cause, text: made.group.text }, "trying again"));
    made.row = node("tr", {}, ...made.cells, node("td", { class: "ep-actions" }, made.log, made.retry));
    return made;
  }

  function drawFailures({ failures: groups, groups: all, read, counts }) {
    const named = new Map(groups.map((one) => [JSON.stringify([one.cause, one.text]), one]));
    const keeps = steady.isIn(failuresBlock);
    for (const [key, made] of groupRows) {
      if (!named.has(key) && !keeps) groupRows.delete(key);
      made.row.classList.toggle("ep-past", !named.has(key));
      [made.log, made.retry].forEach((one) => offer(one, named.has(key)));
    }
    for (const [key, one] of named) {
      const made = groupRows.get(key) || groupRow(one);
      groupRows.set(key, made);
      made.group = one;
      [String(one.count), one.cause, one.text || one.message, one.levels].forEach((text, k) => {
        if (made.cells[k].textContent !== text) made.cells[k].textContent = text;
      });
      made.cells[2].title = one.message;
      made.cells[3].title = one.levels;
      made.log.title = `The engine's last messages on variant ${one.example}`;
      made.retry.title = `Simulate these ${one.count} again`;
    }
    const order = keeps ? [...groupRows.keys()] : [...named.keys()];
    const rows = order.map((key) => groupRows.get(key).row);
    if (rows.length !== groupBody.children.length || rows.some((row, k) => groupBody.children[k] !== row)) {
      const hadFocus = groupBody.contains(document.activeElement) ? document.activeElement : null;
      groupBody.replaceChildren(...rows);
      hadFocus?.focus({ preventScroll: true });
    }
    groupTable.hidden = !rows.length;
    const rest = [
      all > groups.length ? `and ${all - groups.length} other messages; failures() has all` : "",
      read.failed < counts.failed ? `${read.failed} of ${counts.failed} failures read` : "",
    ].filter(Boolean);
    groupRest.textContent = rest.join("; ");
  }

  const table = (caption, rows) => {
    if (!rows.length) return [];
    const result = model.get("view").choice.column;
    const names_ = about.varying;
    const values = column(rows.map((one) => one.value));
    const isNumber = names_.map((_, k) => rows.every((one) => one.levels[k] === "None" || one.levels[k].trim() !== "" && !Number.isNaN(Number(one.levels[k]))));
    const kind = (k) => (isNumber[k] ? "ep-number" : "ep-word");
    const head = node("tr", {}, node("th", { scope: "col", class: "ep-number" }, "variant"),
      result ? node("th", { scope: "col", class: "ep-number", title: result }, result) : null,
      ...names_.map((name, k) => node("th", { scope: "col", class: kind(k), title: name }, name)));
    const row = (one, k) => node("tr", {},
      node("td", { class: "ep-number" }, `#${one.index}`),
      result ? node("td", { class: "ep-number" }, values[k]) : null,
      ...one.levels.map((level, place) => node("td", { class: kind(place), title: level }, level)));
    return [node("table", {}, node("caption", {}, caption), node("thead", {}, head), node("tbody", {}, ...rows.map(row)))];
  };
  /** The levels of a parameter that is no number, of which the scatter has the places; else null. */
  const namesOf = (name) => {
    const parameter = about.parameters.find((one) => one.name === name);
    return parameter && !parameter.numeric && parameter.labels.length ? parameter.labels : null;
  };
  const spanOf = (name, ends) => {
    const names_ = namesOf(name);
    const [low, high] = names_ ? ends.map((end) => names_[Math.round(end)]) : ends.map(number);
    return low === high ? `${name} ${low}` : `${name} ${low} to ${high}`;
  };
  const sayScatter = () => {
    const { choice } = model.get("view");
    if (!choice.across || !choice.up) return "";
    if (pointed && model.get("binned")) return `${pointed[4]} variants near ${number(pointed[2])}, ${number(pointed[3])}`;
    if (pointed) return `#${pointed[4]} · ${[label(pointed[4]), `${choice.up} = ${number(pointed[3])}`].filter(Boolean).join(" · ")}`;
    const without = choice.without ? `${choice.without} ${choice.without === 1 ? "has" : "have"} no value` : "";
    return [without, plot && model.get("binned") ? "stronger: more variants" : ""].filter(Boolean).join("; ");
  };
  let drawn = "";
  let pointsAt = 0;
  function drawScatter(choice) {
    const picture = [choice.across, choice.up, pointsAt, isDark(), window.devicePixelRatio, scatterHolder.clientWidth].join();
    if (picture !== drawn) {
      drawn = picture;
      const points = choice.across && choice.up ? numbers(model.get("points"), Float32Array) : new Float32Array(0);
      plot = paintScatter(scatter, points, model.get("binned"), namesOf(choice.across));
      scatterHolder.replaceChildren(scatter, ...(plot?.made || []));
      const spans = plot ? [spanOf(choice.across, plot.ends[0]), spanOf(choice.up, plot.ends[1])] : [];
      scatter.setAttribute("aria-label", spans.join("; ") || "no points yet");
    }
    const text = sayScatter();
    if (scatterLine.textContent !== text) scatterLine.textContent = text;
  }
  const options = (list, chosen) => list.map((name) => node("option", { value: name, selected: name === chosen }, name || "axis"));

  /** Which parameters a grid has; none where it is shown in sequence. */
  const gridAxes = (total) => {
    if (!about.grid || !hasLabels() || total > 20000) return [];
    const levels = bytes(model.get("levels"));
    const levelOf = (k, index) => levels[2 * (k * total + index)] | (levels[2 * (k * total + index) + 1] << 8);
    const axes = about.parameters.map((one, k) => {
      const used = new Set();
      for (let index = 0; index < total; index++) if (index !== about.baseline) used.add(levelOf(k, index));
      const order = [...used].sort((a, b) => a - b);
      return { k, name: one.name, numeric: one.numeric, labels: order.map((level) => one.labels[level]), places: new Map(order.map((level, at) => [level, at])), levelOf };
    });
    return axes.filter((one) => one.labels.length > 1);
  };
  let laidOut = "";
  let axes_ = null;
  /** Gives each variant its place, and writes what is at the edges. */
  function layOut(width, total) {
    if (laidOut === `${width} ${total}`) return;
    laidOut = `${width} ${total}`;
    axes_ ??= gridAxes(total);
    map.layout(width, total, axes_.length ? gridLayout(width, total, axes_, about.baseline, axes_[0].levelOf) : null);
    const { made, left, top, bottom } = map.edges();
    canvas.style.margin = map.grid ? `${top}px 0 ${bottom}px ${left}px` : "";
    mapHolder.replaceChildren(canvas, ...made);
  }

  function draw() {
    drawing = false;
    steady.hold();
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
      if (view.ended && pace.ended_s !== null) {
        const ended = [[counts.done + counts.cached, "done"], [counts.failed, "failed"]].filter(([count]) => count);
        parts.push(`${ended.map((one) => one.join(" ")).join(", ")} in ${duration(pace.elapsed_s)}, ended ${clock(1000 * pace.ended_s)}`);
      } else if (!view.ended && pace.elapsed_s !== null) parts.push(`for ${duration(pace.elapsed_s + since())}`);
      if (!view.ended && pace.per_minute !== null) parts.push(`${pace.per_minute} a minute`);
      if (pace.soonest_s !== null) {
        const [first, last] = [pace.soonest_s, pace.latest_s].map((s) => clock(heard + 1000 * s));
        const spans = [duration(pace.soonest_s), duration(pace.latest_s)];
        parts.push(`ready at ${first === last ? first : `${first} to ${last}`}, in ${spans[0] === spans[1] ? spans[0] : `${spans[0]} to ${spans[1]}`}`);
      }
      if (pace.quiet_s !== null) parts.push(`nothing has finished for ${duration(pace.quiet_s)}`);
      return [view.curve.length > 1 && !view.ended ? curve(view.curve) : null, node("span", { class: pace.quiet_s === null ? "" : "ep-trouble" }, parts.join(" · "))];
    });

    if (isAsking && view.ended) confirm(false);
    offerButtons();

    const width = mapHolder.clientWidth || 600;
    const picture = [width, window.devicePixelRatio, isDark(), marksAt, choice.colour && coloursAt, map.selected].join();
    if (marks.length === total && total && picture !== painted) {
      painted = picture;
      layOut(width, total);
      map.paint(marks, choice.colour ? bytes(model.get("colours")) : new Uint8Array(0));
      // While Lab changes its theme the panel is wider for less than a frame, which no observer is told of.
      requestAnimationFrame(() => (mapHolder.clientWidth || 600) !== width && redraw());
    }
    colourChoice.value = choice.colour ? "result" : "state";
    const unit = choice.unit && choice.unit !== "1" ? ` ${choice.unit}` : "";
    scaleLine.textContent = choice.colour && choice.low !== null ? `${choice.column}: ${number(choice.low)} (dark) to ${number(choice.high)}${unit} (light)` : "";

    const { workers } = view;
    workersPart.hidden = view.ended && !counts.running;
    if (queue.slots === slotsWanted) slotsWanted = null;
    slotsLine.textContent = queue.slots ? `${queue.my_slots} of ${queue.slots} slots are this study's` : "none answers (yet)";
    offer(fewer, queue.slots > 0);
    offer(more, queue.slots > 0);
    fewer.disabled = queue.slots <= 1;
    inWorkers([workers, pace.median_s], () => drawWorkers(view));
    const others = queue.others ? `, and ${queue.others} of others before or among them (${queue.studies.join(", ")})` : ", none of others";
    queueLine.textContent = queue.mine ? `Queue: ${queue.mine} of this study ${queue.mine === 1 ? "waits" : "wait"}${others}` : "";

    failuresPart.hidden = !view.failures.length && !(steady.isIn(failuresBlock) && groupRows.size);
    drawFailures(view);

    inColumns([view.columns, choice.column], () => options(view.columns, choice.column));
    columnChoice.value = choice.column;
    orderChoice.value = choice.highest ? "highest" : "lowest";
    const across = ["", ...names, ...view.columns];
    inAcross([across, choice.across], () => options(across, choice.across));
    inUp([view.columns, choice.up], () => options(["", ...view.columns], choice.up));
    const { done, unread } = view.read;
    readLine.textContent = unread || done < counts.done + counts.cached ? `${done} of ${counts.done + counts.cached} results read` : "";
    inLatest([view.latest, choice.column], () => table("latest", view.latest));
    const end = `${choice.highest ? "highest" : "lowest"}${readLine.textContent ? " of those read" : ""}`;
    const none = view.ended && !view.latest.length; // nothing was simulated: then the list of the best has its room, too
    if (!steady.isIn(resultsBlock)) resultsPart.classList.toggle("ep-none-latest", none);
    inBest([view.best, choice.column, end], () => table(end, view.best));
    resultsPart.hidden = !(counts.done + counts.cached);
    drawScatter(choice);
    if (told >= 0 && spot.textContent !== describe(told)) look(told); // it has ended since
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

  function takePoints() {
    pointsAt += 1;
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
    if (gone.hidden && !workersPart.hidden) drawAges();
    if (!view.ended && Date.now() - heard > (3 * view.beat_s + 3) * 1000 && gone.hidden) {
      root.classList.add("ep-is-gone");
      gone.hidden = false;
      gone.replaceChildren(`No news from this notebook's kernel since ${clock(heard)}. The study goes on without it: `, node("code", {}, about.attach));
    }
  }

  const on = [["change:view", takeView], ["change:beat", takeView], ["change:marks", takeMarks], ["change:changes", takeMarks],
    ["change:colours", takeColours], ["change:points", takePoints], ["change:binned", takePoints], ["change:told", takeAnswer]];
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

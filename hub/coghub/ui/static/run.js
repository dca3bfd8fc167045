// A prediction that is watched: where it stands, its logs, and its output as it grows.

import { post } from "./request.js";

const MAX_LOG_CHARACTERS = 200_000;
const BAR = /^(.*?)(\d{1,3})%\|[^|]*\|\s*(.*)$/;

/** Logs as a terminal shows them: a carriage return writes over the line. */
class Log {
  constructor(element, bars) {
    this.element = element;
    this.bars = bars;
    this.lines = [""];
    this.shown = new Map();
  }

  add(text) {
    for (const [index, line] of text.split("\n").entries()) {
      if (index) this.lines.push("");
      const parts = line.split("\r");
      const last = this.lines.length - 1;
      this.lines[last] = parts.length > 1 ? parts.filter(Boolean).at(-1) ?? "" : this.lines[last] + line;
      this.bar(this.lines[last]);
    }
    this.draw();
  }

  /** Draw the bar that a line is made of. */
  bar(line) {
    const found = BAR.exec(line);
    if (!found) return;
    const [, name, percent, rest] = found;
    let row = this.shown.get(name);
    if (!row) {
      row = document.createElement("div");
      row.append(document.createElement("span"), document.createElement("span"), document.createElement("progress"));
      row.children[2].max = 100;
      row.children[2].setAttribute("aria-label", name.trim() || "Progress");
      this.shown.set(name, row);
      this.bars.append(row);
    }
    row.children[0].textContent = name.trim() || "Progress";
    row.children[1].textContent = `${percent} %  ${rest}`;
    row.children[2].value = Number(percent);
  }

  draw() {
    if (this.isDrawing) return;
    this.isDrawing = true;
    requestAnimationFrame(() => {
      this.isDrawing = false;
      const isAtEnd = this.element.scrollHeight - this.element.scrollTop - this.element.clientHeight < 40;
      let text = this.lines.join("\n");
      if (text.length > MAX_LOG_CHARACTERS) {
        text = text.slice(-MAX_LOG_CHARACTERS);
        this.lines = text.split("\n");
      }
      this.element.textContent = text;
      this.element.closest("details").hidden = text === "";
      if (isAtEnd) this.element.scrollTop = this.element.scrollHeight;
    });
  }
}

class PredictionRun extends HTMLElement {
  connectedCallback() {
    if (!this.dataset.events || this.source) return;
    this.status = this.querySelector("[data-status]");
    this.output = this.querySelector(".output");
    this.clock = this.querySelector("[data-clock]");
    this.began = Date.now() - Number(this.dataset.age ?? 0) * 1000;
    this.querySelector("[data-cancel]")?.addEventListener("click", (event) => {
      event.target.disabled = true;
      post(this.dataset.cancel, {}).catch(() => (event.target.disabled = false));
    });
    this.timer = setInterval(() => this.tick(), 100);
    // Browsers keep few connections to a host: a tab that nobody sees holds none.
    this.onVisibility = () => (document.hidden ? this.source.close() : this.open());
    document.addEventListener("visibilitychange", this.onVisibility);
    this.open();
  }

  disconnectedCallback() {
    this.source?.close();
    clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this.onVisibility);
  }

  /** Hear of everything, from the start on; what is shown is drawn anew. */
  open() {
    this.source?.close();
    this.logs = this.text = undefined;
    this.querySelector(".bars").replaceChildren();
    this.source = new EventSource(this.dataset.events);
    this.source.addEventListener("open", () => (this.querySelector("[data-lost]").hidden = true));
    this.source.addEventListener("error", () => (this.querySelector("[data-lost]").hidden = false));
    const on = (name, take) => this.source.addEventListener(name, (event) => take(JSON.parse(event.data)));
    on("status", (it) => this.tell(it));
    on("logs", (it) => this.log(it));
    on("text", (it) => this.write(it));
    on("output", (it) => this.show(it));
    on("end", (it) => this.end(it));
  }

  tick() {
    this.clock.textContent = `${((Date.now() - this.began) / 1000).toFixed(1)} s`;
  }

  tell({ status, label }) {
    this.status.className = `chip ${status}`;
    this.status.textContent = status;
    this.querySelector("[data-label]").textContent = label;
  }

  log(text) {
    this.logs ??= new Log(this.querySelector(".logs"), this.querySelector(".bars"));
    this.logs.add(text);
  }

  write({ text, isFirst }) {
    if (isFirst || !this.text) {
      this.text = Object.assign(document.createElement("div"), { className: "text caret" });
      this.output.replaceChildren(this.text);
    }
    this.text.append(text);
  }

  /** Make elements of HTML; what is shown already stays the very element that it was. */
  made(html) {
    const made = document.createElement("template");
    made.innerHTML = html;
    for (const next of made.content.querySelectorAll("[data-key]")) {
      const key = CSS.escape(next.dataset.key);
      const known = this.output.querySelector(`${next.localName}[data-key="${key}"]`);
      if (known) next.replaceWith(known);
    }
    return made.content;
  }

  show({ html }) {
    this.output.replaceChildren(this.made(html));
  }

  end({ html }) {
    this.source.close();
    clearInterval(this.timer);
    const next = this.made(html).firstElementChild;
    this.replaceWith(next);
    next.dispatchEvent(new Event("page:changed", { bubbles: true }));
  }
}
customElements.define("prediction-run", PredictionRun);

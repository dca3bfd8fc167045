// The form of a model's inputs: checked while it is filled in, kept in the address, shown as JSON.

import "./file_field.js";
import { Field } from "./fields.js";
import { post } from "./request.js";
import "./run.js";

const CHECK_AFTER_MS = 250;
const MAX_ADDRESS_CHARACTERS = 6000;

class InputForm extends HTMLElement {
  connectedCallback() {
    // The elements inside are made first.
    queueMicrotask(() => this.begin());
  }

  begin() {
    this.fields = new Map();
    this.extra = {};
    for (const root of this.querySelectorAll(".field[data-name]")) {
      const field = new Field(root, (changed) => this.changed(changed));
      this.fields.set(field.name, field);
    }
    this.form = this.querySelector("form");
    this.run_ = this.querySelector("[data-run]");
    this.run_.disabled = false;
    this.problem = this.querySelector("[data-problem]");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.run();
    });
    this.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.run();
    });
    this.querySelector("[data-clear]").addEventListener("click", () => {
      for (const field of this.fields.values()) field.write(undefined);
      this.extra = {};
      this.changed();
    });
    this.views();
    this.place = location.pathname + location.search;
    window.addEventListener("popstate", () => {
      // Links within the page change what is behind `#` only.
      if (location.pathname + location.search !== this.place) location.reload();
    });
  }

  /** The input as JSON; what the model does not know stays as it was written. */
  read() {
    const input = { ...this.extra };
    this.isUnreadable = undefined;
    for (const field of this.fields.values()) {
      try {
        const value = field.read();
        if (value !== undefined) input[field.name] = value;
      } catch (error) {
        this.isUnreadable = field;
        field.complain(`Not JSON: ${error.message}`);
      }
    }
    return input;
  }

  write(input) {
    this.extra = {};
    for (const [name, value] of Object.entries(input)) {
      if (!this.fields.has(name)) this.extra[name] = value;
    }
    for (const field of this.fields.values()) field.write(input[field.name]);
  }

  changed(field = undefined) {
    if (!this.isJson) this.text.value = JSON.stringify(this.read(), null, 2);
    this.keepInAddress();
    if (field) this.problem.hidden = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), CHECK_AFTER_MS);
  }

  /** Let the server say what does not fit; of fields that nobody has touched it is not told. */
  async check() {
    const number = (this.checks = (this.checks ?? 0) + 1);
    const { status, content } = await post(this.dataset.check, { input: this.read() }).catch(() => ({}));
    if (number === this.checks && status === 200) this.complain(content.fields, false);
  }

  complain(faults, isAll) {
    const told = new Map(faults.map((it) => [it.field.split(".")[1] ?? "", it]));
    for (const fault of faults) {
      const missing = / is required$/.exec(fault.description);
      if (fault.field === "input" && missing) told.set(fault.description.slice(0, missing.index), fault);
    }
    for (const field of this.fields.values()) {
      if (field === this.isUnreadable) continue;
      const fault = told.get(field.name);
      field.complain(fault && (isAll || field.isTouched) ? fault.description : "");
    }
    return [...this.fields.values()].find((it) => told.has(it.name));
  }

  keepInAddress() {
    const kept = new URLSearchParams();
    for (const [name, value] of new URLSearchParams(location.search)) {
      if (name.startsWith("_") && name !== "_from" && name !== "_p") kept.append(name, value);
    }
    const given = new URLSearchParams(kept);
    for (const field of this.fields.values()) {
      let text;
      try {
        text = field.inAddress();
      } catch {
        text = undefined; // not JSON yet
      }
      if (text !== undefined) given.append(field.name, text);
    }
    let query = given.toString();
    if (query.length > MAX_ADDRESS_CHARACTERS) query = kept.toString();
    this.address(query ? `?${query}` : location.pathname);
    for (const link of document.querySelectorAll("a[data-keep-query]")) {
      link.search = query;
    }
  }

  /** Change the address; what was run before stays a step back. */
  address(place) {
    const wasRun = new URLSearchParams(location.search).has("_p");
    this.isDraft ||= wasRun;
    history[wasRun ? "pushState" : "replaceState"](null, "", place);
    this.place = location.pathname + location.search;
  }

  views() {
    this.text = this.querySelector(".json-view");
    const tabs = [...this.querySelectorAll('[role="tab"]')];
    for (const tab of tabs) {
      tab.addEventListener("click", () => {
        this.isJson = tab.dataset.view === "json";
        for (const other of tabs) other.setAttribute("aria-selected", String(other === tab));
        for (const other of tabs) other.tabIndex = other === tab ? 0 : -1;
        for (const panel of this.querySelectorAll("[data-panel]")) {
          panel.hidden = panel.dataset.panel !== tab.dataset.view;
        }
        this.text.value = JSON.stringify(this.read(), null, 2);
        this.check();
      });
      tab.addEventListener("keydown", (event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        const next = tabs[(tabs.indexOf(tab) + 1) % tabs.length];
        next.click();
        next.focus();
      });
    }
    const fault = this.querySelector("[data-json-error]");
    this.text.addEventListener("input", () => {
      try {
        const input = JSON.parse(this.text.value || "{}");
        if (input === null || typeof input !== "object" || Array.isArray(input)) throw new Error("An object is expected");
        this.write(input);
        for (const field of this.fields.values()) field.isTouched = field.name in input;
        fault.textContent = "";
        this.changed();
      } catch (error) {
        fault.textContent = `Not an input: ${error.message}`;
      }
    });
  }

  async run() {
    if (this.run_.disabled) return;
    const busy = [...this.querySelectorAll("file-field")].some((it) => it.isBusy);
    if (busy) return this.say("A file is still being uploaded.");
    const input = this.read();
    if (this.isUnreadable) return this.isUnreadable.focus();
    this.run_.disabled = true;
    this.problem.hidden = true;
    try {
      const { status, content } = await post(this.dataset.run, { input });
      if (status === 201) this.started(content);
      else this.refused(content);
    } catch {
      this.say("The server cannot be reached. Is it still running?");
    } finally {
      this.run_.disabled = false;
    }
  }

  started({ id, html }) {
    this.complain([], true);
    const pane = document.getElementById("run");
    pane.innerHTML = html;
    const query = new URLSearchParams(location.search);
    query.set("_p", id);
    if (!("single" in this.dataset)) {
      history[this.isDraft ? "replaceState" : "pushState"](null, "", `?${query}`);
      this.isDraft = false;
      this.place = location.pathname + location.search;
    }
    if (pane.getBoundingClientRect().top > innerHeight) pane.scrollIntoView({ behavior: "smooth" });
  }

  refused(content) {
    const first = this.complain(content.invalid_fields ?? [], true);
    if (!first || this.isJson) this.say([content.detail, content.hint].filter(Boolean).join(". ") || "The request was refused.");
    else first.focus();
  }

  say(text) {
    this.problem.hidden = false;
    this.problem.textContent = text;
  }
}
customElements.define("input-form", InputForm);

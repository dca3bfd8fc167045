// One field of a form each: what its control says as a value, and what a value looks like in it.

const number = (text) => (text.trim() === "" ? undefined : Number.isNaN(Number(text)) ? text : Number(text));

/** By widget: how a control is read, and how it is filled in. */
const WIDGETS = {
  text: { read: (it) => it.value, write: (it, value) => (it.value = asText(value)) },
  secret: { read: (it) => it.value || undefined, write: (it, value) => (it.value = asText(value)) },
  number: { read: (it) => number(it.value), write: (it, value) => (it.value = value ?? "") },
  switch: { read: (it) => it.checked, write: (it, value) => (it.checked = value === true) },
  choice: {
    read: (it) => (it.value === "" ? undefined : JSON.parse(it.value)),
    write: (it, value) => (it.value = value === undefined ? "" : JSON.stringify(value)),
  },
  json: {
    read: (it) => (it.value.trim() === "" ? undefined : JSON.parse(it.value)),
    write: (it, value) => (it.value = value === undefined ? "" : JSON.stringify(value, null, 2)),
  },
  file: { read: (it) => it.value || undefined, write: (it, value) => (it.value = asText(value)) },
  files: { read: (it) => it.value, write: (it, value) => (it.value = value ?? []) },
  list: { read: (it) => it.value, write: (it, value) => (it.value = value ?? []) },
};

const asText = (value) => (value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value));

export class Field {
  /** `onChange` hears that a person has changed it. */
  constructor(root, onChange) {
    this.root = root;
    this.name = root.dataset.name;
    this.widget = root.dataset.widget;
    this.control = root.querySelector(`#${CSS.escape(`input-${this.name}`)}`);
    this.isRequired = "required" in root.dataset;
    this.isSet = "set" in root.dataset;
    this.isTouched = false;
    this.default = root.dataset.default ? JSON.parse(root.dataset.default) : undefined;
    this.resetButton = root.querySelector("[data-reset]");
    this.slider = root.querySelector('input[type="range"]');
    root.addEventListener("input", (event) => {
      if (event.target === this.slider) this.control.value = this.slider.value;
      else if (this.slider) this.slider.value = this.control.value;
      this.isSet = this.isTouched = true;
      this.show();
      onChange(this);
    });
    this.resetButton?.addEventListener("click", () => {
      this.write(undefined);
      onChange(this);
      this.control.focus?.();
    });
    this.show();
  }

  /** What it says; undefined where nothing is given, and the model's own default holds. */
  read() {
    if (!this.isSet && !this.isRequired) return undefined;
    const value = WIDGETS[this.widget].read(this.control);
    const isEmpty = value === "" || (Array.isArray(value) && value.length === 0);
    return isEmpty && (this.isRequired || this.default === undefined) ? undefined : value;
  }

  /** Show a value; undefined is the default. */
  write(value) {
    this.isSet = value !== undefined;
    WIDGETS[this.widget].write(this.control, value === undefined ? this.default : value);
    if (this.slider) this.slider.value = this.control.value;
    this.show();
  }

  get isSecret() {
    return this.widget === "secret";
  }

  /** As it stands in the address; undefined where it does not. */
  inAddress() {
    const value = this.isSecret ? undefined : this.read();
    if (value === undefined || !this.isSet) return undefined;
    if (this.widget === "text") return value;
    if (this.widget === "file") return value.startsWith("data:") ? undefined : value;
    return JSON.stringify(value);
  }

  complain(text) {
    const shown = this.root.querySelector(".error");
    if (shown.textContent !== text) shown.textContent = text;
    if (text) this.control.setAttribute("aria-invalid", "true");
    else this.control.removeAttribute("aria-invalid");
  }

  focus() {
    this.root.closest("details")?.setAttribute("open", "");
    this.control.focus();
  }

  show() {
    if (this.resetButton) this.resetButton.hidden = !this.isSet;
  }
}

/** A list of values, a row for each. */
class ListField extends HTMLElement {
  connectedCallback() {
    if (this.rows) return;
    this.rows = document.createElement("div");
    this.rows.className = "items";
    this.add = Object.assign(document.createElement("button"), { type: "button", className: "plain", textContent: "Add a value" });
    this.add.append(Object.assign(document.createElement("span"), { className: "sr", textContent: ` to ${this.dataset.label}` }));
    this.add.addEventListener("click", () => {
      this.append_("").focus();
      this.tell();
    });
    this.append(this.rows, this.add);
    this.value = JSON.parse(this.dataset.value || "[]");
  }

  get value() {
    const texts = [...this.rows.querySelectorAll("input")].map((it) => it.value);
    if (this.dataset.item !== "number") return texts;
    return texts.map(number).filter((it) => it !== undefined);
  }

  set value(values) {
    this.rows.replaceChildren();
    for (const value of Array.isArray(values) ? values : []) this.append_(asText(value));
  }

  append_(text) {
    const row = Object.assign(document.createElement("div"), { className: "item" });
    const input = Object.assign(document.createElement("input"), { value: text });
    if (this.dataset.item === "number") input.inputMode = "decimal";
    input.setAttribute("aria-label", `${this.dataset.label}, value ${this.rows.children.length + 1}`);
    const remove = Object.assign(document.createElement("button"), { type: "button", textContent: "Remove" });
    remove.addEventListener("click", () => {
      row.remove();
      this.tell();
      this.add.focus();
    });
    row.append(input, remove);
    this.rows.append(row);
    return input;
  }

  tell() {
    this.dispatchEvent(new Event("input", { bubbles: true }));
  }

  focus() {
    (this.rows.querySelector("input") ?? this.add).focus();
  }
}
customElements.define("list-field", ListField);

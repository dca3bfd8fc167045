// A file to be given: chosen, dropped, pasted, photographed, or named by a URL.

import { upload } from "./request.js";

const MAX_TEXT_BYTES = 64 * 1024;

class FileField extends HTMLElement {
  connectedCallback() {
    if (this.places) return;
    this.isMany = "many" in this.dataset;
    this.querySelector("input")?.remove(); // what there is without scripts
    this.classList.add("items");
    this.places = document.createElement("div");
    this.places.className = "items";
    this.append(this.places);
    if (this.isMany) {
      this.add = button("Add a file", "plain", () => {
        this.place().focus();
      });
      this.append(this.add);
    }
    this.addEventListener("paste", (event) => {
      if (event.clipboardData.files.length) {
        event.preventDefault();
        this.take(event.clipboardData.files);
      }
    });
    const given = this.dataset.value ? JSON.parse(this.dataset.value) : this.isMany ? [] : "";
    this.value = given;
  }

  get value() {
    const urls = [...this.places.children].map((it) => it.url).filter(Boolean);
    return this.isMany ? urls : (urls[0] ?? "");
  }

  set value(value) {
    const urls = this.isMany ? (Array.isArray(value) ? value : []) : [value ?? ""];
    this.places.replaceChildren();
    for (const url of urls) this.place(typeof url === "string" ? url : JSON.stringify(url));
  }

  /** Whether a file is on its way; a form is sent when all have come. */
  get isBusy() {
    return [...this.places.children].some((it) => it.isBusy);
  }

  place(url = "") {
    const place = document.createElement("file-place");
    place.owner = this;
    this.places.append(place);
    place.url = url;
    return place;
  }

  /** Take files that a person gave; a list of files takes all of them. */
  take(files, first = undefined) {
    const wanted = this.isMany ? [...files] : [...files].slice(0, 1);
    for (const file of wanted) {
      const empty = first ?? [...this.places.children].find((it) => !it.url && !it.isBusy);
      const place = this.isMany ? (empty ?? this.place()) : this.places.children[0];
      first = undefined;
      place.send(file);
    }
  }

  tell() {
    this.dispatchEvent(new Event("input", { bubbles: true }));
  }

  focus() {
    (this.places.querySelector("input") ?? this.add)?.focus();
  }
}

/** The place of one file. */
class FilePlace extends HTMLElement {
  connectedCallback() {
    if (this.input) return;
    this.classList.add("drop");
    const label = this.owner.dataset.label;
    this.input = Object.assign(document.createElement("input"), { inputMode: "url", placeholder: "Drop or paste a file, or write a URL", autocomplete: "off" });
    this.input.setAttribute("aria-label", `${label}: URL of a file`);
    this.chooser = Object.assign(document.createElement("input"), { type: "file", hidden: true, multiple: this.owner.isMany });
    this.chooser.setAttribute("aria-label", `${label}: choose a file`);
    this.chooser.addEventListener("change", () => {
      this.owner.take(this.chooser.files, this);
      this.chooser.value = "";
    });
    this.row = Object.assign(document.createElement("div"), { className: "row" });
    this.row.append(button("Choose a file", "", () => this.chooser.click()));
    if (navigator.mediaDevices?.getUserMedia) {
      this.row.append(button("Camera", "", () => this.photograph()));
    }
    this.remove_ = button("Remove", "plain", () => this.clear());
    this.row.append(this.remove_);
    this.said = Object.assign(document.createElement("span"), { className: "small quiet" });
    this.said.setAttribute("role", "status");
    this.row.append(this.said);
    this.preview = Object.assign(document.createElement("div"), { className: "preview", hidden: true });
    this.append(this.input, this.row, this.preview, this.chooser);
    this.input.addEventListener("input", () => this.showUrl());
    this.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.classList.add("over");
    });
    this.addEventListener("dragleave", () => this.classList.remove("over"));
    this.addEventListener("drop", (event) => {
      event.preventDefault();
      this.classList.remove("over");
      const url = event.dataTransfer.getData("text/uri-list");
      if (event.dataTransfer.files.length) this.owner.take(event.dataTransfer.files, this);
      else if (url) {
        this.url = url.split("\n")[0];
        this.owner.tell();
      }
    });
  }

  get url() {
    return this.input?.value.trim() ?? "";
  }

  set url(url) {
    this.input.value = url;
    this.showUrl();
  }

  get isBusy() {
    return Boolean(this.sending);
  }

  focus() {
    this.input.focus();
  }

  clear() {
    this.sending?.cancel();
    this.url = "";
    if (this.owner.isMany) this.remove();
    this.owner.tell();
    this.owner.focus();
  }

  /** Upload a file, and show it meanwhile. */
  async send(file) {
    this.sending?.cancel();
    this.show(URL.createObjectURL(file), file.type, file);
    const bar = Object.assign(document.createElement("progress"), { max: 1, value: 0 });
    bar.setAttribute("aria-label", `Upload of ${file.name}`);
    this.append(bar);
    const size = inWords(file.size);
    const sending = upload(document.body.dataset.uploads ?? "/uploads", file, (part) => {
      bar.value = part;
      this.said.textContent = `${Math.round(part * 100)} % of ${size}`;
    });
    this.sending = sending;
    this.remove_.hidden = false;
    try {
      const { url } = await sending.done;
      this.input.value = url;
      this.said.textContent = `${file.name}, ${size}`;
    } catch (error) {
      if (this.sending === sending) {
        this.said.textContent = error.message;
        this.preview.hidden = true;
      }
    } finally {
      bar.remove();
      if (this.sending === sending) this.sending = undefined;
      this.remove_.hidden = !this.url;
      this.owner.tell();
    }
  }

  /** Show what a URL names, if this very server or the address itself holds it. */
  showUrl() {
    this.remove_.hidden = !this.url && !this.owner.isMany;
    this.said.textContent = "";
    const found = /\/v1\/files\/([\w-]+)$/.exec(this.url);
    if (this.url.startsWith("data:")) this.show(this.url, this.url.slice(5).split(/[;,]/)[0]);
    else if (found && this.url.startsWith(location.origin)) this.show(`/uploads/${found[1]}`, "?");
    else if (this.url.startsWith(`${location.origin}/`)) this.show(this.url, "?");
    else this.preview.hidden = true;
  }

  async show(source, type, file = undefined) {
    if (type === "?") {
      const head = await fetch(source, { method: "HEAD" }).catch(() => undefined);
      type = head?.ok ? (head.headers.get("Content-Type") ?? "") : "";
    }
    const kind = type.split("/")[0];
    const shown = { image: "img", audio: "audio", video: "video" }[kind];
    let element;
    if (shown) {
      element = Object.assign(document.createElement(shown), { src: source, controls: true });
      if (shown === "img") element.alt = "The chosen picture";
    } else if (kind === "text" || type === "application/json") {
      element = Object.assign(document.createElement("pre"), { textContent: await textOf(file ?? source) });
    }
    this.preview.hidden = !element;
    if (element) this.preview.replaceChildren(element);
  }

  /** Take a picture with the camera. */
  async photograph() {
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: true });
    } catch (error) {
      this.said.textContent = `No camera: ${error.message}`;
      return;
    }
    const dialog = document.createElement("dialog");
    const video = Object.assign(document.createElement("video"), { srcObject: stream, autoplay: true, playsInline: true, muted: true });
    const row = Object.assign(document.createElement("div"), { className: "row" });
    row.append(
      button("Take the picture", "primary", async () => {
        const canvas = Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
        canvas.getContext("2d").drawImage(video, 0, 0);
        const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
        dialog.close();
        this.owner.take([new File([blob], "camera.jpg", { type: "image/jpeg" })], this);
      }),
      button("Close", "", () => dialog.close()),
    );
    dialog.append(video, row);
    dialog.addEventListener("close", () => {
      for (const track of stream.getTracks()) track.stop();
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  }
}

function inWords(bytes) {
  if (bytes < 1e3) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function button(text, kind, onClick) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: kind, textContent: text });
  made.addEventListener("click", onClick);
  return made;
}

customElements.define("file-place", FilePlace);
customElements.define("file-field", FileField);

/** Return the beginning of a text: of a file, at a URL of the hub, or within a data URI, which the page may not fetch. */
async function textOf(source) {
  if (source instanceof Blob) return source.slice(0, MAX_TEXT_BYTES).text();
  if (!source.startsWith("data:")) return textOf(await (await fetch(source)).blob());
  const [, head, body] = /^data:([^,]*),?([^]*)$/.exec(source);
  try {
    if (!head.endsWith(";base64")) return decodeURIComponent(body).slice(0, MAX_TEXT_BYTES);
    const bytes = Uint8Array.from(atob(body), (it) => it.charCodeAt(0));
    return new TextDecoder().decode(bytes.slice(0, MAX_TEXT_BYTES));
  } catch {
    return ""; // it is not written to its end yet
  }
}

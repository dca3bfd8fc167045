// What every page may hold: pictures to look at closely, texts to copy, views to choose from.

/** Show a picture over the page; a click shows it in its own size. */
function zoom(url, name) {
  const dialog = document.createElement("dialog");
  dialog.className = "viewer";
  const image = Object.assign(document.createElement("img"), { src: url, alt: name });
  const row = Object.assign(document.createElement("div"), { className: "row apart" });
  const label = Object.assign(document.createElement("span"), { className: "small", textContent: name });
  const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Close" });
  row.append(label, close);
  dialog.append(image, row);
  image.addEventListener("click", () => dialog.classList.toggle("close-up"));
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

document.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-zoom]");
  if (link && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    zoom(link.href, link.closest("figure").querySelector("img").alt);
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const text = copy.dataset.copy || copy.closest(".snippet").querySelector("pre").textContent;
    await copied(text);
    const before = copy.textContent;
    copy.textContent = "Copied";
    setTimeout(() => (copy.textContent = before), 1500);
  }
});

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Browsers give the clipboard to https and loopback alone.
    const area = Object.assign(document.createElement("textarea"), { value: text, className: "sr" });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

/** Several views of one text, of which one is shown. */
class TextViews extends HTMLElement {
  connectedCallback() {
    const views = [...this.querySelectorAll("[data-view]")];
    const row = Object.assign(document.createElement("div"), { className: "row" });
    for (const view of views) {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "plain", textContent: view.dataset.view });
      button.setAttribute("aria-pressed", String(!view.hidden));
      button.addEventListener("click", () => {
        for (const other of views) other.hidden = other !== view;
        for (const each of row.children) each.setAttribute("aria-pressed", String(each === button));
      });
      row.append(button);
    }
    if (!this.querySelector(":scope > .row")) this.append(row);
  }
}
customElements.define("text-views", TextViews);

/** Two pictures over each other, with a line between them that can be moved. */
class BeforeAfter extends HTMLElement {
  connectedCallback() {
    if (this.querySelector("input")) return;
    const line = Object.assign(document.createElement("span"), { className: "line" });
    const slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 100, value: 50 });
    slider.setAttribute("aria-label", "How much of the picture is shown as it was before");
    slider.addEventListener("input", () => this.style.setProperty("--at", `${slider.value}%`));
    const tags = ["Before", "After"].map((text, index) => {
      const tag = Object.assign(document.createElement("span"), { className: "tag", textContent: text });
      tag.style.setProperty(index ? "right" : "left", "8px");
      return tag;
    });
    this.append(line, ...tags, slider);
  }
}
customElements.define("before-after", BeforeAfter);

/** A moment, in the reader's own time and words. */
function tellTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]:not([title])")) {
    const moment = new Date(time.dateTime);
    time.title = moment.toLocaleString();
    if (!time.dataset.exact) time.textContent = ago(moment);
  }
}

function ago(moment) {
  const seconds = Math.round((Date.now() - moment) / 1000);
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  for (const [unit, length] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= length) return words.format(-Math.round(seconds / length), unit);
  }
  return seconds < 5 ? "just now" : `${seconds} seconds ago`;
}

tellTimes(document);
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
document.addEventListener("htmx:load", (event) => tellTimes(event.target));
document.addEventListener("page:changed", (event) => tellTimes(event.target));

// Requests to the server that made this page, with the sign that they come from it.

export const csrf = document.querySelector('meta[name="csrf"]')?.content ?? "";

/** Post JSON, and return the answer's status and its content. */
export async function post(path, content) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
    body: JSON.stringify(content),
  });
  const text = await response.text();
  try {
    return { status: response.status, content: JSON.parse(text) };
  } catch {
    return { status: response.status, content: { detail: text.slice(0, 500) || response.statusText } };
  }
}

/** Upload a file; `onProgress` hears the sent part, from 0 to 1. */
export function upload(path, file, onProgress) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded / event.total));
    request.addEventListener("abort", () => reject(new Error("")));
    request.addEventListener("error", () => reject(new Error("The connection was lost")));
    request.addEventListener("load", () => {
      let content = {};
      try {
        content = JSON.parse(request.responseText);
      } catch {
        content = { detail: request.responseText.slice(0, 500) };
      }
      if (request.status === 201) resolve(content);
      else reject(new Error(content.detail || `The upload was refused (${request.status})`));
    });
  });
  request.open("POST", path);
  request.setRequestHeader("X-CSRF-Token", csrf);
  const form = new FormData();
  form.append("content", file, file.name || "file");
  request.send(form);
  return { done, cancel: () => request.abort() };
}

// Questions before something is lost, and things that are taken along.

import { byId, make } from "./elements.js";

/** Asks whether something is to be done; `act` names it on the button. */
export function confirmed(question, act) {
  const dialog = byId("question");
  byId("question-text").textContent = question;
  byId("question-act").textContent = act;
  dialog.returnValue = "";
  dialog.showModal();
  byId("question-away").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "act"), { once: true });
  });
}

/** Hands a file to whoever sits here. */
export function handOver(blob, name) {
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: name }).click();
  // Once the browser has begun to write it.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

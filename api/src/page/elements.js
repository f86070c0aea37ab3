// Small tools for the document. Values from files reach it here, as text alone.

import { isLinked } from "./link.js";

export const byId = (id) => document.getElementById(id);

/** An element with properties and children; a child that is a string becomes text. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export const lines = (...values) => values.filter(Boolean).join("\n");

/** `Family^Given^Middle^Prefix^Suffix=…` as people write it. */
export const personName = (name) => {
  const [family, ...given] = (name ?? "").split("=")[0].split("^").filter(Boolean);
  return family ? [family, given.join(" ")].filter(Boolean).join(", ") : "Unnamed patient";
};

/** Tells a screen reader. */
export const say = (text) => { byId("status").textContent = text; };

/** Shows what went wrong in place of the picture, or with `null` nothing any more. Where somebody has to sign in, the form
 *  says so. */
export function showError(error) {
  const isShown = Boolean(error) && (error.status !== 401 || isLinked);
  byId("error").hidden = !isShown;
  byId("error").textContent = isShown ? error.message : "";
  byId("hint").hidden = isShown || !byId("viewer").classList.contains("idle");
}

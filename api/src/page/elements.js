// Small tools for the document. Values from files reach it here, as text alone.

import { choose, next, t } from "./words.js";

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
  return family ? [family, given.join(" ")].filter(Boolean).join(", ") : t("shelf.unnamed");
};

/** Tells a screen reader. */
export const say = (text) => { byId("status").textContent = text; };

/** Calls `does` with each element that is observed when it is on the screen for the first time. */
export function whenSeen(does) {
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      observer.unobserve(target);
      does(target);
    }
  });
  return observer;
}

/** The button that leads to another language, which is read from the start, at the same address: `before` keeps what is not there yet. */
export function offerLanguage(before = () => {}) {
  const button = Object.assign(byId("language"), { textContent: next.name, title: next.title, lang: next.language });
  button.addEventListener("click", () => {
    before();
    choose(next.language);
    location.reload();
  });
}

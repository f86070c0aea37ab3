// A link that somebody was given: its token stands in the address, and goes into that of everything that is asked.

const token = new URLSearchParams(location.search).get("share");

/** Whether the page was opened by a link, and shows what that is of. */
export const isLinked = token !== null;

/** `path` as it is asked for: with the token of the link, where there is one. */
export function linked(path) {
  if (!isLinked) return path;
  return `${path}${path.includes("?") ? "&" : "?"}share=${encodeURIComponent(token)}`;
}

// The state of the machine, as the server tells it every two seconds. Start at `watch`; `show` puts one telling into the tables.

import { confirmed } from "./dialogs.js";
import { byId, make, offerLanguage, say } from "./elements.js";
import { askStream, askToDelete, askToSend } from "./server.js";
import { count, language, t, translate } from "./words.js";

/** When a stream that ended is asked for again. */
const AGAIN_MS = 2_000;
/** The server tells every two seconds: one that says nothing for so long is gone, whatever the connection says. */
const SILENCE_MS = 10_000;
const STAGES = ["queue", "slot", "fetch", "decode", "render", "encode"];

document.documentElement.lang = language;
translate(document);
document.title = t("machine.title");

const number = (value, digits = 0) => value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
/** As ISO 8601 has them, in the time of whoever looks. */
const moment = (at) => new Date(at).toLocaleString("sv");
const cell = (content, className = "") => make("td", { className }, content);
const amount = (value, digits) => cell(value === null ? "–" : number(value, digits), "number");
const code = (word) => make("code", { textContent: word });
const study = (studyId) => cell(studyId ? make("a", { href: `/#study=${encodeURIComponent(studyId)}`, textContent: studyId.slice(0, 8) }) : "–", "once");
/** The number stands beside it. */
const meter = (value, max) => make("progress", { value, max: Math.max(max, 1), ariaHidden: "true" });
const row = (...cells) => make("tr", {}, ...cells);

/** The rows of each table from what the server tells of it. */
const ROWS = {
  lanes: ({ lane, depth, queued_work_seconds: seconds, workers }) =>
    row(cell(code(lane), "once"), amount(depth), amount(seconds, 1), amount(workers)),
  workers: ({ name, version, lanes, slots, busy, waiting, rendered, failed, started_at: since }) => {
    const used = make("span", {}, meter(busy, slots), ` ${busy} / ${slots}`);
    return row(make("td", { className: "once", title: version, textContent: name }), cell(lanes.join(", "), "words"), cell(used, "once"), amount(waiting), amount(rendered), amount(failed), cell(moment(since), "once"));
  },
  tiers: ({ tier, pictures, share }) => row(cell(code(tier), "once"), amount(pictures), cell(make("span", {}, meter(share, 1), ` ${number(100 * share)} %`), "once")),
  stages: ({ stage, mean, longest }) => row(cell(code(stage), "once"), amount(mean, 1), amount(longest, 1)),
  dead_letters: (letter) => {
    const { id, lane, kind, reason, cause, study_id: studyId, at } = letter;
    const acts = make("td", { className: "acts" });
    const path = `dead-letters/${encodeURIComponent(id)}`;
    // One without an id is named by nothing, and one without a lane goes back nowhere.
    if (id && lane) acts.append(act(t("machine.redrive"), () => askToSend(`${path}/redrive`).then(tellRedriven)), " ");
    if (id) acts.append(act(t("machine.drop"), () => drop(path, `${moment(at)} ${reason}`)));
    const why = make("span", {}, code(reason), cause ? ` ${cause}` : "");
    return row(cell(moment(at), "once"), cell(lane ?? kind, "once"), cell(why, "words"), study(studyId), acts);
  },
  failures: ({ at, kind, reason, study_id: studyId }) => row(cell(moment(at), "once"), cell(code(kind), "once"), cell(reason, "words"), study(studyId)),
  jobs: ({ created_at: at, kind, state, done, failed, total, study_id: studyId }) => {
    const far = make("span", {}, meter(done + failed, total), ` ${done + failed} / ${total}`);
    return row(cell(moment(at), "once"), cell(code(kind), "once"), cell(code(state), "once"), cell(far, "once"), study(studyId));
  },
};

/** What stands in each table, as JSON: what has not changed stays as it is. */
const shown = new Map();
const keyOf = (entry) => entry.id || entry.job_id || entry.name || entry.lane || entry.tier || entry.stage || entry.at;

function fill(part, entries, why) {
  const [table, notice] = [document.querySelector(`[data-part=${part}]`), document.querySelector(`[data-missing=${part}]`)];
  if (notice) notice.hidden = entries !== null;
  table.hidden = entries === null;
  if (entries === null) {
    notice.textContent = why;
    return;
  }
  const text = JSON.stringify(entries);
  if (shown.get(part) === text) return;
  shown.set(part, text);
  const rows = entries.map(ROWS[part]);
  for (const [nth, one] of rows.entries()) one.dataset.key = keyOf(entries[nth]);
  const columns = table.tHead.rows[0].cells.length;
  keepFocus(table, () => table.tBodies[0].replaceChildren(...rows.length ? rows : [row(make("td", { className: "empty", colSpan: columns, textContent: t("machine.none") }))]));
}

/** The focus stays on what it was on, in the row of the same thing, if it is there yet. */
function keepFocus(table, change) {
  const inRow = (one) => [...one.querySelectorAll("a, button")];
  const own = table.contains(document.activeElement) ? document.activeElement.closest("tr") : null;
  const nth = own ? inRow(own).indexOf(document.activeElement) : -1;
  change();
  if (!own) return;
  const same = [...table.tBodies[0].rows].find(({ dataset }) => dataset.key === own.dataset.key);
  if (same) inRow(same)[nth]?.focus();
}

function show(state) {
  const { api, missing, stages, dead_letters: letters } = state;
  const asked = api.tiers.reduce((sum, { pictures }) => sum + pictures, 0);
  const parts = {
    lanes: state.lanes,
    workers: state.workers,
    tiers: api.tiers.map((tier) => ({ ...tier, share: asked ? tier.pictures / asked : 0 })),
    stages: stages && STAGES.map((stage) => ({ stage, mean: stages.mean[`${stage}_ms`], longest: stages.longest[`${stage}_ms`] })),
    dead_letters: letters && letters.oldest,
    failures: state.failures,
    jobs: state.jobs,
  };
  for (const [part, entries] of Object.entries(parts)) fill(part, entries, missing[part] ?? "");
  const backEnds = Object.entries(state.back_ends).map(([name, health]) => make("li", { className: health, textContent: `${name}: ${health}` }));
  byId("back-ends").replaceChildren(...backEnds);
  byId("letters-total").textContent = letters ? number(letters.total) : "";
  redriveAll.hidden = !letters?.total;
  byId("requests").textContent = t("machine.requests", {
    requests: count(api.requests_total, "machine.request"), failed: number(api.requests_failed), now: number(api.active_requests), mean: number(1000 * api.avg_response_time, 1),
  });
  byId("machine").hidden = false;
  tellLive("now", t("machine.live", { at: moment(state.at) }));
}

function tellLive(how, text) {
  // Who does not see the light hears that it went out.
  if (how === "lost" && byId("live").classList.contains("now")) say(text);
  byId("live").className = `live ${how}`;
  byId("live").textContent = text;
}

function refuse(text) {
  byId("refused").textContent = text;
  byId("refused").hidden = !text;
}

function tell(text) {
  byId("told").textContent = text;
  byId("told").hidden = !text;
}

const tellRedriven = ({ redriven }) => tell(count(redriven, "machine.redriven"));

/** A button that says what came of it, or why nothing did. */
function act(name, does) {
  const button = make("button", { type: "button", textContent: name });
  button.addEventListener("click", async () => {
    button.disabled = true;
    refuse("");
    tell("");
    await does().catch((error) => refuse(error.message));
    button.disabled = false;
  });
  return button;
}

async function drop(path, which) {
  if (!await confirmed(t("machine.drop.ask", { which }), t("machine.drop"))) return;
  const { dropped } = await askToDelete(path);
  tell(count(dropped, "machine.dropped"));
}

const redriveAll = act(t("machine.redrive.all"), () => askToSend("dead-letters/redrive?all=true").then(tellRedriven));
byId("redrive-all").append(redriveAll);

/** Each event of a stream (HTML 9.2.5), by its data. */
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const whole = text.split("\n\n");
    text = whole.pop();
    for (const event of whole) {
      const data = event.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
      if (data) yield data;
    }
  }
}

let watching = null;

/** Follows the machine for as long as somebody looks. */
async function watch() {
  watching?.abort();
  if (document.hidden) return;
  const { signal } = watching = new AbortController();
  const again = () => signal.aborted || watch();
  let silence = 0;
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      tellLive("lost", t("machine.lost"));
      again();
    }, SILENCE_MS);
  };
  heard();
  try {
    const response = await askStream("machine/events", signal);
    byId("unseen").hidden = true;
    for await (const told of events(response)) {
      heard();
      show(JSON.parse(told));
    }
    // It ends by itself every few minutes.
  } catch (error) {
    if (signal.aborted) return;
    tellUnseen(error);
    if (error.status === 401 || error.status === 403) return;
  } finally {
    clearTimeout(silence);
  }
  setTimeout(again, AGAIN_MS);
}

/** Why nothing is seen of the machine. */
function tellUnseen({ status, message }) {
  const isRefused = status === 401 || status === 403;
  tellLive("lost", isRefused ? "" : t("machine.lost"));
  byId("unseen").textContent = status === 401 ? t("machine.sign_in") : status ? message : "";
  byId("unseen").hidden = !byId("unseen").textContent;
}

offerLanguage();
document.addEventListener("visibilitychange", watch);
watch();

// The state of the machine, as the server tells it every two seconds. Start at `watch`; `show` puts one telling into the tables.

import { confirmed } from "./dialogs.js";
import { byId, make, say } from "./elements.js";
import { askStream, askToDelete, askToSend } from "./server.js";
import { choose, count, language, next, t, translate } from "./words.js";

/** When a stream that ended is asked for again. */
const AGAIN_MS = 2_000;
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
const meter = (value, max) => make("progress", { value, max: Math.max(max, 1) });
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
    // One without an id is named by nothing.
    if (id) {
      const redriven = () => askToSend(`dead-letters/${encodeURIComponent(id)}/redrive`).then(() => say(t("machine.redriven")));
      acts.append(act(t("machine.redrive"), redriven), " ", act(t("machine.drop"), () => drop(id)));
    }
    const why = make("span", {}, code(reason), cause ? ` ${cause}` : "");
    return row(cell(moment(at), "once"), cell(lane ?? kind, "once"), cell(why, "words"), study(studyId), acts);
  },
  failures: ({ at, kind, reason, study_id: studyId }) => row(cell(moment(at), "once"), cell(code(kind), "once"), cell(reason, "words"), study(studyId)),
  jobs: ({ created_at: at, kind, state, done, failed, total, study_id: studyId }) => {
    const far = make("span", {}, meter(done + failed, total), ` ${done + failed} / ${total}`);
    return row(cell(moment(at), "once"), cell(code(kind), "once"), cell(code(state), "once"), cell(far, "once"), study(studyId));
  },
};

/** What stands in each table, as JSON: what has not changed stays as it is, and so does the focus in it. */
const shown = new Map();

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
  const columns = table.tHead.rows[0].cells.length;
  table.tBodies[0].replaceChildren(...rows.length ? rows : [row(make("td", { className: "empty", colSpan: columns, textContent: t("machine.none") }))]);
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
  byId("redrive-all").hidden = !letters?.total;
  byId("requests").textContent = t("machine.requests", {
    requests: count(api.requests_total, "machine.request"), failed: number(api.requests_failed), now: number(api.active_requests), mean: number(1000 * api.avg_response_time, 1),
  });
  byId("machine").hidden = false;
  tellLive("now", t("machine.live", { at: moment(state.at) }));
}

function tellLive(how, text) {
  byId("live").className = `live ${how}`;
  byId("live").textContent = text;
}

function refuse(text) {
  byId("refused").textContent = text;
  byId("refused").hidden = !text;
}

/** A button that says why nothing came of it. */
function act(name, does) {
  const button = make("button", { type: "button", textContent: name });
  button.addEventListener("click", async () => {
    button.disabled = true;
    refuse("");
    await does().catch((error) => refuse(error.message));
    button.disabled = false;
  });
  return button;
}

async function drop(id) {
  if (!await confirmed(t("machine.drop.ask"), t("machine.drop"))) return;
  await askToDelete(`dead-letters/${encodeURIComponent(id)}`);
  say(t("machine.dropped"));
}

byId("redrive-all").addEventListener("click", async () => {
  refuse("");
  await askToSend("dead-letters/redrive?all=true").then(() => say(t("machine.redriven")), (error) => refuse(error.message));
});

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
  try {
    const response = await askStream("machine/events", signal);
    refuse("");
    for await (const told of events(response)) show(JSON.parse(told));
    // It ends by itself every few minutes.
  } catch (error) {
    if (signal.aborted) return;
    tellLive("lost", t("machine.lost"));
    if (error.status) refuse(error.status === 401 ? t("machine.sign_in") : error.message);
    if (error.status === 401 || error.status === 403) return;
  }
  setTimeout(() => signal.aborted || watch(), AGAIN_MS);
}

Object.assign(byId("language"), { textContent: next.name, title: next.title, lang: next.language });
byId("language").addEventListener("click", () => {
  choose(next.language);
  location.reload();
});
document.addEventListener("visibilitychange", watch);
watch();

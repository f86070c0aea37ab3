// Who the person is: tokens of this tab, renewed in time, and gone with it.

const API = "/api/v1/auth";
const KEY = "noctis-login";
/** Renewed so long before they end, or with the last third of their time where that is less. */
const EARLY_MS = 30_000;
/** How long another tab may take to say that it has renewed already. */
const HEARD_MS = 150;

/** Tabs that were duplicated have the same login: what one renews, the others take, and where one signs out, all do. */
const tabs = new BroadcastChannel(KEY);
tabs.addEventListener("message", ({ data: { used, login, asks } }) => {
  const own = read();
  if (asks) {
    if (own?.before === used) tabs.postMessage({ used, login: own });
  } else if (used && own?.refresh === used) {
    write(login);
    if (!login) startAnew();
  }
});

function read() {
  return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
}

function write(login) {
  if (login) sessionStorage.setItem(KEY, JSON.stringify(login));
  else sessionStorage.removeItem(KEY);
}

export const isSignedIn = () => read() !== null;

/** Nothing of a patient stays on the screen, or in memory, of somebody who is not signed in any more. */
export const startAnew = () => location.reload();

/** Takes a token that somebody hands over in the address, and takes it out of there. */
export function takeFromAddress() {
  const address = new URLSearchParams(location.hash.slice(1));
  const token = address.get("access_token");
  if (!token) return;
  address.delete("access_token");
  history.replaceState(null, "", address.size ? `#${address}` : location.pathname);
  signInWith(token);
}

/** Signs in by a token that cannot be renewed. */
export const signInWith = (access) => write({ access });

/** Signs in by name and password; the server's words where it does not let in. */
export async function signIn(username, password) {
  write(await tokens("token", { grant_type: "password", username, password }));
}

/** Ends the login, here and at the server. */
export async function signOut() {
  const login = read();
  write(null);
  if (!login) return;
  tabs.postMessage({ used: login.refresh, login: null });
  const token = login.refresh ?? login.access;
  await fetch(`${API}/logout`, { method: "POST", body: new URLSearchParams({ token }) }).catch(() => {});
}

/** The token to show now, renewed when it is about to end; `null` without one. */
export async function token() {
  const login = read();
  if (!login) return null;
  if (login.refresh && login.renewAt < Date.now()) {
    // The token is good for a while yet, whatever keeps the server from giving another.
    await renew(login.refresh).catch(() => {});
  }
  return read()?.access ?? null;
}

/** After the server refused `refused`: whether there is another token to try. */
export async function anotherThan(refused) {
  const login = read();
  if (login?.access === refused && login.refresh) await renew(login.refresh);
  const now = read();
  if (now && now.access !== refused) return true;
  if (now) write(null);
  return false;
}

let renewing = null;

/** One tab renews at a time, and only what no other has renewed: a refresh token works once. */
function renew(used) {
  // Browsers have locks between tabs only where the page came safely.
  const alone = navigator.locks ? (work) => navigator.locks.request(KEY, work) : (work) => work();
  renewing ??= alone(() => renewUnlessDone(used)).finally(() => { renewing = null; });
  return renewing;
}

async function renewUnlessDone(used) {
  await heardFromAnotherTab(used);
  if (read()?.refresh !== used) return;
  const login = await tokens("refresh", { refresh_token: used }).catch((error) => {
    // Only its refusal ends the login: a server that is away, or has too many requests, does not.
    if (error.reason === "invalid_grant") return null;
    throw error;
  });
  write(login && { ...login, before: used });
  tabs.postMessage({ used, login: read() });
}

/** Ends when a tab says what it has renewed, or none does. */
function heardFromAnotherTab(used) {
  return new Promise((heard) => {
    const isHeard = ({ data }) => {
      if (data.asks || data.used !== used) return;
      tabs.removeEventListener("message", isHeard);
      heard();
    };
    tabs.addEventListener("message", isHeard);
    setTimeout(isHeard, HEARD_MS, { data: { used } });
    tabs.postMessage({ used, asks: true });
  });
}

async function tokens(path, members) {
  const response = await fetch(`${API}/${path}`, { method: "POST", body: new URLSearchParams(members) });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw Object.assign(new Error(answer.detail ?? `HTTP ${response.status}`), { reason: answer.error });
  }
  const { access_token: access, refresh_token: refresh, expires_in: seconds } = answer;
  const early = Math.min(EARLY_MS, seconds * 1000 / 3);
  return { access, refresh, renewAt: Date.now() + seconds * 1000 - early };
}

// Noctis behind a real OpenID provider, whose tokens it takes by the keys that the provider publishes. `NOCTIS` names the program.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import Provider from "oidc-provider";

const { NOCTIS } = process.env;
assert.ok(NOCTIS, "scripts/test sets NOCTIS");
const AUDIENCE = "https://noctis.example";
const SCOPES = "images:read studies:read admin";
/** Noctis asks the provider again after ten seconds at the earliest. */
const FOUND_WITHIN_MS = 20_000;

const KINDS = { RS256: ["rsa", { modulusLength: 2048 }], ES256: ["ec", { namedCurve: "P-256" }], EdDSA: ["ed25519", {}] };

/** A private key as the provider takes it. */
function key(alg, kid) {
  const [kind, options] = KINDS[alg];
  return { ...generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" }), kid, alg, use: "sig" };
}

let server;
let issuer;
/** By which algorithm the next token is signed. */
let alg = "RS256";

/** The provider with these keys, in the place of the one before. */
async function provide(keys) {
  server ??= createServer().listen(0, "127.0.0.1");
  if (!server.listening) await new Promise((resolve) => server.once("listening", resolve));
  issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    jwks: { keys },
    scopes: SCOPES.split(" "),
    clients: [{
      client_id: "viewer", client_secret: "a secret of the viewer", grant_types: ["client_credentials"],
      redirect_uris: [], response_types: [],
    }],
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "EdDSA"] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        getResourceServerInfo: (_, resource) =>
          ({ scope: SCOPES, audience: resource, accessTokenFormat: "jwt", accessTokenTTL: 600, jwt: { sign: { alg } } }),
      },
    },
  });
  // Its warnings are for who runs it in earnest.
  server.removeAllListeners("request");
  server.on("request", provider.callback());
}

async function token(scope = "images:read studies:read", resource = AUDIENCE) {
  const form = new URLSearchParams({ grant_type: "client_credentials", scope, resource });
  const basic = Buffer.from("viewer:a+secret+of+the+viewer").toString("base64");
  const answer = await fetch(`${issuer}/token`, { method: "POST", body: form, headers: { Authorization: `Basic ${basic}` } });
  const body = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(body));
  return body.access_token;
}

let noctis;
let base;
const data = mkdtempSync(join(tmpdir(), "noctis-provider-"));

async function serve() {
  const environment = {
    ...process.env, NOCTIS_AUTH: "jwt", NOCTIS_JWT_JWKS_URL: `${issuer}/jwks`, NOCTIS_JWT_ISSUER: issuer, NOCTIS_JWT_AUDIENCE: AUDIENCE,
  };
  noctis = spawn(NOCTIS, ["serve", "--listen", "127.0.0.1:0", "--data", data], { env: environment, stdio: ["ignore", "pipe", "inherit"] });
  base = await new Promise((resolve, reject) => {
    let said = "";
    noctis.stdout.on("data", (text) => {
      said += text;
      const found = said.match(/^listening on (\S+)/m);
      if (found) resolve(found[1]);
    });
    noctis.once("exit", (code) => reject(new Error(`noctis ended with ${code}: ${said}`)));
  });
}

const ask = async (shown, path = "dicom/studies") =>
  (await fetch(`${base}/api/v1/${path}`, { headers: { Authorization: `Bearer ${shown}` } })).status;

before(async () => {
  await provide([key("RS256", "rsa-1"), key("ES256", "ec-1"), key("EdDSA", "ed-1")]);
  await serve();
});

after(() => {
  noctis?.kill("SIGTERM");
  server?.close();
  server?.closeAllConnections();
  rmSync(data, { recursive: true, force: true });
});

for (const each of Object.keys(KINDS)) {
  test(`a token that the provider signs by ${each} lets in, as far as its scopes go`, async () => {
    alg = each;
    assert.equal(await ask(await token()), 200);
    assert.equal(await ask(await token(), "metrics"), 403);
    assert.equal(await ask(await token("admin"), "metrics"), 200);
    assert.equal(await ask(await token("admin")), 403);
  });
}

test("a token for another service lets nobody in, nor one that was changed", async () => {
  alg = "RS256";
  assert.equal(await ask(await token("images:read", "https://other.example")), 401);
  const [head, body, signature] = (await token()).split(".");
  const claims = { ...JSON.parse(Buffer.from(body, "base64url")), sub: "eve" };
  assert.equal(await ask([head, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join(".")), 401);
});

test("a key that the provider changes to is found, and one that it gave up is not believed any more", async () => {
  alg = "ES256";
  const before = await token();
  assert.equal(await ask(before), 200);
  await provide([key("RS256", "rsa-2"), key("ES256", "ec-2")]);
  const next = await token();
  const deadline = Date.now() + FOUND_WITHIN_MS;
  // Whose token was seen a moment ago is believed for ten seconds.
  while (await ask(next) !== 200 || await ask(before) !== 401) {
    assert.ok(Date.now() < deadline, "the new key is not found, or the old one is believed");
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  alg = "RS256";
  assert.equal(await ask(await token()), 200);
});

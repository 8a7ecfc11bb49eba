// The API against its own document, asked by schemathesis: whatever it thinks of, there is no server error and no answer
// that the document does not declare.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeOneOfEach } from "./ids.mjs";
import { Service } from "./service.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const DOCUMENT = here("../../../openapi/openapi.json");
const CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"];
/** Random tries of each operation, beside those that try the limits of each parameter. */
const TRIES = 5;

/** What cannot be asked a thousand times, and why. */
const LEFT_OUT = [
  // Answers without an end.
  "GET /api/v1/live",
  "GET /api/v1/provider/live",
  "GET /api/v1/server-configurations/{id}/live",
  // Waits for a change for up to a minute.
  "GET /api/v1/agent/list",
  // End the session that asks, or leave the account that it is in.
  "DELETE /api/v1/sessions/current",
  "DELETE /api/v1/me/sessions",
  "POST /api/v1/provider/accounts/leave",
];

const inConfiguration = ({ path }) => path.startsWith("/api/v1/server-configurations/{id}");
const ofProvider = ({ path }) => path.startsWith("/api/v1/provider");
const ofAgent = ({ path }) => path.startsWith("/api/v1/agent");
const deletes = ({ method }) => method === "DELETE";
/** After one of these, the token is not the provider's any more, or the account is gone. */
const leads = ({ path }) => /^\/api\/v1\/provider\/accounts\/\{account_id\}\/(enter|close)$/.test(path);

/** Who asks for what, in this order: what is asked for is there until the end. */
const GROUPS = {
  "a server configuration": [(it) => inConfiguration(it) && !deletes(it), "administrator"],
  "an account": [(it) => ![inConfiguration, ofProvider, ofAgent, deletes].some((is) => is(it)), "administrator"],
  "the provider": [(it) => ofProvider(it) && !leads(it), "provider"],
  "an agent": [ofAgent, "agent"],
  "what is deleted": [deletes, "administrator"],
  "the doors of accounts": [leads, "provider"],
};

const operations = () => {
  const { paths } = JSON.parse(readFileSync(DOCUMENT, "utf8"));
  const methods = ["get", "put", "post", "delete", "patch", "head", "options"];
  return Object.entries(paths).flatMap(([path, item]) =>
    methods.filter((method) => item[method]).map((method) => ({ method: method.toUpperCase(), path })),
  );
};
const isLeftOut = ({ method, path }) => LEFT_OUT.includes(`${method} ${path}`);

let service;
let ids;
before(async () => {
  service = await Service.start({ arguments: ["--request-rate", "1000000"] });
  ids = await makeOneOfEach(service);
});
after(() => service?.stop());

test("every operation is asked for, or left out for a reason", () => {
  for (const operation of operations()) {
    const groups = Object.values(GROUPS).filter(([includes]) => includes(operation));
    assert.equal(groups.length, 1, `${operation.method} ${operation.path}`);
    for (const [, name] of operation.path.matchAll(/\{(\w+)\}/g)) assert.ok(ids[name], `an id for ${operation.path}`);
  }
  const all = operations().map(({ method, path }) => `${method} ${path}`);
  for (const name of LEFT_OUT) assert.ok(all.includes(name), `${name} is not in the document any more`);
});

for (const [name, [includes, who]] of Object.entries(GROUPS)) {
  test(`${name}: no server error, and nothing that is not declared`, async () => {
    const wanted = operations().filter((operation) => includes(operation) && !isLeftOut(operation));
    const settings = join(service.folder, "schemathesis.toml");
    const real = Object.entries(ids).map(([parameter, id]) => `"path.${parameter}" = "${id}"\n`);
    writeFileSync(settings, `[parameters]\n${real.join("")}`);
    const names = wanted.map(({ method, path }) => `--include-name=${method} ${path}`);
    const asked = spawn(
      process.env.STOPLIST_SCHEMATHESIS,
      [
        ...["--config-file", settings, "run", DOCUMENT, "--url", service.base, "--no-color", "--warnings", "off"],
        ...["--header", `Authorization: Bearer ${service.tokens[who]}`, "--checks", CHECKS.join(",")],
        ...["--phases", "coverage,fuzzing", "--max-examples", TRIES, "--generation-deterministic"],
        ...["--continue-on-failure", "--request-timeout", "60", ...names],
      ],
      { cwd: service.folder, env: { ...process.env, SCHEMATHESIS_HOOKS: "hooks", PYTHONPATH: here("..") } },
    );
    let said = "";
    for (const output of [asked.stdout, asked.stderr]) output.on("data", (text) => (said += text));
    const [code] = await once(asked, "close");
    assert.equal(code, 0, said);
    const selected = /Operations: +(\d+) selected/.exec(said) ?? /Operations: +(\d+)/.exec(said);
    assert.equal(Number(selected?.[1]), wanted.length, said);
    const [, generated, passed] = /(\d+) generated, (\d+) passed/.exec(said) ?? [];
    assert.equal(generated, passed, said);
    assert.ok(Number(generated) >= wanted.length, said);
    console.log(`${wanted.length} operations, ${generated} requests`);
  });
}

test("the ids were real: what was deleted is gone", async () => {
  const token = service.tokens.administrator;
  const tokens = await service.api("/tokens", { token });
  assert.ok(tokens.items.length > 0 && !tokens.items.some(({ id }) => id === ids.token_id));
  await service.api(`/server-configurations/${ids.id}/uploads/${ids.upload_id}`, { token, expect: 404 });
});

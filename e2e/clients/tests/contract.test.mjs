// The API against its own document, asked by schemathesis: whatever it thinks of, there is no server error and no answer
// that the document does not declare.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { after, before, test } from "node:test";
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

const everywhere = (path) => !/^\/api\/v1\/(agent|provider|server-configurations\/\{id\})/.test(path);

/** Who asks for what, with the ids that are real. */
const GROUPS = {
  "a server configuration": [(path) => path.startsWith("/api/v1/server-configurations/{id}"), "administrator"],
  "an account": [everywhere, "administrator"],
  "the provider": [(path) => path.startsWith("/api/v1/provider"), "provider"],
  "an agent": [(path) => path.startsWith("/api/v1/agent"), "agent"],
};

const operations = () => {
  const { paths } = JSON.parse(readFileSync(DOCUMENT, "utf8"));
  const methods = ["get", "put", "post", "delete", "patch", "head"];
  return Object.entries(paths).flatMap(([path, item]) =>
    methods.filter((method) => item[method]).map((method) => ({ method: method.toUpperCase(), path })),
  );
};
const isLeftOut = ({ method, path }) => LEFT_OUT.includes(`${method} ${path}`);

let service;
before(async () => {
  service = await Service.start({ arguments: ["--request-rate", "1000000"] });
});
after(() => service?.stop());

test("every operation is asked for, or left out for a reason", () => {
  for (const operation of operations()) {
    const groups = Object.values(GROUPS).filter(([includes]) => includes(operation.path));
    assert.equal(groups.length, 1, `${operation.method} ${operation.path}`);
  }
  const all = operations().map(({ method, path }) => `${method} ${path}`);
  for (const name of LEFT_OUT) assert.ok(all.includes(name), `${name} is not in the document any more`);
});

for (const [name, [includes, who]] of Object.entries(GROUPS)) {
  test(`${name}: no server error, and nothing that is not declared`, async () => {
    const wanted = operations().filter((operation) => includes(operation.path) && !isLeftOut(operation));
    const settings = join(service.folder, "schemathesis.toml");
    writeFileSync(settings, `[parameters]\n"path.id" = "${service.configuration}"\n`);
    const ids = wanted.map(({ method, path }) => `--include-name=${method} ${path}`);
    const asked = spawn(
      process.env.STOPLIST_SCHEMATHESIS,
      [
        ...["--config-file", settings, "run", DOCUMENT, "--url", service.base, "--no-color", "--warnings", "off"],
        ...["--header", `Authorization: Bearer ${service.tokens[who]}`, "--checks", CHECKS.join(",")],
        ...["--phases", "coverage,fuzzing", "--max-examples", TRIES, "--generation-deterministic"],
        ...["--continue-on-failure", "--request-timeout", "60", ...ids],
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

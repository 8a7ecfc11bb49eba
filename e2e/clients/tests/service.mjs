// A service of our own, and what its API answers.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const PASSWORD = "correct horse battery staple";

/** Longer than anything may take here, in milliseconds. */
export const PATIENCE = 120_000;

export const isPostgres = Boolean(process.env.STOPLIST_TEST_DATABASE_URL);

export const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

export class Service {
  /** Starts a service on an empty database, and makes an account with a server configuration. */
  static async start({ wrap = [], dataDir, arguments: more = [] } = {}) {
    const service = new Service();
    service.wrap = wrap;
    service.arguments = more;
    service.folder = mkdtempSync(join(tmpdir(), "stoplist-clients-"));
    service.dataDir = dataDir ?? join(service.folder, "data");
    service.port = await freePort();
    service.base = `http://127.0.0.1:${service.port}`;
    await service.launch();
    await service.signUp();
    return service;
  }

  /** Starts the process; again on the same port and database after `kill`. */
  async launch() {
    const [program, ...before] = [...this.wrap, process.env.STOPLIST_BIN];
    const listen = ["serve", "--data-dir", this.dataDir, "--listen", `127.0.0.1:${this.port}`, ...this.arguments];
    const database = isPostgres && !this.wrap.length ? ["--database-url", process.env.STOPLIST_TEST_DATABASE_URL] : [];
    this.process = spawn(program, [...before, ...listen, ...database], { stdio: ["ignore", "pipe", "pipe"] });
    this.log = "";
    this.process.stderr.on("data", (text) => (this.log += text));
    const lines = createInterface({ input: this.process.stdout });
    await new Promise((ready, failed) => {
      let isReady = false;
      lines.on("line", (line) => {
        if (line.startsWith("Set-up code: ")) this.code = line.slice("Set-up code: ".length);
        if (line.startsWith("Stoplist is ready")) isReady = true;
        // At first start the code comes after it.
        if (isReady && this.code) ready();
      });
      this.process.once("exit", (code) => failed(new Error(`the service ended with ${code}: ${this.log}`)));
    });
  }

  async kill() {
    const ended = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await ended;
  }

  async stop() {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = once(this.process, "exit");
      this.process.kill("SIGTERM");
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  async signUp() {
    const name = `account-${Date.now()}`;
    const post = (path, body, token) => this.api(path, { method: "POST", body, token, expect: 201 });
    const provider = await post("/setup", { code: this.code, email: "provider@example.com", password: PASSWORD });
    const email = `admin@${name}.example`;
    const account = { name, plan: "professional", administrator_email: email, administrator_password: PASSWORD };
    await post("/provider/accounts", account, provider.access_token);
    const session = await post("/sessions", { email, password: PASSWORD });
    const scopes = ["read", "lists"];
    this.token = (await post("/tokens", { name: "tus", scopes }, session.access_token)).secret;
    const configuration = { name: "Main", time_zone: "UTC" };
    const { id } = await post("/server-configurations", configuration, session.access_token);
    this.configuration = id;
    const servers = `/server-configurations/${id}/mail-servers`;
    const { token: agent } = await post(servers, { name: "mx1" }, session.access_token);
    this.tokens = { provider: provider.access_token, administrator: session.access_token, agent };
    this.endpoint = `${this.base}/api/v1/server-configurations/${id}/uploads`;
  }

  get headers() {
    return { Authorization: `Bearer ${this.token}` };
  }

  /** Calls the API; a path begins below /api/v1, an address is taken as it is. */
  async api(path, { method = "GET", body, token = this.token, headers: more, expect = 200 } = {}) {
    const url = path.startsWith("http") ? path : `${this.base}/api/v1${path}`;
    const headers = { "Content-Type": "application/json", ...more };
    if (token) headers.Authorization = `Bearer ${token}`;
    const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    assert.equal(answer.status, expect, `${method} ${url}: ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  /** Reads something until it is as wanted. */
  async until(url, wanted) {
    const begun = Date.now();
    for (;;) {
      const now = await this.api(url);
      if (wanted(now)) return now;
      assert.ok(Date.now() - begun < PATIENCE, `${url} stays ${JSON.stringify(now)}`);
      await sleep(20);
    }
  }

  /** Waits until something that was deleted is not there. */
  async gone(url) {
    const begun = Date.now();
    while ((await fetch(url, { headers: this.headers })).status !== 404) {
      assert.ok(Date.now() - begun < PATIENCE, "the removed upload stays");
      await sleep(50);
    }
  }

  async analysed(url) {
    return this.until(url, ({ state }) => state === "ready" || state === "failed");
  }

  /** The most memory that the process has had, in MiB. */
  peak() {
    const status = readFileSync(`/proc/${this.process.pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)[1]) / 1024;
  }
}

/** Lines with addresses that are all different. */
export function addresses(count, from = 0) {
  return Array.from({ length: count }, (_, n) => `user${from + n}@example.com\n`).join("");
}

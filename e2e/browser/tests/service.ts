// A service of its own for the tests of one worker.
import { test as base } from "@playwright/test";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const BINARY = process.env.STOPLIST_BIN ?? "../../target/debug/stoplist";
const READY = /^Stoplist is ready: (http:\/\/\S+?)\/?$/;
const CODE = /^Set-up code: (\S+)$/;
const START_LIMIT_MS = 20_000;

export interface Service {
  /** Without a slash at the end. */
  url: string;
  /** The one-time code of the first start; undefined when the database was not fresh. */
  setupCode: string | undefined;
  /** What `stoplist sample` printed: how to sign in. Empty without sample data. */
  sample: string;
  /** Stops it and answers a copy of its data folder. */
  copy(): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts `stoplist serve` on a free port and an empty data folder, one with sample data, or a copy of another; `settings`
 * are more of its own.
 */
export async function startService(
  { sample = false, copyOf, settings = [] }: { sample?: boolean; copyOf?: string; settings?: string[] },
): Promise<Service> {
  const folder = mkdtempSync(join(tmpdir(), "stoplist-browser-"));
  if (copyOf) cpSync(copyOf, folder, { recursive: true });
  const data = ["--data-dir", folder];
  const printed = sample ? execFileSync(BINARY, ["sample", ...data], { encoding: "utf8" }) : "";
  const serve = ["serve", ...data, "--listen", "127.0.0.1:0", ...settings];
  const child = spawn(BINARY, serve, { stdio: ["ignore", "pipe", "pipe"] });
  const end = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
  };
  const stop = async () => {
    await end();
    rmSync(folder, { recursive: true, force: true });
  };
  const copy = async () => {
    await end();
    const place = mkdtempSync(join(tmpdir(), "stoplist-browser-"));
    cpSync(folder, place, { recursive: true });
    return place;
  };
  try {
    const { url, setupCode } = await whenReady(child, !sample && !copyOf);
    return { url, setupCode, sample: printed, copy, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Waits for the address, and for the one-time code of a first start, which comes beside it. */
function whenReady(child: ChildProcess, isFirst: boolean): Promise<{ url: string; setupCode: string | undefined }> {
  return new Promise((resolve, reject) => {
    const said: string[] = [];
    const fail = (why: string) => reject(new Error(`${BINARY} ${why}:\n${said.join("\n")}`));
    const timer = setTimeout(() => fail("is not ready in time"), START_LIMIT_MS);
    child.once("error", (error) => fail(`cannot be started (${error.message})`));
    child.once("exit", (code) => fail(`ended with ${code}`));
    createInterface({ input: child.stderr! }).on("line", (line) => said.push(line));
    let url: string | undefined;
    let setupCode: string | undefined;
    createInterface({ input: child.stdout! }).on("line", (line) => {
      said.push(line);
      url ??= READY.exec(line)?.[1];
      setupCode ??= CODE.exec(line)?.[1];
      if (url === undefined || (isFirst && setupCode === undefined)) return;
      clearTimeout(timer);
      resolve({ url, setupCode });
    });
  });
}

/** `fresh`: nobody has signed in yet; `filled`: with sample data. Each is started when a test first asks for it. */
export const test = base.extend<{}, { fresh: Service; filled: Service }>({
  fresh: [
    async ({}, use) => {
      const service = await startService({});
      await use(service);
      await service.stop();
    },
    { scope: "worker" },
  ],
  filled: [
    async ({}, use) => {
      const service = await startService({ sample: true });
      await use(service);
      await service.stop();
    },
    { scope: "worker", timeout: 120_000 },
  ],
});

export { expect } from "@playwright/test";

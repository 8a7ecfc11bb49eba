// An account with a server configuration and three sending errors, made through the API.
import { expect, test as base, type Browser, type Locator, type Page } from "@playwright/test";
import type axe from "axe-core";
import { readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { startService, type Service } from "./service";

export const PROVIDER = { email: "provider@example.com", password: "a provider's long password" };
export const ADMINISTRATOR = { email: "keiko@example.com", password: "an administrator's password" };

export interface Workplace {
  service: Service;
  /** The server configuration's id. */
  configuration: string;
  /** The console's address of a section, `/blocked/list` for example. */
  at(section: string): string;
  /** Calls the API below the server configuration as its administrator. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Calls the API as the account's administrator. */
  account(method: string, path: string, body?: unknown): Promise<Response>;
  /** Calls the API as the provider. */
  provider(method: string, path: string, body?: unknown): Promise<Response>;
  /** Uploads a file and waits until it is analysed; answers its id. */
  upload(content: string): Promise<string>;
  /** Changes the account, as the provider. */
  changeAccount(change: Record<string, unknown>): Promise<void>;
  /** Lets the account download, or not. */
  allowDownloads(allowed: boolean): Promise<void>;
}

/** The JSON of an answer that must be good. */
export async function json(response: Response | Promise<Response>): Promise<any> {
  const answer = await response;
  if (!answer.ok) throw new Error(`${answer.url}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

function send(url: string, body?: unknown, token?: string, method = "POST", headers: Record<string, string> = {}) {
  return fetch(url, {
    method,
    headers: {
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
}

/** Uploads a file to a server configuration, of that address in the API, and waits until it is analysed; answers its id. */
export async function uploadTo(configuration: string, token: string, content: string): Promise<string> {
  const authorised = { Authorization: `Bearer ${token}` };
  const headers = {
    ...authorised,
    "Tus-Resumable": "1.0.0",
    "Upload-Length": String(Buffer.byteLength(content)),
    "Upload-Metadata": `filename ${btoa("list.csv")}`,
    "Content-Type": "application/offset+octet-stream",
  };
  const { id } = await json(fetch(`${configuration}/uploads`, { method: "POST", headers, body: content }));
  const state = async () => (await json(fetch(`${configuration}/uploads/${id}`, { headers: authorised }))).state;
  await expect.poll(state).toBe("ready");
  return id;
}

/** What a workplace begins with: a data folder, and who may do what in it. */
interface Template {
  folder: string;
  configuration: string;
  provider: string;
  administrator: string;
  madeAt: number;
}

/** Setting up costs more than a copy of what was set up, so that each worker does it once for each plan. */
const templates = new Map<Plan, Template>();
/** In milliseconds; access tokens live for 15 minutes. */
const TEMPLATE_LIFETIME = 8 * 60_000;

async function template(plan: Plan): Promise<Template> {
  const known = templates.get(plan);
  if (known && Date.now() - known.madeAt < TEMPLATE_LIFETIME) return known;
  const made = await makeTemplate(plan);
  templates.set(plan, made);
  if (known) rmSync(known.folder, { recursive: true });
  return made;
}

async function makeTemplate(plan: Plan): Promise<Template> {
  const madeAt = Date.now();
  const service = await startService({});
  try {
    const api = `${service.url}/api/v1`;
    const { access_token: provider } = await json(send(`${api}/setup`, { code: service.setupCode, ...PROVIDER }));
    const account = {
      name: "Example Mail",
      plan,
      administrator_email: ADMINISTRATOR.email,
      administrator_password: ADMINISTRATOR.password,
    };
    await json(send(`${api}/provider/accounts`, account, provider));
    const { access_token: administrator } = await json(send(`${api}/sessions`, ADMINISTRATOR));
    const { id: configuration } = await json(
      send(`${api}/server-configurations`, { name: "Newsletter", time_zone: "Asia/Tokyo" }, administrator),
    );
    return { folder: await service.copy(), configuration, provider, administrator, madeAt };
  } finally {
    await service.stop();
  }
}

async function openWorkplace(plan: Plan): Promise<Workplace> {
  const { folder, configuration, provider, administrator } = await template(plan);
  const service = await startService({ copyOf: folder });
  const api = `${service.url}/api/v1`;
  const workplace: Workplace = {
    service,
    configuration,
    at: (section) => `${service.url}/configurations/${configuration}${section}`,
    call: (method, path, body, headers) =>
      send(`${api}/server-configurations/${configuration}${path}`, body, administrator, method, headers),
    account: (method, path, body) => send(`${api}${path}`, body, administrator, method),
    provider: (method, path, body) => send(`${api}/provider${path}`, body, provider, method),
    upload: (content) => uploadTo(`${api}/server-configurations/${configuration}`, administrator, content),
    changeAccount: async (change) => {
      const { items } = await json(send(`${api}/provider/accounts`, undefined, provider, "GET"));
      const path = `${api}/provider/accounts/${items[0].id}`;
      const unchanged = { "If-Match": `"${items[0].revision}"` };
      await json(send(path, change, provider, "PATCH", unchanged));
    },
    allowDownloads: (downloads_enabled) => workplace.changeAccount({ downloads_enabled }),
  };
  const occurred_at = new Date().toISOString();
  const event = (id: string, address: string, reason: string, reply: string) => ({
    id, address, outcome: "error", reason, smtp_code: Number(reply.slice(0, 3)), reply, occurred_at,
  });
  await json(
    workplace.call("POST", "/delivery-events", [
      event("1", "taro@example.com", "unknown_user", "550 5.1.1 User unknown"),
      event("2", "hanako@example.net", "unknown_host", "550 5.1.2 Host not found"),
      event("3", "jiro@example.org", "unknown_user", "550 5.1.1 No such mailbox"),
    ]),
  );
  return workplace;
}

type Plan = "standard" | "professional";

/** Each test has a service of its own: none depends on what another left. */
export const test = base.extend<{ plan: Plan; workplace: Workplace }, { cleanUp: void }>({
  plan: ["professional", { option: true }],
  cleanUp: [
    async ({}, use) => {
      await use();
      for (const { folder } of templates.values()) rmSync(folder, { recursive: true });
    },
    { scope: "worker", auto: true },
  ],
  workplace: async ({ plan }, use) => {
    const workplace = await openWorkplace(plan);
    await use(workplace);
    await workplace.service.stop();
  },
});

export { expect } from "@playwright/test";

export async function fillSignIn(page: Page, who = ADMINISTRATOR): Promise<void> {
  await page.getByLabel("E-mail").fill(who.email);
  await page.getByLabel("Password").fill(who.password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

export async function signIn(page: Page, workplace: Workplace, section: string): Promise<void> {
  await page.goto(workplace.at(section));
  await fillSignIn(page);
  await expect(page).toHaveURL(workplace.at(section));
  await expect(page.getByRole("heading", { level: 1, name: "Newsletter" })).toBeVisible();
}

export async function signInAsProvider(page: Page, workplace: Workplace, path: string): Promise<void> {
  await page.goto(workplace.service.url + path);
  await fillSignIn(page, PROVIDER);
  await expect(page).toHaveURL(workplace.service.url + path);
}

/** Draws everything anew in Japanese, whatever goes on: the rest of a flow that began in English. */
export async function goOnInJapanese(page: Page): Promise<void> {
  await page.locator("#language").selectOption("ja");
  await expect(page.locator("html")).toHaveAttribute("lang", "ja");
}

/** Somebody else's browser. */
export async function elsewhere<T>(browser: Browser, act: (page: Page) => Promise<T>, locale = "en-GB"): Promise<T> {
  const context = await browser.newContext({ locale });
  try {
    return await act(await context.newPage());
  } finally {
    await context.close();
  }
}

/** Performs a run and waits until it is done and what it found is published. */
export async function runNow(workplace: Workplace): Promise<void> {
  const run = await json(workplace.call("POST", "/runs"));
  const get = (path: string) => json(workplace.call("GET", path));
  const poll = (ask: () => Promise<unknown>) => expect.poll(ask, { timeout: 20_000 });
  await poll(async () => (await get(`/runs/${run.id}`)).state).toBe("done");
  const { distribution_id: distribution } = await get(`/runs/${run.id}`);
  await poll(async () => (await get(`/distributions/${distribution}`)).published_at).toBeDefined();
}

/** Goes with the Tab key until the element has the focus, as somebody without a mouse does; looks at every stop. */
export async function tabTo(page: Page, target: Locator, look?: (page: Page) => Promise<void>): Promise<void> {
  for (let presses = 0; presses < 60; presses++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
    await look?.(page);
  }
  throw new Error(`the Tab key does not reach ${target}`);
}

/**
 * Answers `path` as a proxy does that has no service behind it, until what is given back is called. A page reads once
 * more by itself when its live stream stands: that is waited for, or it would mend itself before anybody tries again.
 */
export async function refuse(page: Page, path: string): Promise<() => Promise<void>> {
  let reads = 0;
  await page.route(path, (route) => {
    reads += 1;
    return route.fulfill({ status: 500, body: "" });
  });
  return async () => {
    await expect.poll(() => reads).toBeGreaterThan(1);
    await page.unroute(path);
  };
}

/** Half as long as `axe.source`: it is sent to every page, which reads all of it. */
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Nothing on the page as it is now breaks WCAG 2.2 AA or axe's best practices, in light and in dark. */
export async function expectAccessible(page: Page): Promise<void> {
  // Every page has one: before it is there the page is not drawn.
  await expect(page.locator("h1").first()).toBeVisible();
  if (await page.evaluate(() => !("axe" in window))) await page.evaluate(AXE);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    // Only contrast depends on the scheme: of text, and of links with what they stand in.
    const rules = colorScheme === "dark" ? ["color-contrast", "link-in-text-block"] : undefined;
    // A list that is read again is dimmed for that moment: what is wrong stays wrong.
    const violations = async () => {
      await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
      const found = await page.evaluate(findViolations, rules);
      return found.map(({ id, nodes }) => `${colorScheme} ${id}: ${nodes}`);
    };
    await expect.poll(violations, { timeout: 15_000 }).toEqual([]);
  }
}

/** Runs in the page. */
async function findViolations(rules: string[] | undefined): Promise<{ id: string; nodes: string[] }[]> {
  const { run } = (window as unknown as { axe: typeof axe }).axe;
  // New in WCAG 2.2, and off in axe unless it is asked for.
  const scope = rules ? { runOnly: rules } : { rules: { "target-size": { enabled: true } } };
  const { violations } = await run({ ...scope, resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => ({ id, nodes: nodes.map((node) => node.html) }));
}

/**
 * The console as a user with another role sees it: the answer to "who am I" is changed on its way. That the service
 * refuses what a role must not do is tested with the service; people.spec.ts has real users.
 */
export async function actAs(page: Page, role: "viewer" | "operator"): Promise<void> {
  await page.route("**/api/v1/me", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), role } });
  });
}

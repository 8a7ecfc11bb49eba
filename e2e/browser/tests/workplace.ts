// An account with a server configuration and a blocked address, made through the API.
import { expect, type Page } from "@playwright/test";
import AxeBuilder from "@axe-core/playwright";
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
}

async function json(response: Response): Promise<any> {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
  return response.json();
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

export async function openWorkplace(): Promise<Workplace> {
  const service = await startService({ sample: false });
  const api = `${service.url}/api/v1`;
  const provider = await json(await send(`${api}/setup`, { code: service.setupCode, ...PROVIDER }));
  await json(
    await send(
      `${api}/provider/accounts`,
      {
        name: "Example Mail",
        plan: "professional",
        administrator_email: ADMINISTRATOR.email,
        administrator_password: ADMINISTRATOR.password,
      },
      provider.access_token,
    ),
  );
  const { access_token: token } = await json(await send(`${api}/sessions`, ADMINISTRATOR));
  const made = await json(
    await send(`${api}/server-configurations`, { name: "Newsletter", time_zone: "Asia/Tokyo" }, token),
  );
  const workplace: Workplace = {
    service,
    configuration: made.id,
    at: (section) => `${service.url}/configurations/${made.id}${section}`,
    call: (method, path, body, headers) =>
      send(`${api}/server-configurations/${made.id}${path}`, body, token, method, headers),
  };
  const occurred_at = new Date().toISOString();
  const event = (id: string, address: string, reason: string, reply: string) => ({
    id, address, outcome: "error", reason, smtp_code: Number(reply.slice(0, 3)), reply, occurred_at,
  });
  await json(
    await workplace.call("POST", "/delivery-events", [
      event("1", "taro@example.com", "unknown_user", "550 5.1.1 User unknown"),
      event("2", "hanako@example.net", "unknown_host", "550 5.1.2 Host not found"),
      event("3", "jiro@example.org", "unknown_user", "550 5.1.1 No such mailbox"),
    ]),
  );
  return workplace;
}

export async function signIn(page: Page, workplace: Workplace, section: string): Promise<void> {
  await page.goto(workplace.at(section));
  await page.getByLabel("E-mail").fill(ADMINISTRATOR.email);
  await page.getByLabel("Password").fill(ADMINISTRATOR.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(workplace.at(section));
  await expect(page.getByRole("heading", { level: 1, name: "Newsletter" })).toBeVisible();
}

/** Performs a run and waits until it is done. */
export async function runNow(workplace: Workplace): Promise<void> {
  const run = await json(await workplace.call("POST", "/runs"));
  await expect
    .poll(async () => (await json(await workplace.call("GET", `/runs/${run.id}`))).state, { timeout: 20_000 })
    .toBe("done");
}

/** Nothing on the page as it is now breaks WCAG 2.2 AA or axe's best practices, in light and in dark. */
export async function expectAccessible(page: Page): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => `${colorScheme} ${id}: ${nodes.map((node) => node.html)}`)).toEqual([]);
  }
}

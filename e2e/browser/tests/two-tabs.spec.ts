// What happens elsewhere shows by itself: nothing here is reloaded.
import type { Page } from "@playwright/test";
import { csv } from "./files";
import { codeOf } from "./authenticator";
import { settled } from "./waiting";
import { ADMINISTRATOR, expect, expectAccessible, json, signIn, signInAsProvider, test, type Workplace } from "./workplace";

async function open(page: Page, workplace: Workplace, path: string): Promise<Page> {
  const tab = await page.context().newPage();
  await tab.goto(workplace.service.url + path);
  await expect(tab.getByRole("button", { name: "Sign out" })).toBeVisible();
  return tab;
}

/** Turns on the administrator's second factor by the API. */
async function setUpFactor(workplace: Workplace): Promise<void> {
  const { password } = ADMINISTRATOR;
  const { secret } = await json(workplace.account("POST", "/me/second-factor", { password }));
  await json(workplace.account("POST", "/me/second-factor/confirm", { code: codeOf(secret) }));
}

const live = (page: Page) => expect(page.getByText("Live", { exact: true })).toBeVisible();

test("users, invitations, tokens, sessions, configurations and the plan", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  const users = await open(page, workplace, "/settings/users");
  const tokens = await open(page, workplace, "/settings/tokens");
  const account = await open(page, workplace, "/settings/account");
  const audit = await open(page, workplace, "/settings/audit-log");
  const tabs = [page, users, tokens, account];
  await expect(users.getByRole("row", { name: ADMINISTRATOR.email })).toBeVisible();
  await expect(tokens.getByRole("heading", { level: 1 })).toBeVisible();
  const sessions = account.getByRole("region", { name: "Sessions" }).getByRole("row");
  await expect.poll(() => sessions.count()).toBeGreaterThan(1);
  const before = await sessions.count();
  await live(page);

  await json(workplace.account("POST", "/invitations", { email: "hana@example.com", role: "viewer" }));
  await expect(users.getByRole("row", { name: "hana@example.com" })).toBeVisible();
  await expect(audit.getByRole("row", { name: /hana@example\.com/ })).toBeVisible();
  await json(workplace.account("POST", "/tokens", { name: "reports", scopes: ["read"] }));
  await expect(tokens.getByRole("row", { name: /reports/ })).toBeVisible();
  await json(fetch(`${workplace.service.url}/api/v1/sessions`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(ADMINISTRATOR),
  }));
  await expect(sessions).toHaveCount(before + 1);
  await json(workplace.account("POST", "/server-configurations", { name: "Receipts", time_zone: "UTC" }));
  for (const tab of tabs) await expect(tab.getByRole("link", { name: /^Receipts/ })).toBeVisible();
  await expect(page.getByRole("link", { name: "Stop cancellation" })).toBeVisible();
  await workplace.changeAccount({ plan: "standard" });
  await expect(page.getByRole("link", { name: "Stop cancellation" })).toHaveCount(0);
});

test("a second factor that is set up elsewhere is asked for here", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  await page.goto(`${workplace.service.url}/settings/account`);
  await expect(page.getByLabel("Present password").first()).toBeVisible();
  await page.getByLabel("New password").fill("half a new password");
  await expect(page.getByLabel("Code")).toHaveCount(0);
  await setUpFactor(workplace);
  await expect(page.locator("#password-code")).toBeVisible();
  await expect(page.getByRole("button", { name: "Turn off" })).toBeVisible();
  await expect(page.getByLabel("New password")).toHaveValue("half a new password");
});

test("what another provider changes shows on the account's page", async ({ page, workplace }) => {
  const { items: [account] } = await json(workplace.provider("GET", "/accounts"));
  await signInAsProvider(page, workplace, `/provider/accounts/${account.id}`);
  await expect(page.getByText("Professional", { exact: true })).toBeVisible();
  await workplace.changeAccount({ plan: "standard" });
  await expect(page.getByText("Standard", { exact: true })).toBeVisible();
});

test("reported events appear in the logs, but not while somebody reads on", async ({ page, workplace }) => {
  const report = (ids: number[]) => {
    const occurred_at = new Date().toISOString();
    const events = ids.map((id) => ({
      id: `more-${id}`, address: `person${id}@example.com`, outcome: "error", reason: "unknown_user", smtp_code: 550,
      reply: "550 5.1.1 User unknown", occurred_at,
    }));
    return json(workplace.call("POST", "/delivery-events", events));
  };
  await settled(page, () => signIn(page, workplace, "/delivery-report/error-log"));
  await expect(page.getByRole("row", { name: /taro@example\.com/ })).toBeVisible();
  await live(page);
  const asked: string[] = [];
  page.on("request", (request) => {
    if (request.url().includes("/delivery-events")) asked.push(request.url());
  });
  const began = Date.now();
  for (let batch = 0; batch < 20; batch++) await report(Array.from({ length: 10 }, (_, one) => batch * 10 + one));
  await expect(page.getByText("203", { exact: false }).first()).toBeVisible();
  // The service tells of events once in two seconds; one telling may be of those before.
  expect(asked.length).toBeLessThanOrEqual(1 + (Date.now() - began) / 2_000);

  const reading = await open(page, workplace, `/configurations/${workplace.configuration}/delivery-report/error-log`);
  await reading.getByRole("button", { name: "Next page" }).click();
  await expect(reading.getByRole("button", { name: "First page" })).toBeVisible();
  await expect(reading.getByRole("region", { name: "Error log" })).toHaveAttribute("aria-busy", "false");
  const again: string[] = [];
  reading.on("request", (request) => {
    if (request.url().includes("/delivery-events")) again.push(request.url());
  });
  await report([999]);
  await expect(page.getByRole("row", { name: /person999@example\.com/ })).toBeVisible();
  expect(again).toEqual([]);
});

test("run settings that somebody else saves meanwhile", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  await page.getByRole("button", { name: "Run settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Run settings" });
  await dialog.getByLabel("Watch period (days)").fill("90");
  const read = await workplace.call("GET", "/run-settings");
  const { conditions, watch_warning, success_resets_count } = await json(read);
  const theirs = {
    conditions, watch_warning, success_resets_count, execute_timing: "04:15", watch_period_days: null,
    watch_daily_limit: null, cancel_blocking: [], delivery_timing: "next_execution",
  };
  await json(workplace.call("PUT", "/run-settings", theirs, { "If-Match": read.headers.get("etag")! }));
  await expect(dialog.getByText("Somebody else changed these settings meanwhile")).toBeVisible();
  await expect(dialog.getByLabel("Watch period (days)")).toHaveValue("90");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Load the new settings" }).click();
  await expect(dialog.getByLabel("Execute timing")).toHaveValue("04:15");
  await expect(dialog.getByLabel("Watch period (days)")).toHaveValue("");
  await expect(dialog.getByText("Somebody else changed these settings meanwhile")).toBeHidden();
});

test("an upload that is deleted elsewhere is gone here", async ({ page, workplace }) => {
  const id = await workplace.upload(csv("list.csv", "mail\nnew@example.com\n").buffer.toString());
  await signIn(page, workplace, "/blocked/uploads");
  const row = page.getByRole("row", { name: /list\.csv/ });
  await expect(row).toBeVisible();
  const one = await open(page, workplace, `/configurations/${workplace.configuration}/blocked/uploads/${id}`);
  await expect(one.getByRole("heading", { name: "list.csv" })).toBeVisible();
  for (const tab of [page, one]) await live(tab);
  expect((await workplace.call("DELETE", `/uploads/${id}`)).ok).toBe(true);
  await expect(row).toHaveCount(0);
  await expect(one.getByText("This upload is not here")).toBeVisible();
});

// What is pressed asks for the new token itself, or finds it: the page's live stream has asked for it before.
for (const first of ["what is pressed", "the live stream"]) {
  test(`a tab of a provider does nothing in the account that another tab opened, whose token ${first} asks for`, async ({ page, workplace }) => {
    const other = { name: "Other Mail", plan: "professional", administrator_email: "other@example.net", administrator_password: ADMINISTRATOR.password };
    await json(workplace.provider("POST", "/accounts", other));
    await signInAsProvider(page, workplace, "/provider");
    await page.getByRole("button", { name: "Open: Example Mail" }).click();
    await expect(page.getByText("You are in the account Example Mail as its provider")).toBeVisible();
    await page.goto(`${workplace.service.url}/settings/users`);
    await page.getByRole("button", { name: "Invite" }).click();
    await page.getByLabel("E-mail").fill("somebody@example.com");
    // What the page asks for by itself is held back: it has not heard of the other tab yet.
    await page.route("**/api/v1/me", () => new Promise(() => {}));

    const asked = first === "the live stream" && page.waitForResponse("**/sessions/refresh");
    const tab = await open(page, workplace, "/settings/users");
    await tab.getByRole("button", { name: "Leave the account" }).click();
    await tab.getByRole("button", { name: "Open: Other Mail" }).click();
    await expect(tab.getByText("You are in the account Other Mail as its provider")).toBeVisible();
    await asked;
    // The page may be gone with its dialog.
    await page.getByRole("dialog").getByRole("button", { name: "Invite" }).click({ timeout: 2_000 }).catch(() => {});
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await expect(page.getByText("You are in the account Other Mail as its provider")).toBeVisible();
    await tab.goto(`${workplace.service.url}/settings/users`);
    await expect(tab.getByRole("row", { name: "other@example.net" })).toBeVisible();
    await expect(tab.getByRole("row", { name: "somebody@example.com" })).toHaveCount(0);
  });
}

// Tokens of scripts, made and revoked by the console, used as a script does.
import type { Page } from "@playwright/test";
import { expect, expectAccessible, json, signIn, tabTo, test, type Workplace } from "./workplace";

async function openTokens(page: Page, workplace: Workplace): Promise<void> {
  await signIn(page, workplace, "/blocked/list");
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("link", { name: "Tokens" }).click();
}

const row = (page: Page, name: string) => page.getByRole("row", { name: new RegExp(name) });

test("a token is made, shown once, used within its scopes, and revoked", async ({ page, context, workplace }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await openTokens(page, workplace);
  await expect(page.getByText("No token yet")).toBeVisible();
  await page.getByRole("button", { name: "New token" }).click();
  const dialog = page.getByRole("dialog", { name: "New token" });
  await dialog.getByLabel("Name").fill("CRM import");
  await expect(dialog.getByText("See everything of the account")).toBeVisible();
  // It may do something, or it is none.
  await dialog.getByRole("checkbox", { name: "Read" }).uncheck();
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(dialog.getByRole("group", { name: "What it may do" }).getByRole("alert")).not.toBeEmpty();
  await expectAccessible(page);
  await dialog.getByRole("checkbox", { name: "Report events" }).check();
  await dialog.getByRole("checkbox", { name: "Read" }).check();
  await expect(dialog.getByLabel("Expires")).toHaveValue("90");
  await dialog.getByLabel("Expires").selectOption("After 30 days");
  await expect(dialog.getByText(/^Works until .* 20\d\d/)).toBeVisible();
  await dialog.getByRole("button", { name: "Create" }).click();

  const shown = page.getByRole("dialog", { name: "Token", exact: true });
  const secret = await shown.getByRole("group", { name: "Token" }).innerText();
  expect(secret).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
  await expect(shown.getByText("This token is shown only now.")).toBeVisible();
  await expectAccessible(page);
  await shown.getByRole("button", { name: "Copy: Token" }).click();
  await expect(shown.getByText("Copied")).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(secret);
  await shown.getByRole("button", { name: "Done" }).click();
  await expect(row(page, "CRM import")).toContainText("Read, Report events");
  await expect(row(page, "CRM import")).toContainText("Never");
  await expect(page.getByText(secret)).toHaveCount(0);

  const asScript = async (method: string, path: string, body?: unknown) => {
    const headers = { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" };
    const api = `${workplace.service.url}/api/v1/server-configurations/${workplace.configuration}`;
    return (await fetch(api + path, { method, headers, body: body && JSON.stringify(body) })).status;
  };
  expect(await asScript("GET", "/blocked-addresses")).toBe(200);
  expect(await asScript("POST", "/releases", { addresses: ["taro@example.com"] })).toBe(403);
  const { items: [made] } = await json(workplace.account("GET", "/tokens"));
  const days = (Date.parse(made.expires_at) - Date.parse(made.created_at)) / 86_400_000;
  expect(days).toBeCloseTo(30, 1);
  await page.reload();
  await expect(row(page, "CRM import")).toContainText(/now|ago/);
  await expect(row(page, "CRM import")).not.toContainText("Never");

  const revoke = page.getByRole("button", { name: "Revoke: CRM import" });
  await revoke.click();
  const question = page.getByRole("dialog", { name: "Revoke token" });
  await expect(question.getByRole("heading", { name: "Revoke CRM import?" })).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect(revoke).toBeFocused();
  expect(await asScript("GET", "/blocked-addresses")).toBe(200);
  await revoke.click();
  await question.getByRole("button", { name: "Revoke" }).click();
  await expect(page.getByText("Token revoked.")).toBeVisible();
  await expect(page.getByText("No token yet")).toBeVisible();
  expect(await asScript("GET", "/blocked-addresses")).toBe(401);
});

test("a list that comes in many pages is shown whole, in its order", async ({ page, workplace }) => {
  const names = ["first", "second", "third"];
  for (const name of names) await json(workplace.account("POST", "/tokens", { name, scopes: ["read"] }));
  // A page has 500 rows: on their way to the service, all are made short.
  const asked = new Set<string>();
  await page.route("**/api/v1/tokens?limit=500*", (route) => {
    const url = route.request().url().replace("limit=500", "limit=1");
    asked.add(url);
    return route.continue({ url });
  });
  await openTokens(page, workplace);
  await expect(page.getByRole("row")).toHaveText([/Name/, ...names.reverse().map((name) => new RegExp(`^${name}`))]);
  expect(asked.size).toBe(names.length);
});

test("tokens of agents, without an end and expired are told apart", async ({ page, workplace }) => {
  await json(workplace.call("POST", "/mail-servers", { name: "mx1" }));
  const expires_at = new Date(Date.now() + 1_500).toISOString();
  await json(workplace.account("POST", "/tokens", { name: "short", scopes: ["read"], expires_at }));
  await openTokens(page, workplace);
  await page.getByRole("button", { name: "New token" }).click();
  const dialog = page.getByRole("dialog", { name: "New token" });
  await dialog.getByLabel("Name").fill("for ever");
  await dialog.getByLabel("Expires").selectOption("Never");
  await expect(dialog.getByText("Works until")).toHaveCount(0);
  await dialog.getByRole("button", { name: "Create" }).click();
  await page.getByRole("dialog", { name: "Token" }).getByRole("button", { name: "Done" }).click();
  await expect(page.getByRole("row")).toHaveCount(4);
  expect((await json(workplace.account("GET", "/tokens"))).items[0]).not.toHaveProperty("expires_at");
  await expect.poll(() => Date.now()).toBeGreaterThan(Date.parse(expires_at));
  await page.reload();
  await expect(row(page, "short")).toContainText("Expired");
  await expect(row(page, "mx1")).toContainText("Agent of a mail server");
  await expect(row(page, "mx1")).not.toContainText("Expired");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Revoke: mx1" }).click();
  await expect(page.getByRole("dialog").getByText("it goes on enforcing the list that it holds")).toBeVisible();
});

test("with the keyboard alone, in Japanese, at 360 px", async ({ page, workplace }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await signIn(page, workplace, "/blocked/list");
  await page.getByLabel("Language").selectOption("日本語");
  await page.goto(`${workplace.service.url}/settings/tokens`);
  const opener = page.getByRole("button", { name: "トークンを作成" });
  await tabTo(page, opener);
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "トークンを作成" });
  await tabTo(page, dialog.getByLabel("名前"));
  await page.keyboard.type("とても長い名前のトークン".repeat(5));
  await tabTo(page, dialog.getByRole("checkbox", { name: "管理" }));
  await page.keyboard.press("Space");
  await expectAccessible(page);
  expect(await dialog.evaluate((element) => element.scrollWidth)).toBeLessThanOrEqual(360);
  await tabTo(page, dialog.getByRole("button", { name: "作成" }));
  await page.keyboard.press("Enter");
  const shown = page.getByRole("dialog", { name: "トークン", exact: true });
  await expect(shown.getByText("このトークンは今だけ表示されます。")).toBeVisible();
  await expectAccessible(page);
  await tabTo(page, shown.getByRole("button", { name: "完了" }));
  await page.keyboard.press("Enter");
  await expect(opener).toBeFocused();
  await expect(row(page, "とても長い名前")).toContainText("閲覧, 管理");
  await expectAccessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
});

test("a token is limited to some server configurations", async ({ page, workplace }) => {
  const other = await json(workplace.account("POST", "/server-configurations", { name: "Orders", time_zone: "UTC" }));
  await openTokens(page, workplace);
  await page.getByRole("button", { name: "New token" }).click();
  const dialog = page.getByRole("dialog", { name: "New token" });
  await dialog.getByLabel("Name").fill("orders only");
  const choices = dialog.getByRole("group", { name: "Server configurations" });
  await expect(choices).toHaveCount(0);
  const limit = dialog.getByRole("checkbox", { name: "Only for some server configurations" });
  await tabTo(page, limit);
  await page.keyboard.press("Space");
  await expect(choices.getByRole("checkbox")).toHaveCount(2);
  // Limited to none, it could do nothing.
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(choices.getByRole("alert")).not.toBeEmpty();
  await expectAccessible(page);
  await tabTo(page, choices.getByRole("checkbox", { name: "Orders" }));
  await page.keyboard.press("Space");
  // What is ticked is remembered while it is hidden.
  await limit.uncheck();
  await limit.check();
  await expect(choices.getByRole("checkbox", { name: "Orders" })).toBeChecked();
  await expect(choices.getByRole("checkbox", { name: "Newsletter" })).not.toBeChecked();
  await dialog.getByRole("button", { name: "Create" }).click();
  const shown = page.getByRole("dialog", { name: "Token", exact: true });
  const secret = await shown.getByRole("group", { name: "Token" }).innerText();
  await shown.getByRole("button", { name: "Done" }).click();
  await expect(row(page, "orders only")).toContainText("Only Orders");
  await expectAccessible(page);

  const headers = { Authorization: `Bearer ${secret}` };
  const seen = await json(fetch(`${workplace.service.url}/api/v1/server-configurations`, { headers }));
  expect(seen.items.map((one: { id: string }) => one.id)).toEqual([other.id]);
  await page.getByRole("button", { name: "New token" }).click();
  await dialog.getByLabel("Name").fill("everything");
  await limit.check();
  await choices.getByRole("checkbox", { name: "Orders" }).check();
  await limit.uncheck();
  await dialog.getByRole("button", { name: "Create" }).click();
  await shown.getByRole("button", { name: "Done" }).click();
  await expect(row(page, "everything")).not.toContainText("Only");
  expect((await json(workplace.account("GET", "/tokens"))).items[0]).not.toHaveProperty("server_configuration_ids");
});

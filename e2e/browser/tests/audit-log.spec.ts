// The audit log, of an account and of the provider.
import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import {
  expect, expectAccessible, json, runNow, signIn, signInAsProvider, tabTo, test, type Workplace,
} from "./workplace";

const at = (workplace: Workplace) => `${workplace.service.url}/settings/audit-log`;
const row = (page: Page, text: string) => page.getByRole("row").filter({ hasText: text });
/** What an opened entry says under a name. */
const fact = (page: Page, entry: string, name: string) => row(page, entry).locator(`dt:text-is("${name}") + dd`);

/** Opens the details of an entry. */
async function open(page: Page, entry: string): Promise<void> {
  await row(page, entry).locator("summary").click();
}

/** A release with a comment, a run by a script, and a change by the provider. */
async function live(workplace: Workplace): Promise<void> {
  await runNow(workplace);
  await json(workplace.call("POST", "/releases", { addresses: ["taro@example.com"], comment: "He asked by phone" }));
  const { secret } = await json(workplace.account("POST", "/tokens", { name: "Night watch", scopes: ["manage"] }));
  const runs = `${workplace.service.url}/api/v1/server-configurations/${workplace.configuration}/runs`;
  await json(fetch(runs, { method: "POST", headers: { Authorization: `Bearer ${secret}` } }));
  await workplace.changeAccount({ event_retention_days: 30 });
}

test("an entry says who, what, what changed, why and from where", async ({ page, workplace }) => {
  await live(workplace);
  await signIn(page, workplace, "/blocked/list");
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("link", { name: "Audit log" }).click();
  await expect(page).toHaveURL(at(workplace));
  await expect(page.getByRole("row").nth(1)).toContainText("Signed in");

  const released = row(page, "Address released");
  await expect(released).toContainText("keiko@example.com");
  await expect(released.getByRole("cell").last()).toHaveText("taro@example.com");
  await expect(released.locator("dl")).toBeHidden();
  await open(page, "Address released");
  await expect(fact(page, "Address released", "Reason")).toHaveText("Unknown user");
  await expect(fact(page, "Address released", "Comment")).toHaveText("He asked by phone");
  await expect(fact(page, "Address released", "Action")).toHaveText("blocked_address.release");
  await expect(fact(page, "Address released", "From")).toHaveText("127.0.0.1");
  await expect(fact(page, "Address released", "Request")).toHaveText(/^[\w-]{20,}$/);

  // Only what changed.
  await open(page, "Account changed");
  await expect(fact(page, "Account changed", "Keep delivery events (days)")).toHaveText("90 → 30");
  await expect(fact(page, "Account changed", "Plan")).toHaveCount(0);
  await expect(row(page, "Account changed").getByRole("cell").last()).toHaveText("Example Mail");
  await open(page, "Token made");
  await expect(row(page, "Token made").getByRole("cell").last()).toHaveText("Night watch");
  await expect(fact(page, "Token made", "Scopes")).toHaveText("Manage");
  await expectAccessible(page);

  // A script is told from a person.
  const byScript = row(page, "Run started").filter({ hasText: "Night watch" });
  await expect(byScript.getByText("Token", { exact: true })).toBeVisible();
  await expect(byScript.getByRole("cell").nth(1)).toHaveText("Night watchToken");
  await expect(released.getByText("Person", { exact: true })).toHaveCount(0);
  const created = row(page, "Server configuration created");
  await expect(created.getByRole("cell").last()).toHaveText("Newsletter");
});

test("conditions are told by their names, as far as they changed", async ({ page, workplace }) => {
  const answer = await workplace.call("GET", "/run-settings");
  const settings = await answer.json();
  const conditions = settings.conditions.map((one: { reason: string; enabled: boolean; frequency: number }) => ({
    reason: one.reason, enabled: one.enabled, frequency: one.reason === "unknown_user" ? 7 : one.frequency,
  }));
  const before = settings.conditions.find((one: { reason: string }) => one.reason === "unknown_user").frequency;
  const update = {
    execute_timing: "03:30", watch_warning: settings.watch_warning, success_resets_count: true, conditions,
    delivery_timing: "next_execution",
  };
  await json(workplace.call("PUT", "/run-settings", update, { "If-Match": answer.headers.get("etag")! }));
  await signIn(page, workplace, "/blocked/list");
  await page.goto(at(workplace));
  await open(page, "Run settings changed");
  const told = (name: string) => fact(page, "Run settings changed", name);
  await expect(told("Execute timing")).toHaveText("00:00 → 03:30");
  await expect(told("Conditions · Unknown user · Frequency")).toHaveText(`${before} → 7`);
  await expect(told("A successful delivery resets the count")).toHaveText("no → yes");
  await expect(told("Delivery timing")).toHaveText("– → Next execution time");
  await expect(row(page, "Run settings changed").locator("dt", { hasText: "Unknown host" })).toHaveCount(0);
  await expect(row(page, "Run settings changed").locator("dt", { hasText: /revision|Watch/ })).toHaveCount(0);
});

test("what the service says by its own words is told in the language of who reads", async ({ page, workplace }) => {
  await runNow(workplace);
  await json(workplace.account("POST", "/tokens", { name: "manage", scopes: ["manage", "lists"] }));
  const { id } = await json(workplace.call("POST", "/bulk-releases", { filter: { state: "in_effect", reason: "unknown_host" } }));
  await expect.poll(async () => (await json(workplace.call("GET", `/list-operations/${id}`))).state).toBe("done");
  const upload = await workplace.upload("mail\nnew@example.com\n");
  await json(workplace.call("PUT", `/uploads/${upload}/reading`, { encoding: "shift_jis", delimiter: "comma" }));
  await workplace.allowDownloads(true);
  await (await workplace.call("GET", "/exemptions.csv")).text();
  await signIn(page, workplace, "/blocked/list");
  await page.getByLabel("Language").selectOption("日本語");
  await page.goto(at(workplace));
  for (const [entry, name, value] of [
    ["トークンを作成", "許可する操作", "管理, リストの変更"],
    ["アドレスを一括解除", "指定内容 · 検索条件 · 状態", "適用中"],
    ["アドレスを一括解除", "指定内容 · 検索条件 · 理由", "ホスト不明"],
    ["一括変更を完了", "件数 · 配信停止リストから削除", "1"],
    ["一括変更を完了", "種類", "一括解除"],
    ["アップロードを別の形式で読み込み", "読み取り方法 · 文字コード", "– → Shift_JIS（CP932）"],
    ["アップロードを別の形式で読み込み", "読み取り方法 · 区切り文字", "– → カンマ"],
    ["ダウンロード", "リスト", "停止解除リスト"],
    ["サインイン", "認証方法", "パスワード"],
  ] as const) {
    await row(page, entry).first().locator("details").evaluate((details: HTMLDetailsElement) => { details.open = true; });
    await expect(fact(page, entry, name).first()).toHaveText(value);
  }
  // What people call something stays as it is.
  await expect(row(page, "トークンを作成").getByRole("cell").last()).toHaveText("manage");
  await expect(fact(page, "トークンを作成", "名前")).toHaveText("manage");
});

test("search and filters are in the address, and what they find is downloaded", async ({ page, workplace }) => {
  await live(workplace);
  await signIn(page, workplace, "/blocked/list");
  await page.goto(at(workplace));
  await page.getByLabel("Who").selectOption("Token");
  await expect(page).toHaveURL(`${at(workplace)}?actor_kind=token`);
  await expect(page.getByRole("row")).toHaveCount(2);
  await page.reload();
  await expect(page.getByLabel("Who")).toHaveValue("token");
  await expect(page.getByRole("row")).toHaveCount(2);
  await page.getByLabel("Who").selectOption("Mail server");
  await expect(page.getByText("Nothing matches")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Clear filters" }).click();
  await expect(page).toHaveURL(at(workplace));

  await page.getByRole("searchbox").fill("BY PHONE");
  await expect(page).toHaveURL(/\?q=BY(%20|\+)PHONE$/);
  await expect(page.getByRole("row")).toHaveCount(2);
  // Downloads are not enabled for the account: this one needs no permission.
  await page.getByRole("button", { name: "Download" }).click();
  const dialog = page.getByRole("dialog", { name: "Download as CSV" });
  await expect(dialog.locator('dt:text-is("Contains") + dd')).toHaveText("BY PHONE");
  await expectAccessible(page);
  const begun = page.waitForEvent("download");
  await dialog.getByRole("button", { name: "Download" }).click();
  const saved = await begun;
  expect(saved.suggestedFilename()).toMatch(/^audit-log_.*\.csv$/);
  const text = await readFile(await saved.path(), "utf8");
  const api = await workplace.account("GET", "/audit-log.csv?q=BY%20PHONE");
  expect(text).toBe(await api.text());
  expect(text.trimEnd().split("\r\n")).toHaveLength(2);

  // Days are those of the user, in Berlin; both are included.
  const day = new Date().toLocaleDateString("sv-SE", { timeZone: "Europe/Berlin" });
  await page.goto(`${at(workplace)}?q=BY%20PHONE&from=${day}&to=${day}`);
  await expect(page.getByRole("row")).toHaveCount(2);
  await page.goto(`${at(workplace)}?from=2020-01-01&to=2020-12-31`);
  await expect(page.getByText("Nothing matches")).toBeVisible();
});

test("a long log has pages", async ({ page, workplace }) => {
  for (let number = 1; number <= 60; number++) {
    await json(workplace.account("POST", "/inquiries", { category: "other", subject: `Question ${number}`, text: "?" }));
  }
  await signIn(page, workplace, "/blocked/list");
  await page.goto(`${at(workplace)}?q=inquiry.create`);
  await expect(page.getByRole("row")).toHaveCount(51);
  await expect(page.getByRole("row").nth(1).getByRole("cell").last()).toHaveText("Question 60");
  await page.getByRole("button", { name: "Next page" }).click();
  await expect(page.getByRole("row")).toHaveCount(11);
  await expect(page).toHaveURL(/cursor=/);
  await page.reload();
  await expect(page.getByRole("row").last().getByRole("cell").last()).toHaveText("Question 1");
  await page.getByRole("button", { name: "First page" }).click();
  await expect(page.getByRole("row")).toHaveCount(51);
});

test("the provider has a log of its own, and sees that of an account inside it", async ({ page, workplace }) => {
  await signInAsProvider(page, workplace, "/provider");
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("link", { name: "Audit log" }).click();
  await expect(page.getByText("What providers did outside of all accounts.")).toBeVisible();
  await expect(row(page, "Signed in").last()).toContainText("provider@example.com");
  await expect(row(page, "Server configuration created")).toHaveCount(0);
  await expectAccessible(page);
  await page.goto(`${workplace.service.url}/provider`);
  await page.getByRole("button", { name: "Open: Example Mail" }).click();
  await expect(page.getByText("You are in the account Example Mail")).toBeVisible();
  await page.goto(at(workplace));
  await expect(row(page, "Account opened")).toContainText("provider@example.com");
  await expect(row(page, "Server configuration created")).toContainText("keiko@example.com");

  let none = true;
  await page.route("**/api/v1/audit-log*", (route) => (none ? route.fulfill({ json: { items: [] } }) : route.continue()));
  await page.reload();
  await expect(page.getByText("No entry yet")).toBeVisible();
  await expectAccessible(page);
  none = false;
  await page.reload();
  await expect(row(page, "Account opened")).toBeVisible();
});

test("with the keyboard alone, in Japanese, at 360 px", async ({ page, workplace }) => {
  await live(workplace);
  await page.setViewportSize({ width: 360, height: 740 });
  await signIn(page, workplace, "/blocked/list");
  await page.getByLabel("Language").selectOption("日本語");
  await page.goto(`${at(workplace)}?q=account.update`);
  const entry = row(page, "アカウントを変更");
  await tabTo(page, entry.locator("summary"));
  await page.keyboard.press("Enter");
  await expect(fact(page, "アカウントを変更", "配信イベントの保存期間（日）")).toHaveText("90 → 30");
  await expectAccessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await page.keyboard.press("Enter");
  await expect(entry.locator("dl")).toBeHidden();
  await tabTo(page, page.getByRole("searchbox"));
  await page.keyboard.press("Control+A");
  await page.keyboard.type("run.request");
  await expect(row(page, "実行を開始")).toHaveCount(2);
  await expect(row(page, "実行を開始").first()).toContainText("トークン");
  await expectAccessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
});

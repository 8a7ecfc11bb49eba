// What is on a page when its session ends, and after signing in again.
import { choose, large, slowDown } from "./files";
import {
  ADMINISTRATOR, expect, expectAccessible, fillSignIn, goOnInJapanese, json, PROVIDER, signIn, signInAsProvider, test, type Workplace,
} from "./workplace";
import type { Page } from "@playwright/test";

const over = (page: Page) => page.getByRole("dialog", { name: "Your session has ended" });

/** Signs in; answers what ends that session, as a sign-out elsewhere would. */
async function signInForAWhile(page: Page, workplace: Workplace, section: string): Promise<() => Promise<void>> {
  const asked = page.waitForRequest("**/api/v1/me");
  await signIn(page, workplace, section);
  return endOf(workplace, (await (await asked).headerValue("authorization"))!);
}

const endOf = (workplace: Workplace, authorization: string) => async () => {
  const url = `${workplace.service.url}/api/v1/sessions/current`;
  expect((await fetch(url, { method: "DELETE", headers: { authorization } })).status).toBe(204);
};

async function comeBack(page: Page): Promise<void> {
  await fillSignIn(page);
  await expect(over(page)).toBeHidden();
}

test("half-typed run settings outlive their session, and are saved after signing in again", async ({ page, workplace }) => {
  const end = await signInForAWhile(page, workplace, "/blocked/list");
  await page.getByRole("button", { name: "Run settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Run settings" });
  await dialog.getByLabel("Execute timing").fill("03:30");
  await dialog.getByLabel("Frequency for Resend timeout").fill("7");
  await end();
  // By itself: the live stream ends with the session.
  await expect(over(page)).toBeVisible({ timeout: 15_000 });
  await expect(over(page).getByLabel("E-mail")).toHaveValue("keiko@example.com");
  await expectAccessible(page);
  for (let presses = 0; presses < 2; presses++) await page.keyboard.press("Escape");
  await expect(over(page)).toBeVisible();
  await over(page).getByLabel("Password").fill("not the right password");
  await over(page).getByRole("button", { name: "Sign in" }).click();
  await expect(over(page).getByRole("alert").first()).toHaveText("The e-mail address or the password is not right.");
  await comeBack(page);

  await expect(dialog.getByLabel("Execute timing")).toHaveValue("03:30");
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByRole("dialog", { name: "Delivery timing" }).getByRole("button", { name: "Save settings" }).click();
  await expect(page.getByText("Run settings saved.")).toBeVisible();
  const { execute_timing, conditions } = await json(workplace.call("GET", "/run-settings"));
  expect(execute_timing).toBe("03:30");
  expect(conditions).toContainEqual(expect.objectContaining({ reason: "resend_timeout", frequency: 7 }));
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
});

test("a half-written inquiry outlives its session, and is sent after signing in again", async ({ page, workplace }) => {
  const end = await signInForAWhile(page, workplace, "/blocked/list");
  await goOnInJapanese(page);
  await page.getByRole("link", { name: "お問い合わせ" }).click();
  await page.getByRole("link", { name: "新しいお問い合わせ" }).click();
  await page.getByLabel("件名").fill("A question");
  await page.getByLabel("メッセージ").fill("About something that took long to write.");
  const send = page.getByRole("button", { name: "送信" });
  await send.focus();
  await end();
  const ended = page.getByRole("dialog", { name: "セッションが終了しました" });
  await expect(ended).toBeVisible({ timeout: 15_000 });
  await ended.getByLabel("パスワード").fill(ADMINISTRATOR.password);
  await ended.getByRole("button", { name: "サインイン" }).click();
  await expect(ended).toBeHidden();
  await expect(send).toBeFocused();
  await send.click();
  await expect(page.getByRole("heading", { level: 1, name: "A question" })).toBeVisible();
  await expect(page.getByText("About something that took long to write.")).toBeVisible();
});

test("an upload whose session ends goes on after signing in again", async ({ page, workplace }) => {
  test.slow();
  const end = await signInForAWhile(page, workplace, "/blocked/uploads");
  await slowDown(page, 1_500);
  await choose(page, large(6_000));
  const received = async () => (await json(workplace.call("GET", "/uploads"))).items[0].received;
  await expect.poll(received, { timeout: 20_000 }).toBeGreaterThan(500_000);
  await end();
  await expect(over(page)).toBeVisible({ timeout: 15_000 });
  const there = await received();
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await comeBack(page);
  const offsets: number[] = [];
  page.on("request", (request) => {
    if (request.method() === "PATCH") offsets.push(Number(request.headers()["upload-offset"]));
  });
  await page.getByRole("button", { name: "Go on" }).click();
  await expect(page.getByRole("heading", { name: "Ready to register" })).toBeVisible({ timeout: 40_000 });
  expect(offsets[0]).toBeGreaterThanOrEqual(there);
});

test("a provider inside an account is there again after signing in again", async ({ page, workplace }) => {
  await signInAsProvider(page, workplace, "/provider");
  const entered = page.waitForRequest("**/api/v1/server-configurations?*");
  await page.getByRole("button", { name: "Open: Example Mail" }).click();
  const authorization = (await (await entered).headerValue("authorization"))!;
  await page.getByRole("button", { name: "Run settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Run settings" });
  await dialog.getByLabel("Frequency for Resend timeout").fill("7");
  await endOf(workplace, authorization)();
  await expect(over(page)).toBeVisible({ timeout: 15_000 });
  await fillSignIn(page, PROVIDER);
  await expect(over(page)).toBeHidden();
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await expect(dialog.getByLabel("Frequency for Resend timeout")).toHaveValue("7");
  await dialog.getByLabel("Immediate action").check();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Run settings saved. The run has been queued.")).toBeVisible();
  await expect(page.getByText("You are in the account Example Mail as its provider")).toBeVisible();
});

test("whoever else signs in finds nothing of the page", async ({ page, workplace }) => {
  const end = await signInForAWhile(page, workplace, "/blocked/list");
  await page.goto(`${workplace.service.url}/inquiries/new`);
  await page.getByLabel("Subject").fill("Not for others");
  await end();
  await expect(over(page)).toBeVisible({ timeout: 15_000 });
  await fillSignIn(page, PROVIDER);
  await expect(page).toHaveURL(`${workplace.service.url}/provider`);
  // While a page still loads, a navigation of its own would end the way back.
  await expect(page.getByRole("heading", { name: "Accounts" })).toBeVisible();
  await page.goBack();
  await expect(page.getByRole("heading", { name: "Accounts" })).toBeVisible();
  await expect(page.locator("#subject")).toHaveCount(0);
});

test("the page whose session ended can be left", async ({ page, workplace }) => {
  const end = await signInForAWhile(page, workplace, "/blocked/list?q=taro");
  await end();
  await expect(over(page)).toBeVisible({ timeout: 15_000 });
  await over(page).getByRole("button", { name: "Leave this page" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Sign in to Stoplist" })).toBeVisible();
  await expect(page.getByText("Newsletter")).toHaveCount(0);
  await fillSignIn(page);
  await expect(page).toHaveURL(workplace.at("/blocked/list?q=taro"));
});

test("signing out in the middle of an upload is asked about", async ({ page, workplace }) => {
  test.slow();
  await signIn(page, workplace, "/blocked/uploads");
  await slowDown(page, 1_500);
  await choose(page, large(6_000));
  await page.getByRole("link", { name: "Mail servers" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  const dialog = page.getByRole("dialog", { name: "Sign out in the middle of an upload?" });
  await expect(dialog).toBeVisible();
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  const received = async () => (await json(workplace.call("GET", "/uploads"))).items[0].received;
  const there = await received();
  await expect.poll(received, { timeout: 20_000 }).toBeGreaterThan(there);
  await page.getByRole("button", { name: "Sign out" }).click();
  await dialog.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Sign in to Stoplist" })).toBeVisible();
});

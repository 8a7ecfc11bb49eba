// Accounts that change their plan or are suspended, as both sides see them.
import type { Page } from "@playwright/test";
import {
  elsewhere, expect, expectAccessible, fillSignIn, json, runNow, signIn, signInAsProvider, tabTo, test, type Workplace,
} from "./workplace";

const TITLE = "This account is suspended";

/** The dialog with what an account may use. */
async function openFeatures(page: Page) {
  await page.getByRole("button", { name: "Features: Example Mail" }).click();
  return page.getByRole("dialog", { name: "Features" });
}

async function expectShutOut(page: Page): Promise<void> {
  await expect(page.getByRole("heading", { level: 1, name: TITLE })).toBeVisible();
  await expect(page.getByRole("main").getByText("Example Mail")).toBeVisible();
  await expect(page.getByRole("link", { name: "Newsletter" })).toHaveCount(0);
  await expect(page.getByRole("alert")).toHaveCount(0);
}

async function frequencies(workplace: Workplace): Promise<Record<string, number>> {
  const { conditions } = await json(workplace.call("GET", "/run-settings"));
  return Object.fromEntries(conditions.map((one: { reason: string; frequency: number }) => [one.reason, one.frequency]));
}

test("the provider changes the plan, and is warned of what that resets", async ({ page, workplace }) => {
  const answer = await workplace.call("GET", "/run-settings");
  const settings = await answer.json();
  const defaults = await frequencies(workplace);
  const conditions = settings.conditions.map((one: { reason: string; enabled: boolean }) => ({
    reason: one.reason, enabled: one.enabled, frequency: 9,
  }));
  const { execute_timing, watch_warning, success_resets_count } = settings;
  const update = { execute_timing, watch_warning, success_resets_count, conditions, delivery_timing: "next_execution" };
  await json(workplace.call("PUT", "/run-settings", update, { "If-Match": answer.headers.get("etag")! }));

  await signInAsProvider(page, workplace, "/provider");
  const account = page.getByRole("row", { name: /Example Mail/ });
  await expect(account).toContainText("Professional");
  let dialog = await openFeatures(page);
  const warning = dialog.getByText("This resets the run settings");
  await expect(dialog.getByLabel("Plan")).toHaveValue("professional");
  await expect(warning).toHaveCount(0);
  await dialog.getByLabel("Plan").selectOption("Standard");
  await expect(warning).toBeVisible();
  await expectAccessible(page);
  await dialog.getByLabel("Plan").selectOption("Professional");
  await expect(warning).toHaveCount(0);
  // A change of something else leaves the plan and the settings alone.
  await dialog.getByLabel("Allow downloads").check();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(account).toContainText("Enabled");
  expect((await frequencies(workplace)).unknown_user).toBe(9);

  dialog = await openFeatures(page);
  await dialog.getByLabel("Plan").selectOption("Standard");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(account).toContainText("Standard");
  expect(await frequencies(workplace)).toEqual(defaults);
  dialog = await openFeatures(page);
  await expect(dialog.getByLabel("Plan")).toHaveValue("standard");
  await expect(warning).toHaveCount(0);
  await dialog.getByLabel("Plan").selectOption("Professional");
  await expect(dialog.getByText("The run settings stay as they are")).toBeVisible();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(account).toContainText("Professional");
});

test("the largest upload is set in megabytes, and left to the service when nothing is written", async ({
  page, workplace,
}) => {
  const limit = async () => (await json(workplace.provider("GET", "/accounts"))).items[0].upload_max_bytes;
  await signInAsProvider(page, workplace, "/provider");
  const dialog = await openFeatures(page);
  const field = dialog.getByLabel("Largest file to upload (MB)");
  const save = async (text?: string) => {
    if (text !== undefined) await field.fill(text);
    await dialog.getByRole("button", { name: "Save" }).click();
  };
  await save("2000000");
  await expect(dialog.locator("#upload-limit-error")).toHaveText("Enter a number of at most 1,099,511.");
  await expectAccessible(page);
  await field.fill("0");
  await expect(dialog.locator("#upload-limit-error")).toHaveText("Enter a number of at least 1.");
  await save("5");
  await expect(dialog).toBeHidden();
  expect(await limit()).toBe(5_000_000);

  // What is no whole number of them stays while nobody touches it.
  await workplace.changeAccount({ upload_max_bytes: 1_500_001 });
  await openFeatures(page);
  await expect(field).toHaveValue("2");
  await save();
  await expect(dialog).toBeHidden();
  expect(await limit()).toBe(1_500_001);

  await openFeatures(page);
  await save("");
  await expect(dialog).toBeHidden();
  expect(await limit()).toBe(2 ** 30);
});

test("an account is suspended, sees why at once, asks, and goes on when it is opened again", async ({
  page, browser, workplace,
}) => {
  await runNow(workplace);
  const refused: string[] = [];
  await signIn(page, workplace, "/blocked/list");
  await elsewhere(browser, async (theirs) => {
    await signInAsProvider(theirs, workplace, "/provider");
    let dialog = await openFeatures(theirs);
    await expect(dialog.getByText("Its users can read and write inquiries and nothing else.")).toBeVisible();
    await dialog.getByLabel("Suspend this account").check();
    await expectAccessible(theirs);
    await dialog.getByRole("button", { name: "Save" }).click();
    const account = theirs.getByRole("row", { name: /Example Mail/ });
    await expect(account).toContainText("Suspended");
    await expectAccessible(theirs);

    // The user's page learns it by itself.
    await expectShutOut(page);
    await expectAccessible(page);
    page.on("response", (response) => void (response.status() === 403 && refused.push(response.url())));
    for (const path of [workplace.at("/delivery-report/error-log"), `${workplace.service.url}/settings/users`]) {
      await page.goto(path);
      await expectShutOut(page);
      await expect(page).toHaveURL(path);
    }
    await page.reload();
    await expectShutOut(page);
    await page.getByRole("link", { name: "Ask your provider" }).click();
    await page.getByRole("link", { name: "New inquiry" }).click();
    await page.getByLabel("Subject").fill("Why is our account suspended?");
    await page.getByLabel("Message").fill("We have paid.");
    await page.getByRole("button", { name: "Send" }).click();
    await expect(page.getByRole("list", { name: "Messages" })).toContainText("We have paid.");
    await page.getByRole("link", { name: "Settings" }).click();
    await expect(page.getByLabel("Present password")).toBeVisible();
    await expect(page.getByRole("link", { name: /^(Users|Tokens|Audit log)$/ })).toHaveCount(0);
    await expectAccessible(page);
    await page.getByRole("link", { name: "Stoplist" }).click();
    await expectShutOut(page);
    // Nothing was asked for that is refused.
    expect(refused).toEqual([]);

    // Signing in anew leads to the same place.
    await page.getByRole("button", { name: "Sign out" }).click();
    await fillSignIn(page);
    await expectShutOut(page);

    dialog = await openFeatures(theirs);
    await expect(dialog.getByLabel("Suspend this account")).toBeChecked();
    await dialog.getByLabel("Suspend this account").uncheck();
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(account).not.toContainText("Suspended");
  });
  await expect(page.getByRole("link", { name: "Newsletter" })).toBeVisible();
  await page.getByRole("link", { name: "Newsletter" }).click();
  await expect(page.getByRole("cell", { name: "taro@example.com", exact: true })).toBeVisible();
});

test("a page that does not hear of the suspension learns it when it listens again", async ({ page, workplace }) => {
  // The service may end the stream before it has told why.
  await page.route("**/live", (route) => route.fulfill({ status: 503 }));
  await signIn(page, workplace, "/blocked/list");
  await expect(page.getByText("Live", { exact: true })).toHaveCount(0);
  await workplace.changeAccount({ suspended: true });
  await page.unroute("**/live");
  await expectShutOut(page);
});

test("a provider works in a suspended account, and is told", async ({ page, workplace }) => {
  await runNow(workplace);
  await workplace.changeAccount({ suspended: true });
  await signInAsProvider(page, workplace, "/provider");
  await page.getByRole("button", { name: "Open: Example Mail" }).click();
  await expect(page.getByText("This account is suspended: its own users see nothing but inquiries.")).toBeVisible();
  await expect(page.getByRole("cell", { name: "taro@example.com", exact: true })).toBeVisible();
  await expect(page.getByRole("heading", { name: TITLE })).toHaveCount(0);
  await expectAccessible(page);
});

test("with the keyboard alone, in Japanese, at 360 px", async ({ page, workplace }) => {
  await workplace.changeAccount({ suspended: true });
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto(workplace.at("/blocked/list"));
  await fillSignIn(page);
  await expectShutOut(page);
  await page.getByLabel("Language").selectOption("日本語");
  await expect(page.getByRole("heading", { level: 1, name: "このアカウントは利用停止中です" })).toBeVisible();
  await expectAccessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await tabTo(page, page.getByRole("link", { name: "マイアカウント" }));
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("現在のパスワード")).toBeVisible();
  await page.goBack();
  await tabTo(page, page.getByRole("link", { name: "サービス提供者に問い合わせる" }));
  await page.keyboard.press("Enter");
  await expect(page.getByText("お問い合わせはまだありません")).toBeVisible();
});

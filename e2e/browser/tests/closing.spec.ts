// Taking everything of an account along, and closing it for ever.
import { execFileSync } from "node:child_process";
import type { Page } from "@playwright/test";
import { ADMINISTRATOR, expect, expectAccessible, fillSignIn, json, signInAsProvider, tabTo, test, type Workplace } from "./workplace";

async function openAccount(page: Page, workplace: Workplace): Promise<void> {
  await signInAsProvider(page, workplace, "/provider");
  await page.getByRole("link", { name: "Example Mail" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Example Mail" })).toBeVisible();
}

/** Has the browser save the ZIP file; answers the names of the files in it. */
async function exported(page: Page, button = page.getByRole("button", { name: "Export everything (ZIP)" })) {
  const begun = page.waitForEvent("download");
  await button.click();
  const saved = await begun;
  expect(saved.suggestedFilename()).toMatch(/\.zip$/);
  // Python's own reader looks at every checksum.
  const script = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); z.testzip(); print('\\n'.join(z.namelist()))";
  return execFileSync("python3", ["-c", script, await saved.path()], { encoding: "utf8" }).trim().split("\n");
}

/** Opens the account whose page is shown, which stays. */
async function enter(page: Page, button = page.getByRole("button", { name: "Open the account to export" })) {
  await button.click();
  await expect(page.getByRole("complementary", { name: "Notices" })).toContainText("Example Mail");
  await expect(page.getByRole("heading", { level: 1, name: "Example Mail" })).toBeVisible();
}

test("an account is exported from inside of it", async ({ page, workplace }) => {
  await openAccount(page, workplace);
  await expectAccessible(page);
  await expect(page.getByRole("button", { name: "Export everything (ZIP)" })).toHaveCount(0);
  await enter(page);
  await expectAccessible(page);
  expect(await exported(page)).toContain("account.json");
});

test("an account is suspended, exported, and closed by its name", async ({ page, browser, workplace }) => {
  await openAccount(page, workplace);
  await page.getByRole("button", { name: "Close the account…" }).click();
  const dialog = page.getByRole("dialog", { name: "Close the account" });
  await expect(dialog.getByText("Suspend the account first")).toBeVisible();
  // Nothing is closed before.
  await expect(dialog.getByRole("button", { name: "Close for ever" })).toHaveCount(0);
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Suspend the account" }).click();

  await expect(dialog.getByRole("heading", { name: "Close Example Mail for ever?" })).toBeVisible();
  for (const told of ["Nobody can sign in", "refuses their agents", "removed step by step", "Its audit log stays"]) {
    await expect(dialog.getByText(told)).toBeVisible();
  }
  await expectAccessible(page);
  await enter(page, dialog.getByRole("button", { name: "Open the account to export" }));
  await page.getByRole("button", { name: "Close the account…" }).click();
  const files = await exported(page, dialog.getByRole("button", { name: "Export everything (ZIP)" }));
  expect(files).toContain("account.json");
  expect(files).toContain("01 Newsletter/delivery-log.csv");
  await expect(page.getByText("The download has begun.")).toBeVisible();

  const name = dialog.getByLabel("Account name");
  await name.fill("Example mail");
  await dialog.getByRole("button", { name: "Close for ever" }).click();
  await expect(dialog.locator("#close-name-error")).toHaveText("This is not the account's name.");
  await expect(name).toBeFocused();
  await expect(name).toHaveAttribute("aria-invalid", "true");
  await expectAccessible(page);
  expect((await json(workplace.provider("GET", "/accounts"))).items).toHaveLength(1);

  await name.fill("Example Mail");
  await dialog.getByRole("button", { name: "Close for ever" }).click();
  await expect(page).toHaveURL(`${workplace.service.url}/provider`);
  await expect(page.getByText("Example Mail is closed. What belongs to it is being removed.")).toBeVisible();
  await expect(page.getByText("No account yet")).toBeVisible();
  await expectAccessible(page);
  expect((await json(workplace.provider("GET", "/accounts"))).items).toEqual([]);

  const theirs = await browser.newPage({ locale: "en-GB" });
  await theirs.goto(`${workplace.service.url}/sign-in`);
  await fillSignIn(theirs, ADMINISTRATOR);
  await expect(theirs.getByRole("alert").first()).toHaveText("The e-mail address or the password is not right.");
  await expect(theirs).toHaveURL(/\/sign-in/);
  await theirs.close();
});

test("an account that is gone says so", async ({ page, workplace }) => {
  await signInAsProvider(page, workplace, "/provider/accounts/00000000-0000-0000-0000-000000000000");
  await expect(page.getByText("Account not found")).toBeVisible();
  await expectAccessible(page);
});

test("what the account may use changes on its page, too", async ({ page, workplace }) => {
  await openAccount(page, workplace);
  await expect(page.getByText("Downloads: Disabled")).toBeVisible();
  await page.getByRole("button", { name: "Features" }).click();
  await page.getByRole("dialog").getByLabel("Allow downloads").check();
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Downloads: Enabled")).toBeVisible();
});

test("with the keyboard alone, in Japanese, at 360 px", async ({ page, workplace }) => {
  await workplace.changeAccount({ suspended: true });
  await page.setViewportSize({ width: 360, height: 740 });
  await signInAsProvider(page, workplace, "/provider");
  await page.getByLabel("Language").selectOption("日本語");
  await tabTo(page, page.getByRole("link", { name: "Example Mail" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Example Mail" })).toBeVisible();
  await expect(page.getByRole("link", { name: "アカウント", exact: true }).first()).toHaveAttribute("aria-current", "page");
  await expectAccessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  const button = page.getByRole("button", { name: "アカウントを閉鎖…" });
  await tabTo(page, button);
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "アカウントの閉鎖" });
  await expect(dialog.getByText("この操作は取り消せません")).toBeVisible();
  await expectAccessible(page);
  expect(await dialog.evaluate((element) => element.scrollWidth)).toBeLessThanOrEqual(360);
  await page.keyboard.press("Escape");
  await expect(button).toBeFocused();
  await page.keyboard.press("Enter");
  await tabTo(page, dialog.getByLabel("アカウント名"));
  await page.keyboard.type("Example Mail");
  await page.keyboard.press("Enter");
  await expect(page.getByText("「Example Mail」を閉鎖しました。")).toBeVisible();
});

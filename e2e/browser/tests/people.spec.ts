// Users, invitations, one's own account: everything by the console, as those who use it.
import type { Page } from "@playwright/test";
import { codeOf } from "./authenticator";
import {
  ADMINISTRATOR, PROVIDER, elsewhere, expect, expectAccessible, goOnInJapanese, json, signIn, signInAsProvider, test, type Workplace,
} from "./workplace";

const HANA = { email: "hana@example.com", password: "a new user's own password" };

async function openSettings(page: Page, workplace: Workplace, section: "Users" | "My account"): Promise<void> {
  await signIn(page, workplace, "/blocked/list");
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("link", { name: section }).click();
}

/** Invites somebody by the console; answers the link. */
async function invite(page: Page, email: string, role: string): Promise<string> {
  await page.getByRole("button", { name: "Invite" }).click();
  const dialog = page.getByRole("dialog", { name: "Invite somebody" });
  await dialog.getByLabel("E-mail").fill(email);
  await dialog.getByLabel("Role").selectOption(role);
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Invite" }).click();
  return shownLink(page);
}

async function shownLink(page: Page): Promise<string> {
  const dialog = page.getByRole("dialog", { name: "Link" });
  const link = (await dialog.getByRole("group", { name: "Link" }).textContent())!;
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Done" }).click();
  return link;
}

test("somebody is invited, comes, gets another role and leaves", async ({ page, browser, workplace }) => {
  await openSettings(page, workplace, "Users");
  await expect(page.getByRole("row", { name: ADMINISTRATOR.email })).toContainText("You");
  await expectAccessible(page);
  const link = await invite(page, HANA.email, "Viewer");
  expect(link).toMatch(new RegExp(`^${workplace.service.url}/invitation#[\\w-]{43}$`));
  const waiting = page.getByRole("region", { name: "Invitations" });
  await expect(waiting.getByRole("row", { name: HANA.email })).toBeVisible();

  await elsewhere(browser, async (hers) => {
    await hers.goto(link);
    await expect(hers.getByText("Account: Example Mail")).toBeVisible();
    await expect(hers.getByText(`You will sign in as ${HANA.email}.`)).toBeVisible();
    await hers.getByLabel("New password").fill("manchesterunited");
    await hers.getByRole("button", { name: "Accept invitation" }).click();
    await expect(hers.getByLabel("New password")).toHaveAttribute("aria-invalid", "true");
    await expect(hers.locator("#password-error")).toHaveText(
      "This password is among the first that are guessed. Choose some words that do not belong together.",
    );
    await expectAccessible(hers);
    await hers.getByLabel("New password").fill(HANA.password);
    await hers.getByRole("button", { name: "Accept invitation" }).click();
    await expect(hers).toHaveURL(workplace.at("/blocked/list"));
    await expect(hers.getByRole("button", { name: "Run now" })).toHaveCount(0);
    await hers.getByRole("link", { name: "Settings" }).click();
    await expect(hers.getByRole("link", { name: "Users" })).toHaveCount(0);

    // A second click says what to do.
    await hers.goto("about:blank");
    await hers.goto(link);
    await expect(hers.getByText("This link does not work")).toBeVisible();
    await expectAccessible(hers);

    await page.reload();
    await page.getByRole("button", { name: `Change: ${HANA.email}` }).click();
    const dialog = page.getByRole("dialog", { name: "Change user" });
    await dialog.getByLabel("Role").selectOption("Administrator");
    await expectAccessible(page);
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("row", { name: HANA.email })).toContainText("Administrator");
    await hers.goto(`${workplace.service.url}/settings/users`);
    await expect(hers.getByRole("row", { name: HANA.email })).toContainText("You");

    await page.getByRole("button", { name: `Change: ${HANA.email}` }).click();
    await dialog.getByRole("button", { name: "Deactivate" }).click();
    await expect(page.getByRole("row", { name: HANA.email })).toContainText("Inactive");
    await hers.reload();
    await expect(hers.getByLabel("Password")).toBeVisible();
  });

  // Nobody else is left: the service refuses, and the dialog says why.
  await page.getByRole("button", { name: `Change: ${ADMINISTRATOR.email}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Deactivate" }).click();
  await expect(page.getByRole("dialog").getByRole("alert").first()).toHaveText(
    "Nobody else could manage users then. Let somebody else do that first.",
  );
});

test("an invitation is renewed and taken back", async ({ page, browser, workplace }) => {
  await openSettings(page, workplace, "Users");
  const first = await invite(page, HANA.email, "Operator");
  await page.getByRole("button", { name: `New link: ${HANA.email}` }).click();
  const second = await shownLink(page);
  expect(second).not.toBe(first);
  await elsewhere(browser, async (hers) => {
    await hers.goto(first);
    await expect(hers.getByText("This link does not work")).toBeVisible();
    await hers.goto("about:blank");
    await hers.goto(second);
    await expect(hers.getByLabel("New password")).toBeVisible();
    await page.getByRole("button", { name: `Withdraw: ${HANA.email}` }).click();
    await expectAccessible(page);
    await page.getByRole("dialog").getByRole("button", { name: "Withdraw" }).click();
    await expect(page.getByRole("region", { name: "Invitations" })).toHaveCount(0);
    await hers.getByLabel("New password").fill(HANA.password);
    await hers.getByRole("button", { name: "Accept invitation" }).click();
    await expect(hers.getByRole("alert").first()).toHaveText(
      "This link has expired or was taken back. Ask for a new one.",
    );
  });
});

test("a lost password is set by a link", async ({ page, browser, workplace }) => {
  const { link: invitation } = await json(
    workplace.account("POST", "/invitations", { email: HANA.email, role: "viewer" }),
  );
  const accepted = { secret: invitation.split("#")[1], password: HANA.password };
  await json(workplace.account("POST", "/invitations/accept", accepted));
  await openSettings(page, workplace, "Users");
  await page.getByRole("button", { name: `Change: ${HANA.email}` }).click();
  await page.getByRole("dialog", { name: "Change user" }).getByRole("button", { name: "New password" }).click();
  const link = await shownLink(page);
  await elsewhere(browser, async (hers) => {
    await hers.goto(link);
    await expect(hers.getByText(`For ${HANA.email}.`)).toBeVisible();
    await expectAccessible(hers);
    await hers.getByLabel("New password").fill("another password of hers");
    await hers.getByRole("button", { name: "Set password" }).click();
    await expect(hers.getByText("Your password is set.")).toBeVisible();
    await expectAccessible(hers);
    await hers.getByRole("link", { name: "To sign-in" }).click();
    await hers.getByLabel("E-mail").fill(HANA.email);
    await hers.getByLabel("Password").fill("another password of hers");
    await hers.getByRole("button", { name: "Sign in" }).click();
    await expect(hers).toHaveURL(workplace.at("/blocked/list"));
  });
});

test("password, second factor and sessions of one's own account", async ({ page, browser, workplace }) => {
  await openSettings(page, workplace, "My account");
  const sessions = page.getByRole("region", { name: "Sessions" });
  await expect(sessions.getByRole("row", { name: "This one" })).toContainText("Chrome, Windows");
  await page.getByRole("button", { name: "End all others" }).click();
  await expect(sessions.getByRole("row")).toHaveCount(2);

  const next = "an even longer password of mine";
  await page.getByLabel("Present password").fill("not the right password");
  await page.getByLabel("New password").fill(next);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByLabel("Present password")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Present password").fill(ADMINISTRATOR.password);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Password changed.")).toBeVisible();

  await page.getByLabel("Password", { exact: true }).fill(next);
  await page.getByRole("button", { name: "Set up" }).click();
  await expect(page.getByRole("img", { name: "QR code" })).toBeVisible();
  const secret = (await page.getByRole("group", { name: "Secret" }).textContent())!;
  await expectAccessible(page);
  await page.getByRole("textbox", { name: "Code" }).fill(codeOf(secret));
  await page.getByRole("button", { name: "Turn on" }).click();
  const codes = (await page.getByRole("group", { name: "Recovery codes" }).textContent())!.split("\n");
  expect(codes).toHaveLength(10);
  await expectAccessible(page);
  await page.getByRole("button", { name: "Done" }).click();
  await expect(page.getByText("10 recovery codes left")).toBeVisible();

  const signInWith = async (other: Page, code: string) => {
    await other.goto(workplace.service.url);
    await other.getByLabel("E-mail").fill(ADMINISTRATOR.email);
    await other.getByLabel("Password").fill(next);
    await other.getByRole("button", { name: "Sign in" }).click();
    await other.getByLabel("Code").fill("000 000");
    await other.getByRole("button", { name: "Sign in" }).click();
    await expect(other.locator("#code-error")).toHaveText(
      "This code is not right, or was used already. Wait for the next one.",
    );
    await expectAccessible(other);
    await other.getByLabel("Code").fill(code);
    await other.getByRole("button", { name: "Sign in" }).click();
    await expect(other).toHaveURL(workplace.at("/blocked/list"));
  };
  // The code that turned it on is used up; the next one is right already.
  await elsewhere(browser, (other) => signInWith(other, codeOf(secret, 1)));
  await elsewhere(browser, (other) => signInWith(other, codes[0]!.toLowerCase()));
  await page.reload();
  await expect(page.getByText("9 recovery codes left")).toBeVisible();
  await page.getByRole("button", { name: "New recovery codes" }).click();
  await expect(page.getByRole("dialog", { name: "New recovery codes" }).getByLabel("Code")).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect(sessions.getByRole("row")).toHaveCount(4);

  const last = "the longest password that I ever had";
  const code = page.getByRole("textbox", { name: "Code" });
  await page.getByLabel("Present password").fill(next);
  await page.getByLabel("New password").fill(last);
  await code.fill("000 000");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(code).toHaveAttribute("aria-invalid", "true");
  await code.fill(codes[1]!);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Password changed.")).toBeVisible();

  await page.getByRole("button", { name: "Turn off" }).click();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await goOnInJapanese(page);
  await page.getByRole("button", { name: "無効にする" }).click();
  const dialog = page.getByRole("dialog", { name: "無効にする" });
  await dialog.getByLabel("パスワード").fill(last);
  await dialog.getByLabel("コード").fill(codes[2]!);
  await dialog.getByRole("button", { name: "無効にする" }).click();
  await expect(page.getByRole("button", { name: "設定する" })).toBeVisible();
});

test("a second factor that its user has lost is removed", async ({ page, browser, workplace }) => {
  const { link } = await json(workplace.account("POST", "/invitations", { email: HANA.email, role: "viewer" }));
  await elsewhere(browser, async (hers) => {
    await hers.goto(workplace.service.url + link);
    await hers.getByLabel("新しいパスワード").fill(HANA.password);
    await hers.getByRole("button", { name: "招待を受ける" }).click();
    await hers.getByRole("link", { name: "設定" }).click();
    await hers.getByLabel("パスワード", { exact: true }).fill(HANA.password);
    await hers.getByRole("button", { name: "設定する" }).click();
    const secret = (await hers.getByRole("group", { name: "シークレット" }).textContent())!;
    await hers.getByRole("textbox", { name: "コード" }).fill(codeOf(secret));
    await hers.getByRole("button", { name: "有効にする" }).click();
    await expect(hers.getByRole("group", { name: "回復コード" })).toBeVisible();
  }, "ja-JP");
  await openSettings(page, workplace, "Users");
  const change = page.getByRole("button", { name: `Change: ${HANA.email}` });
  await change.click();
  await expectAccessible(page);
  const remove = page.getByRole("dialog", { name: "Change user" }).getByRole("button", { name: "Remove second factor" });
  await remove.click();
  await expect(page.getByText("Second factor removed.")).toBeVisible();
  await change.click();
  await expect(page.getByRole("dialog").getByRole("button", { name: "New password" })).toBeVisible();
  await expect(remove).toHaveCount(0);
});

test("one session is ended and the others stay", async ({ page, browser, workplace }) => {
  const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
  const context = await browser.newContext({ locale: "en-GB", userAgent: firefox });
  const other = await context.newPage();
  await signIn(other, workplace, "/blocked/list");
  await elsewhere(browser, async (third) => {
    await signIn(third, workplace, "/blocked/list");
    await openSettings(page, workplace, "My account");
    const rows = page.getByRole("region", { name: "Sessions" }).getByRole("row");
    const theirs = rows.filter({ hasText: "Firefox, Linux" });
    await expect(theirs).toHaveCount(1);
    const before = await rows.count();
    await page.getByRole("button", { name: "End: Firefox, Linux" }).click();
    await expect(page.getByText("Session ended.")).toBeVisible();
    await expect(theirs).toHaveCount(0);
    await expect(rows).toHaveCount(before - 1);
    await expectAccessible(page);
    await other.reload();
    await expect(other.getByLabel("Password")).toBeVisible();
    for (const stays of [page, third]) {
      await stays.goto(workplace.at("/blocked/list"));
      await expect(stays.getByRole("heading", { level: 1, name: "Newsletter" })).toBeVisible();
    }
  });
  await context.close();
});

test("the provider's own staff: somebody is invited, and the last one stays", async ({ page, browser, workplace }) => {
  await signInAsProvider(page, workplace, "/settings/users");
  const own = page.getByRole("row", { name: PROVIDER.email });
  await expect(own).toContainText("Provider");
  await expect(own).toContainText("You");
  // The users of accounts are not among them, and there are no tokens here.
  await expect(page.getByRole("row", { name: ADMINISTRATOR.email })).toHaveCount(0);
  await expect(page.getByRole("link", { name: "Tokens" })).toHaveCount(0);
  await expectAccessible(page);
  await page.getByRole("button", { name: `Change: ${PROVIDER.email}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Deactivate" }).click();
  await expect(page.getByRole("dialog").getByRole("alert").first()).toHaveText(
    "Nobody else could manage users then. Let somebody else do that first.",
  );
  await page.keyboard.press("Escape");

  const link = await invite(page, HANA.email, "Provider");
  await elsewhere(browser, async (hers) => {
    await hers.goto(link);
    await expect(hers.getByText(`You will sign in as ${HANA.email}.`)).toBeVisible();
    // To no account.
    await expect(hers.getByText("Account:")).toHaveCount(0);
    await hers.getByLabel("New password").fill(HANA.password);
    await hers.getByRole("button", { name: "Accept invitation" }).click();
    await expect(hers.getByRole("link", { name: "Example Mail" })).toBeVisible();
  });
  await page.reload();
  await expect(page.getByRole("row", { name: HANA.email })).toContainText("Provider");
});

test("settings in Japanese, dark and 360 px wide: everything fits", async ({ page, workplace }) => {
  await json(workplace.account("POST", "/invitations", { email: "a-rather-long-address-of-hana@example.com", role: "operator" }));
  await page.setViewportSize({ width: 360, height: 740 });
  await signIn(page, workplace, "/blocked/list");
  await page.getByLabel("Language").selectOption("日本語");
  await page.getByRole("link", { name: "設定" }).click();
  for (const section of ["マイアカウント", "ユーザー"]) {
    await page.getByRole("link", { name: section }).click();
    await expectAccessible(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  }
});

// Whoever goes by keyboard or screen reader goes on where they were, not at the beginning of the page.
import type { Locator, Page } from "@playwright/test";
import { elsewhere, expect, fillSignIn, json, runNow, signIn, signInAsProvider, test } from "./workplace";

const frame = (page: Page, name: string) => page.getByRole("region", { name, exact: true });

/** Presses a button of a row by keyboard, and the one of the dialog that it opens. */
async function press(page: Page, opener: Locator, dialog: string, button: string): Promise<void> {
  await opener.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: dialog, exact: true }).getByRole("button", { name: button, exact: true }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toHaveCount(0);
}

test("a row that goes leaves the focus in its list", async ({ page, workplace }) => {
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/list");
  await press(page, page.getByRole("button", { name: "Release: taro@example.com" }), "Release address", "Release");
  await expect(page.getByRole("button", { name: "Release: taro@example.com" })).toHaveCount(0);
  await expect(frame(page, "Blocked list")).toBeFocused();
  await press(page, page.getByRole("button", { name: "Release: hanako@example.net" }), "Release address", "Release");
  await expect(frame(page, "Blocked list")).toBeFocused();

  await page.getByRole("link", { name: "Stop cancellation" }).click();
  const title = "Delete from the stop cancellation list";
  await press(page, page.getByRole("button", { name: "Delete: taro@example.com" }), title, "Delete");
  await expect(page.getByRole("row")).toHaveCount(2);
  await expect(frame(page, "Stop cancellation")).toBeFocused();
  // The last one takes the table along.
  await press(page, page.getByRole("button", { name: "Delete: hanako@example.net" }), title, "Delete");
  await expect(page.getByText("The stop cancellation list is empty")).toBeVisible();
  await expect(page.locator(".table-frame")).toBeFocused();
});

test("uploads, tokens and invitations leave the focus in their lists", async ({ page, workplace }) => {
  await workplace.upload("mail\nnew@example.com\n");
  await workplace.upload("mail\nnewer@example.com\n");
  for (const name of ["CRM", "ERP"]) await json(workplace.account("POST", "/tokens", { name, scopes: ["read"] }));
  for (const email of ["hana@example.com", "ken@example.com"]) {
    await json(workplace.account("POST", "/invitations", { email, role: "viewer" }));
  }
  await signIn(page, workplace, "/blocked/uploads");
  await press(page, page.getByRole("button", { name: "Delete: list.csv" }).first(), "Delete the upload", "Delete");
  await expect(page.getByRole("row")).toHaveCount(2);
  await expect(frame(page, "Uploads")).toBeFocused();

  await page.goto(`${workplace.service.url}/settings/tokens`);
  await press(page, page.getByRole("button", { name: "Revoke: CRM" }), "Revoke token", "Revoke");
  await expect(page.getByRole("row")).toHaveCount(2);
  await expect(frame(page, "Tokens")).toBeFocused();

  await page.goto(`${workplace.service.url}/settings/users`);
  const withdraw = (email: string) => page.getByRole("button", { name: `Withdraw: ${email}` });
  await press(page, withdraw("hana@example.com"), "Withdraw invitation", "Withdraw");
  await expect(withdraw("hana@example.com")).toHaveCount(0);
  await expect(frame(page, "Invitations")).toBeFocused();
  await press(page, withdraw("ken@example.com"), "Withdraw invitation", "Withdraw");
  await expect(frame(page, "Invitations")).toHaveCount(0);
  await expect(page.locator(":focus")).toHaveCount(1);
});

test("a row that changes keeps the focus on its button", async ({ page, workplace }) => {
  const { token } = await json(workplace.call("POST", "/mail-servers", { name: "mx1" }));
  await signIn(page, workplace, "/blocked/mail-servers");
  await press(page, page.getByRole("button", { name: "Deactivate: mx1" }), "Deactivate mail server", "Deactivate");
  await expect(page.getByRole("button", { name: "Activate: mx1", exact: true })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Deactivate: mx1" })).toBeFocused();
  // Each call of an agent changes its row.
  const headers = { Authorization: `Bearer ${token}` };
  expect((await fetch(`${workplace.service.url}/api/v1/agent`, { headers })).status).toBe(200);
  await expect(page.getByRole("row", { name: /mx1/ })).toContainText("Late");
  await expect(page.getByRole("button", { name: "Deactivate: mx1" })).toBeFocused();

  await page.goto(`${workplace.service.url}/settings/users`);
  await press(page, page.getByRole("button", { name: /^Change: / }), "Change user", "Save");
  await expect(page.getByRole("button", { name: /^Change: / })).toBeFocused();
});

test("a session that is ended, and features that are saved, leave the focus where it was", async ({
  page, browser, workplace,
}) => {
  await signIn(page, workplace, "/blocked/list");
  await elsewhere(browser, async (other) => {
    await other.goto(workplace.service.url);
    await fillSignIn(other);
    await expect(other.getByRole("heading", { level: 1 })).toBeVisible();
  });
  await page.goto(`${workplace.service.url}/settings/account`);
  await page.getByRole("button", { name: /^End: / }).first().focus();
  const rows = await frame(page, "Sessions").getByRole("row").count();
  await page.keyboard.press("Enter");
  await expect(frame(page, "Sessions").getByRole("row")).toHaveCount(rows - 1);
  await expect(frame(page, "Sessions")).toBeFocused();

  await page.getByRole("button", { name: "Sign out" }).click();
  await signInAsProvider(page, workplace, "/provider");
  await page.getByRole("button", { name: "Features: Example Mail" }).focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("checkbox", { name: /downloads/i }).check();
  await dialog.getByRole("button", { name: "Save" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("row", { name: /Example Mail/ })).toContainText("Enabled");
  await expect(page.getByRole("button", { name: "Features: Example Mail" })).toBeFocused();
});

test("the skip link moves the focus, and it is seen where it is", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  await page.reload();
  await expect(page.getByRole("heading", { level: 1, name: "Newsletter" })).toBeVisible();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("main")).toBeFocused();
  await expect(page).toHaveURL(workplace.at("/blocked/list"));
  const outline = () => page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle);
  expect(await outline()).toBe("solid");
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement!.closest("main") !== null)).toBe(true);
});

test("nothing moves for long where less motion is wanted", async ({ page, workplace }) => {
  await json(workplace.call("POST", "/mail-servers", { name: "mx1" }));
  await page.emulateMedia({ reducedMotion: "reduce" });
  await signIn(page, workplace, "/blocked/mail-servers");
  const dot = await page.getByText("Waiting for first contact").evaluate((badge) => {
    const { animationIterationCount, animationDuration } = getComputedStyle(badge, "::before");
    return { animationIterationCount, animationDuration };
  });
  expect(dot).toEqual({ animationIterationCount: "1", animationDuration: "0.001s" });
});

test("a form that opens is there to be filled in, and closing it leads back", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  await page.goto(`${workplace.service.url}/settings/tokens`);
  const opener = page.getByRole("main").getByRole("button", { name: "New token" }).first();
  await opener.focus();
  await page.keyboard.press("Enter");
  await expect(page.locator("#token-name")).toBeFocused();
  await page.keyboard.type("CRM");
  await expect(page.locator("#token-name")).toHaveValue("CRM");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(opener).toBeFocused();
  // What only asks begins at the button that changes nothing.
  await json(workplace.account("POST", "/tokens", { name: "CRM", scopes: ["read"] }));
  await page.reload();
  await page.getByRole("button", { name: "Revoke: CRM" }).press("Enter");
  await expect(page.getByRole("dialog").getByRole("button", { name: "Close", exact: true })).toBeFocused();
});

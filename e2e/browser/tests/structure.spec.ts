// What a screen reader is told of every page, and that axe finds nothing wrong with any. After a wanted change:
// `playwright test structure --update-snapshots`, then take addresses of links, ids and times out of what was written.
import type { Page } from "@playwright/test";
import { accountPages, configurationPages, fillAccount, providerPages } from "./pages";
import { startService } from "./service";
import { ADMINISTRATOR, expect, expectAccessible, json, runNow, signIn, signInAsProvider, test, type Workplace } from "./workplace";

/** Something on every page; answers the inquiry's id. */
async function fill(workplace: Workplace): Promise<string> {
  await json(workplace.call("POST", "/mail-servers", { name: "mx1" }));
  await runNow(workplace);
  await json(workplace.call("POST", "/releases", { addresses: ["jiro@example.org"], comment: "asked by phone" }));
  return fillAccount(workplace.account);
}

const snapshot = (name: string) => ({ name: `${name}.aria.yml` });

/** The page at an address, once it is drawn: what it says, and that everybody can use it. */
async function expectStructure(page: Page, url: string, name: string): Promise<void> {
  await page.goto(url);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator('.skeleton, [aria-busy="true"]')).toHaveCount(0);
  await expect(page.getByRole("main")).toMatchAriaSnapshot(snapshot(name));
  await expectAccessible(page);
}

test("the pages of a server configuration", async ({ page, workplace }) => {
  await fill(workplace);
  const upload = await workplace.upload("mail\nnew@example.com\nnot an address\n");
  await signIn(page, workplace, "/blocked/list");
  await expect(page.getByRole("row")).toHaveCount(3);
  await expect(page.locator("body")).toMatchAriaSnapshot(snapshot("frame"));
  for (const [name, path] of configurationPages(upload)) await expectStructure(page, workplace.at(path), name);
  await page.goto(workplace.at("/blocked/list"));
  await page.getByRole("button", { name: "Run settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Run settings" });
  await expect(dialog.getByLabel("Execute timing")).toBeVisible();
  await expect(dialog).toMatchAriaSnapshot(snapshot("run-settings"));
});

test("inquiries, settings, audit log, and the provider's pages", async ({ page, workplace }) => {
  const inquiry = await fill(workplace);
  const { url } = workplace.service;
  await signIn(page, workplace, "/blocked/list");
  for (const [name, path] of accountPages(inquiry)) await expectStructure(page, url + path, name);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(`${url}/sign-in`);
  await expect(page.locator("body")).toMatchAriaSnapshot(snapshot("sign-in"));
  await signInAsProvider(page, workplace, "/provider");
  const accounts = await json(workplace.provider("GET", "/accounts"));
  for (const [name, path] of providerPages(accounts.items[0].id)) await expectStructure(page, url + path, name);
});

test("who is not signed in: an invitation, a new password, a lost one, and the set-up", async ({ page, workplace }) => {
  const invite = async (email: string) =>
    (await json(workplace.account("POST", "/invitations", { email, role: "viewer" }))).link;
  const accepted = { secret: (await invite("ren@example.com")).split("#")[1], password: "a new user's own password" };
  await json(workplace.account("POST", "/invitations/accept", accepted));
  const { items: users } = await json(workplace.account("GET", "/users"));
  const ren = users.find((user: { email: string }) => user.email === "ren@example.com");
  const reset = await json(workplace.account("POST", `/users/${ren.id}/password-reset`));
  for (const [name, path] of [
    ["invitation", await invite("hana@example.com")], ["password-reset", reset.link], ["forgot-password", "/forgot-password"],
  ]) {
    await page.goto("about:blank");
    await expectStructure(page, workplace.service.url + path, name);
  }
  const service = await startService({});
  await expectStructure(page, `${service.url}/set-up`, "set-up");
  await service.stop();
});

test("the page of a suspended account", async ({ page, workplace }) => {
  await workplace.changeAccount({ suspended: true });
  await page.goto(workplace.service.url);
  await page.getByLabel("E-mail").fill(ADMINISTRATOR.email);
  await page.getByLabel("Password").fill(ADMINISTRATOR.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "This account is suspended" })).toBeVisible();
  await expect(page.locator("body")).toMatchAriaSnapshot(snapshot("suspended"));
});

test("the blocked list in Japanese", async ({ page, workplace }) => {
  await fill(workplace);
  await signIn(page, workplace, "/blocked/list");
  await page.getByLabel("Language").selectOption("日本語");
  await expect(page.getByRole("columnheader", { name: "メールアドレス" })).toBeVisible();
  await expectStructure(page, workplace.at("/blocked/list"), "blocked-list-ja");
});

test.describe("on the Standard plan", () => {
  test.use({ plan: "standard" });

  test("the request for a release", async ({ page, workplace }) => {
    await signIn(page, workplace, "/blocked/list");
    await expectStructure(page, workplace.at("/blocked/list"), "request-release");
  });
});

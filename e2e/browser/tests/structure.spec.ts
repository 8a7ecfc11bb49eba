// What a screen reader is told of the main pages. After a wanted change: `playwright test structure --update-snapshots`,
// then take addresses of links, ids and times out of what was written.
import type { Page } from "@playwright/test";
import { expect, json, runNow, signIn, signInAsProvider, test, type Workplace } from "./workplace";

/** Something on every page. */
async function fill(workplace: Workplace): Promise<void> {
  await json(workplace.call("POST", "/mail-servers", { name: "mx1" }));
  await runNow(workplace);
  await json(workplace.call("POST", "/releases", { addresses: ["jiro@example.org"], comment: "asked by phone" }));
  await json(workplace.account("POST", "/inquiries", { category: "other", subject: "A question", text: "How?" }));
  await json(workplace.account("POST", "/tokens", { name: "CRM", scopes: ["read"] }));
  await json(workplace.account("POST", "/invitations", { email: "hana@example.com", role: "viewer" }));
}

/** The page at an address, once it is drawn. */
async function expectStructure(page: Page, url: string, name: string): Promise<void> {
  await page.goto(url);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator('.skeleton, [aria-busy="true"]')).toHaveCount(0);
  await expect(page.getByRole("main")).toMatchAriaSnapshot({ name: `${name}.aria.yml` });
}

test("the pages of a server configuration", async ({ page, workplace }) => {
  await fill(workplace);
  const upload = await workplace.upload("mail\nnew@example.com\nnot an address\n");
  await signIn(page, workplace, "/blocked/list");
  await expect(page.getByRole("row")).toHaveCount(3);
  await expect(page.locator("body")).toMatchAriaSnapshot({ name: "frame.aria.yml" });
  for (const [name, section] of [
    ["blocked-list", "/blocked/list"],
    ["stop-cancellation", "/blocked/stop-cancellation"],
    ["uploads", "/blocked/uploads"],
    ["upload", `/blocked/uploads/${upload}`],
    ["bulk-changes", "/blocked/uploads/history"],
    ["distributions", "/blocked/distributions"],
    ["mail-servers", "/blocked/mail-servers"],
    ["address", "/blocked/address?address=jiro%40example.org"],
    ["overview", "/delivery-report/overview"],
    ["error-log", "/delivery-report/error-log"],
    ["delivery-log", "/delivery-report/delivery-log"],
  ] as const) {
    await expectStructure(page, workplace.at(section), name);
  }
});

test("inquiries, settings, audit log, and the provider's pages", async ({ page, workplace }) => {
  await fill(workplace);
  const { url } = workplace.service;
  await signIn(page, workplace, "/blocked/list");
  for (const [name, path] of [
    ["inquiries", "/inquiries"],
    ["new-inquiry", "/inquiries/new"],
    ["my-account", "/settings/account"],
    ["users", "/settings/users"],
    ["tokens", "/settings/tokens"],
    ["audit-log", "/settings/audit-log"],
  ] as const) {
    await expectStructure(page, url + path, name);
  }
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(`${url}/sign-in`);
  await expect(page.locator("body")).toMatchAriaSnapshot({ name: "sign-in.aria.yml" });
  await signInAsProvider(page, workplace, "/provider");
  const accounts = await json(workplace.provider("GET", "/accounts"));
  for (const [name, path] of [
    ["accounts", "/provider"],
    ["account", `/provider/accounts/${accounts.items[0].id}`],
    ["provider-inquiries", "/provider/inquiries"],
  ] as const) {
    await expectStructure(page, url + path, name);
  }
});

// What is shown while something is read, where it cannot be read, and where nothing is.
import type { Page } from "@playwright/test";
import { expect, expectAccessible, fillSignIn, json, signIn, signInAsProvider, test } from "./workplace";

/** Answers as a proxy does that has no service behind it. */
const fail = (page: Page, path: string) => page.route(path, (route) => route.fulfill({ status: 500, body: "" }));

test("what cannot be read on My account and Users says so, and is tried again", async ({ page, workplace }) => {
  const { url } = workplace.service;
  await signIn(page, workplace, "/blocked/list");
  await json(workplace.account("POST", "/invitations", { email: "hana@example.com", role: "viewer" }));
  await fail(page, "**/api/v1/me/second-factor");
  await fail(page, "**/api/v1/me/sessions?*");
  await fail(page, "**/api/v1/invitations?*");
  await page.goto(`${url}/settings/account`);
  await expect(page.getByRole("alert").getByRole("button", { name: "Try again" })).toHaveCount(2);
  await expect(page.locator(".skeleton")).toHaveCount(0);
  await expectAccessible(page);
  await page.unroute("**/api/v1/me/second-factor");
  await page.unroute("**/api/v1/me/sessions?*");
  await page.getByRole("button", { name: "Try again" }).first().click();
  await expect(page.getByRole("button", { name: "Set up" })).toBeVisible();
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByText("This one")).toBeVisible();

  await page.goto(`${url}/settings/users`);
  await expect(page.getByRole("heading", { name: "Invitations" })).toBeVisible();
  await expectAccessible(page);
  await page.unroute("**/api/v1/invitations?*");
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("cell", { name: "hana@example.com", exact: true })).toBeVisible();
});

test("what was done with an upload says when it cannot be read", async ({ page, workplace }) => {
  const upload = await workplace.upload("mail\nnew@example.com\n");
  await signIn(page, workplace, "/blocked/list");
  await fail(page, "**/list-operations*");
  await page.goto(workplace.at(`/blocked/uploads/${upload}`));
  await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
  await page.unroute("**/list-operations*");
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("button", { name: "Try again" })).toHaveCount(0);
});

test("every page has a heading, also where nothing is or nothing can be read", async ({ page, workplace }) => {
  const { url } = workplace.service;
  const heading = (name: string) => page.getByRole("heading", { level: 1, name, exact: true });
  await signIn(page, workplace, "/blocked/list");
  await page.goto(`${url}/no-such-page`);
  await expect(heading("Page not found")).toBeVisible();
  await expectAccessible(page);
  await page.goto(`${url}/configurations/00000000-0000-0000-0000-000000000000/blocked/list`);
  await expect(heading("Page not found")).toBeVisible();
  await expectAccessible(page);

  await page.route("**/api/v1/server-configurations?*", (route) => route.fulfill({ json: { items: [] } }));
  await page.goto(url);
  await expect(heading("No server configuration yet")).toBeVisible();
  await expectAccessible(page);
  await page.unroute("**/api/v1/server-configurations?*");
  await fail(page, "**/api/v1/server-configurations?*");
  await page.goto(url);
  await expect(heading("Server configurations")).toBeVisible();
  await expect(page.getByRole("main").getByRole("button", { name: "Try again" })).toBeVisible();
  await expectAccessible(page);
  await page.goto(workplace.at("/blocked/distributions"));
  await expect(heading("Server configurations")).toBeVisible();
  await expectAccessible(page);
  await page.unroute("**/api/v1/server-configurations?*");

  await fail(page, "**/api/v1/me");
  await page.goto(url);
  await expect(heading("Stoplist")).toBeVisible();
  await expectAccessible(page);
});

test("a part of the console that cannot be loaded has the page's heading", async ({ page, workplace }) => {
  const { url } = workplace.service;
  await page.route("**/split_administration.wasm", (route) => route.abort());
  await page.goto(`${url}/inquiries`);
  await fillSignIn(page);
  await expect(page.getByRole("heading", { level: 1, name: "Inquiries" })).toBeVisible();
  await expect(page.getByText("This part of the console could not be loaded.")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Sign out" }).click();
  await signInAsProvider(page, workplace, "/provider");
  await expect(page.getByRole("heading", { level: 1, name: "Accounts" })).toBeVisible();
  await expectAccessible(page);
});

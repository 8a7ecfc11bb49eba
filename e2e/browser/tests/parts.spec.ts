// Parts of the console that are loaded when one of their pages is first opened.
import type { Page } from "@playwright/test";
import { expect, expectAccessible, signIn, test, type Workplace } from "./workplace";

test("the first page loads none of them, and each is loaded once", async ({ page, workplace }) => {
  const loaded: string[] = [];
  page.on("response", (response) => {
    const name = /assets\/[^/]+\/(split_\w+)\.wasm$/.exec(response.url())?.[1];
    if (name === undefined) return;
    loaded.push(name);
    // A browser compiles as it loads only what is named as WebAssembly.
    expect(response.headers()["content-type"]).toBe("application/wasm");
    expect(response.headers()["content-encoding"]).toBe("br");
    expect(response.headers()["cache-control"]).toContain("immutable");
  });
  await signIn(page, workplace, "/blocked/list");
  await expect(page.getByText("No address is blocked")).toBeVisible();
  expect(loaded).toEqual([]);
  await page.getByRole("link", { name: "Delivery report" }).click();
  await expect(page.getByRole("slider").first()).toBeVisible();
  expect(loaded).toEqual(["split_report"]);
  await page.getByRole("link", { name: "Blocked", exact: true }).click();
  await page.getByRole("link", { name: "Delivery report" }).click();
  await expect(page.getByRole("slider").first()).toBeVisible();
  expect(loaded).toEqual(["split_report"]);
});

test("a part that cannot be loaded says so, and is tried again", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  await page.route("**/split_report.wasm", (route) => route.abort(), { times: 1 });
  await page.getByRole("link", { name: "Delivery report" }).click();
  await expect(page.getByText("This part of the console could not be loaded.")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("slider").first()).toBeVisible();
});

/** What the service answers after it was upgraded: another page, and nothing of the old console. */
async function upgrade(page: Page, workplace: Workplace): Promise<void> {
  await page.route("**/split_*.wasm", (route) => route.fulfill({ status: 404, body: "no such file" }));
  await page.route(`${workplace.service.url}/`, async (route) => {
    const response = await route.fetch();
    const text = (await response.text()).replace(/\/assets\/\w+\//g, "/assets/0123456789abcdef/");
    await route.fulfill({ response, body: text });
  });
}

test("a tab that is older than the service offers the new version, and keeps what is typed until then", async ({
  page, context, workplace,
}) => {
  await signIn(page, workplace, "/blocked/list");
  await upgrade(page, workplace);
  const banner = page.getByRole("complementary", { name: "Notices" });
  await expect(banner.getByText("There is a new version of the console.")).toHaveCount(0);
  await page.getByRole("button", { name: "New server configuration" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("Half typed");
  // The service restarts: the connection is lost and comes back.
  await context.setOffline(true);
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("dialog").getByText("Stoplist cannot be reached.")).toBeVisible();
  await expect(banner.getByText("Connection lost.")).toBeVisible();
  await context.setOffline(false);
  await expect(banner.getByText("There is a new version of the console.")).toBeVisible({ timeout: 20_000 });
  await expect(page.getByRole("dialog").getByLabel("Name")).toHaveValue("Half typed");
  await page.keyboard.press("Escape");
  await expectAccessible(page);
});

test("a page that the new version took away asks for a reload, which brings it", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  await upgrade(page, workplace);
  await page.getByRole("link", { name: "Delivery report" }).click();
  await expect(page.getByText("This page belongs to a new version of the console.")).toBeVisible();
  await expectAccessible(page);
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await page.getByRole("main").getByRole("button", { name: "Reload" }).click();
  await expect(page.getByRole("slider").first()).toBeVisible();
});

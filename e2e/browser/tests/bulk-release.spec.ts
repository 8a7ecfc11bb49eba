import type { Locator, Page } from "@playwright/test";
import { expect, expectAccessible, json, runNow, signIn, tabTo, test, type Workplace } from "./workplace";

/** More than is released in a moment. */
const MANY = 20_000;

const button = (page: Page) => page.getByRole("main").getByRole("button", { name: "Release all found…" });
const dialogOf = (page: Page) => page.getByRole("dialog", { name: "Release all found", exact: true });

async function addresses(workplace: Workplace, path: string): Promise<string[]> {
  const { items } = await json(workplace.call("GET", path));
  return items.map((item: { address: string }) => item.address).sort();
}

async function fits(page: Page, dialog: Locator): Promise<void> {
  await expectAccessible(page);
  expect(await dialog.evaluate((element) => element.scrollWidth)).toBeLessThanOrEqual(360);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
}

test("what a search finds is counted, released as a whole, and blocked again", async ({ page, workplace }) => {
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/list?reason=unknown_user");
  await button(page).click();
  const dialog = dialogOf(page);
  await expect(dialog.getByRole("heading", { name: "Release 2 addresses?" })).toBeVisible();
  await expect(dialog.locator('dt:text-is("Error reason") + dd')).toHaveText("Unknown user");
  const sample = await dialog.getByRole("listitem").allTextContents();
  expect(sample.sort()).toEqual(["jiro@example.org", "taro@example.com"]);
  await expectAccessible(page);
  expect(await addresses(workplace, "/exemptions")).toEqual([]);

  await dialog.getByLabel("Comment").fill("outage of 14 December");
  await dialog.getByRole("button", { name: "Release 2 addresses" }).click();
  const release = dialog.getByRole("article", { name: "Bulk release" });
  await expect(release.getByText("Done", { exact: true })).toBeVisible({ timeout: 20_000 });
  await expect(release.locator('dt:text-is("Taken off the blocked list") + dd')).toHaveText("2");
  await expectAccessible(page);
  expect(await addresses(workplace, "/exemptions")).toEqual(["jiro@example.org", "taro@example.com"]);
  expect(await addresses(workplace, "/blocked-addresses")).toEqual(["hanako@example.net"]);
  const { items } = await json(workplace.call("GET", "/list-operations"));
  expect(items[0]).toMatchObject({ comment: "outage of 14 December", parameters: { filter: { reason: "unknown_user" } } });

  await release.getByRole("button", { name: "Undo" }).click();
  const question = page.getByRole("dialog", { name: "Undo this change" });
  await question.getByLabel("Comment").fill("a false alarm");
  await expectAccessible(page);
  await question.getByRole("button", { name: "Undo" }).click();
  const undo = dialog.getByRole("article", { name: "Undo" });
  await expect(undo.getByText("Done", { exact: true })).toBeVisible({ timeout: 20_000 });
  await expect(undo.locator('dt:text-is("Added to the blocked list") + dd')).toHaveText("2");
  await expect(release.getByText("Undone", { exact: true })).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Undo" })).toHaveCount(0);
  expect(await addresses(workplace, "/exemptions")).toEqual([]);
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await expect(button(page)).toBeFocused();
  await expect(page.getByRole("row")).toHaveCount(3);
  // The next time it asks anew.
  await button(page).click();
  await expect(dialog.getByRole("heading", { name: "Release 2 addresses?" })).toBeVisible();
});

test("the list moves on between the question and the answer, and the result says so", async ({ page, workplace }) => {
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/list?q=ro");
  await button(page).click();
  const dialog = dialogOf(page);
  await expect(dialog.getByRole("heading", { name: "Release 2 addresses?" })).toBeVisible();
  await json(workplace.call("POST", "/releases", { addresses: ["jiro@example.org"] }));
  await dialog.getByRole("button", { name: "Release 2 addresses" }).click();
  await expect(dialog.getByText("Done", { exact: true })).toBeVisible({ timeout: 20_000 });
  await expect(dialog.locator('dt:text-is("Taken off the blocked list") + dd')).toHaveText("1");
  await expect(dialog.getByText("You confirmed 2; the list has changed meanwhile.")).toBeVisible();
});

test("without a filter, and where nothing is found, the dialog says so", async ({ page, workplace }) => {
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/list");
  const dialog = dialogOf(page);
  await button(page).click();
  await expect(dialog.getByText("Search or filter the list first")).toBeVisible();
  await expect(dialog.getByRole("button", { name: /^Release/ })).toHaveCount(0);
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  // The way back to the address without the dialog would stop the way to the next.
  await expect(page).toHaveURL(workplace.at("/blocked/list"));
  await page.goto(workplace.at("/blocked/list?q=nobody"));
  await button(page).click();
  await expect(dialog.getByText("Nothing is found that could be released.")).toBeVisible();
  await expect(dialog.getByRole("button", { name: /^Release/ })).toHaveCount(0);
  await expectAccessible(page);
  await page.goto(workplace.at("/blocked/list?state=releasing"));
  await button(page).click();
  await expect(dialog.getByText("These addresses are being released already.")).toBeVisible();
  await page.goto(workplace.at("/blocked/list?reason=nonsense"));
  await button(page).click();
  await expect(dialog.getByText("Nothing is found that could be released.")).toBeVisible();
});

test("a count that failed is tried again", async ({ page, workplace }) => {
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/list?q=ro");
  const problem = { type: "/problems/unavailable", title: "", status: 503, detail: "the database is away" };
  await page.route(
    "**/bulk-releases",
    (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify(problem) }),
    { times: 1 },
  );
  await button(page).click();
  const dialog = dialogOf(page);
  await expect(dialog.getByText("The service's database does not answer. Try again in a moment.")).toBeVisible();
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Try again" }).click();
  await expect(dialog.getByRole("heading", { name: "Release 2 addresses?" })).toBeVisible();
  await expect(dialog.getByText("The service's database does not answer. Try again in a moment.")).toHaveCount(0);
  await expect(dialog.getByRole("button", { name: "Try again" })).toHaveCount(0);
  await dialog.getByRole("button", { name: "Release 2 addresses" }).click();
  await expect(dialog.getByText("Done", { exact: true })).toBeVisible({ timeout: 20_000 });
});

test("what is being undone is not called undone before it is", async ({ page, workplace }) => {
  await runNow(workplace);
  // Until the end of a day, as the page asks for it.
  const filter = { q: "ro", to: "2030-11-30T23:00:00Z" };
  const { id } = await json(workplace.call("POST", "/bulk-releases", { filter, dry_run: false }));
  const state = async (of: string) => (await json(workplace.call("GET", `/list-operations/${of}`))).state;
  await expect.poll(() => state(id), { timeout: 20_000 }).toBe("done");
  const { id: undo } = await json(workplace.call("POST", `/list-operations/${id}/undo`, {}));
  await expect.poll(() => state(undo), { timeout: 20_000 }).toBe("done");
  // The service is too quick to be met in the middle: what it says of the undo is changed on the way.
  let said: object = { state: "running", total: 2, done: 1 };
  await page.route(`**/list-operations/${undo}`, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), ...said } });
  });
  await signIn(page, workplace, "/blocked/uploads/history");
  const release = page.getByRole("article", { name: "Bulk release" });
  await expect(release.getByText("Being undone", { exact: true })).toBeVisible();
  await expect(release.getByText(/Until Sat, Nov 30, 2030/)).toBeVisible();
  await expect(release.getByText("Undone", { exact: true })).toHaveCount(0);
  await expectAccessible(page);
  said = {};
  await expect(release.getByText("Undone", { exact: true })).toBeVisible();
  await expect(release.getByText("Being undone", { exact: true })).toHaveCount(0);
});

test("a release goes on while its dialog is closed, and is cancelled on the way", async ({ page, workplace }) => {
  test.slow();
  for (let first = 0; first < MANY; first += 1_000) {
    const some = Array.from({ length: 1_000 }, (_, n) => `user${first + n}@example.com`);
    await json(workplace.call("POST", "/blocked-addresses", { addresses: some }));
  }
  await signIn(page, workplace, "/blocked/list?domain=example.com");
  await button(page).click();
  const dialog = dialogOf(page);
  // The first of them, and that there are more.
  await expect(dialog.getByRole("listitem")).toHaveCount(21);
  await dialog.getByRole("button", { name: "Release 20,000 addresses" }).click();
  const bar = dialog.getByRole("progressbar", { name: "Bulk release" });
  await expect(bar).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(button(page)).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(bar).toBeVisible();
  await dialog.getByRole("button", { name: "Cancel it" }).click();
  await page.getByRole("dialog", { name: "Cancel this change" }).getByRole("button", { name: "Cancel it" }).click();
  await expect(dialog.getByText("Cancelled", { exact: true })).toBeVisible({ timeout: 30_000 });
  await expectAccessible(page);
  expect((await json(workplace.call("GET", "/exemptions"))).items).toEqual([]);
  const preview = { filter: { domain: "example.com" }, dry_run: true };
  expect((await json(workplace.call("POST", "/bulk-releases", preview))).count).toBe(MANY);
});

test("ticked rows are released together", async ({ page, workplace }) => {
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/list?sort=address&direction=ascending");
  const main = page.getByRole("main");
  const all = main.getByLabel("Select all on this page");
  const release = main.getByRole("button", { name: /^Release selected/ });
  await expect(release).toHaveAttribute("aria-disabled", "true");
  await main.getByLabel("Select taro@example.com").check();
  await expect(release).toHaveText("Release selected (1)…");
  expect(await all.evaluate((box: HTMLInputElement) => box.indeterminate)).toBe(true);
  await all.check();
  await expect(release).toHaveText("Release selected (3)…");
  await expectAccessible(page);
  await main.getByLabel("Select jiro@example.org").uncheck();
  await expect(all).not.toBeChecked();
  // Another search ticks nothing.
  await page.getByRole("searchbox").fill("ro");
  await expect(page.getByRole("row")).toHaveCount(3);
  await expect(release).toHaveText("Release selected (0)…");
  await page.getByRole("searchbox").fill("");
  await expect(page.getByRole("row")).toHaveCount(4);
  await all.check();
  await main.getByLabel("Select jiro@example.org").uncheck();

  await release.click();
  const dialog = page.getByRole("dialog", { name: "Release addresses", exact: true });
  await expect(dialog.getByRole("heading", { name: "Release 2 addresses?" })).toBeVisible();
  await expect(dialog.getByText("Mail to these addresses is sent again")).toBeVisible();
  await expect(dialog.getByRole("listitem")).toHaveText(["hanako@example.net", "taro@example.com"]);
  await expectAccessible(page);
  // Somebody else is faster with one of them.
  await json(workplace.call("POST", "/releases", { addresses: ["taro@example.com"], comment: "other" }));
  await dialog.getByLabel("Comment").fill("both");
  await dialog.getByRole("button", { name: "Release" }).click();
  await expect(page.getByText("1 address is released.")).toBeVisible();
  await expect(page.getByText("1 address was not on the blocked list any more.")).toBeVisible();
  await expect(page.getByRole("row")).toHaveCount(2);
  await expect(release).toBeFocused();
  await expect(release).toHaveText("Release selected (0)…");
  expect(await addresses(workplace, "/blocked-addresses")).toEqual(["jiro@example.org"]);
});

test("with the keyboard alone, in Japanese, at 360 px", async ({ page, workplace }) => {
  await runNow(workplace);
  await page.setViewportSize({ width: 360, height: 740 });
  await signIn(page, workplace, "/blocked/list?q=ro");
  await page.getByLabel("Language").selectOption("日本語");
  const main = page.getByRole("main");
  const tick = main.getByLabel("taro@example.com を選択");
  await tabTo(page, tick);
  await page.keyboard.press("Space");
  await expect(tick).toBeChecked();
  const selected = main.getByRole("button", { name: "選択した 1 件を解除…" });
  await expect(selected).toBeVisible();
  await tabTo(page, main.getByLabel("このページをすべて選択"));
  await page.keyboard.press("Space");
  await expect(main.getByRole("button", { name: "選択した 2 件を解除…" })).toBeVisible();
  await expectAccessible(page);

  const opener = main.getByRole("button", { name: "検索結果をすべて解除…" });
  await tabTo(page, opener);
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "検索結果の一括解除" });
  await expect(dialog.getByRole("heading", { name: "2 件を解除しますか？" })).toBeVisible();
  await fits(page, dialog);
  await tabTo(page, dialog.getByLabel("コメント"));
  await page.keyboard.type("障害のため");
  await tabTo(page, dialog.getByRole("button", { name: "2 件を解除" }));
  await page.keyboard.press("Enter");
  const release = dialog.getByRole("article", { name: "一括解除" });
  await expect(release.getByText("完了", { exact: true })).toBeVisible({ timeout: 20_000 });
  // The focus has not fallen out of the dialog.
  expect(await dialog.evaluate((element) => element.contains(document.activeElement))).toBe(true);
  await fits(page, dialog);
  await tabTo(page, release.getByRole("button", { name: "取り消す" }));
  await page.keyboard.press("Enter");
  const question = page.getByRole("dialog", { name: "一括変更の取り消し" });
  await tabTo(page, question.getByRole("button", { name: "取り消す" }));
  await page.keyboard.press("Enter");
  await expect(question).toBeHidden();
  await expect(dialog.getByRole("article", { name: "取り消し" }).getByText("完了", { exact: true })).toBeVisible({
    timeout: 20_000,
  });
  await page.keyboard.press("Escape");
  await expect(opener).toBeFocused();
});

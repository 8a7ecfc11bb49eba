import { readFile } from "node:fs/promises";
import type { Download, Page } from "@playwright/test";
import { expect, expectAccessible, json, runNow, signIn, tabTo, test, type Workplace } from "./workplace";

/** Opens the dialog, lets `choose` change it, and has the browser save the file. */
async function download(page: Page, choose = async () => {}): Promise<{ download: Download; text: string }> {
  const main = page.getByRole("main");
  await main.getByRole("button", { name: /^(Download|ダウンロード)$/ }).first().click();
  await choose();
  const begun = page.waitForEvent("download");
  await page.getByRole("dialog").getByRole("button", { name: /^(Download|ダウンロード)$/ }).click();
  const download = await begun;
  return { download, text: await readFile(await download.path(), "utf8") };
}

/** The same file, as a script gets it. */
async function fromApi(workplace: Workplace, path: string): Promise<string> {
  const answer = await workplace.call("GET", path);
  expect(answer.status).toBe(200);
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(await answer.arrayBuffer());
}

test("each list is saved by the browser, exactly as it is searched", async ({ page, workplace }) => {
  await workplace.allowDownloads(true);
  await runNow(workplace);
  await json(workplace.call("POST", "/releases", { addresses: ["jiro@example.org"] }));
  await signIn(page, workplace, "/blocked/list");
  for (const [section, query, file, path] of [
    ["/blocked/list", "?q=AR", "blocked-list", "/blocked-addresses.csv?q=AR"],
    ["/blocked/list", "?sort=address&direction=ascending", "blocked-list", "/blocked-addresses.csv?sort=address&direction=ascending"],
    ["/blocked/stop-cancellation", "", "stop-cancellation-list", "/exemptions.csv"],
    ["/delivery-report/error-log", "?reason=unknown_user", "error-log", "/delivery-events.csv?outcome=error&reason=unknown_user"],
    ["/delivery-report/delivery-log", "?domain=example.net", "delivery-log", "/delivery-events.csv?domain=example.net"],
  ] as const) {
    await page.goto(workplace.at(section + query));
    await expect(page.getByRole("row").nth(1)).toBeVisible();
    const { download: saved, text } = await download(page);
    expect(text).toBe(await fromApi(workplace, path));
    expect(text.split("\r\n").length).toBeGreaterThan(2);
    expect(saved.suggestedFilename()).toMatch(new RegExp(`^${file}_Newsletter_.*\\.csv$`));
    // Its address stands in logs on the way.
    expect(saved.url()).not.toMatch(/[?&]q=|example|unknown_user/);
    await expect(page.getByText("The download has begun.")).toBeVisible();
    await expect(page).toHaveURL(workplace.at(section + query));
  }
});

test("the dialog says in words what is searched, and what is wrong", async ({ page, context, workplace }) => {
  await workplace.allowDownloads(true);
  await signIn(page, workplace, "/blocked/list");
  const button = page.getByRole("button", { name: "Download" });
  await button.click();
  const dialog = page.getByRole("dialog", { name: "Download as CSV" });
  await expect(dialog.getByText("No filter is set: the whole list.")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(button).toBeFocused();

  const query = "?q=ta&reason=unknown_user&state=pending&origin=api&domain=example.com&from=2026-11-01&to=2026-11-24";
  await page.goto(workplace.at(`/blocked/list${query}`));
  await button.click();
  const facts = [
    ["Address contains", "ta"], ["Error reason", "Unknown user"], ["State", "Pending"], ["Origin", "API"],
    ["Domain", "example.com"], ["From", "Sun, Nov 1, 2026"], ["Until", "Tue, Nov 24, 2026"],
  ] as const;
  for (const [name, value] of facts) await expect(dialog.locator(`dt:text-is("${name}") + dd`)).toHaveText(value);
  await expectAccessible(page);

  const submit = dialog.getByRole("button", { name: "Download" });
  await context.setOffline(true);
  await submit.click();
  await expect(dialog.getByText("Stoplist cannot be reached.")).toBeVisible();
  await context.setOffline(false);
  const busy = { type: "/problems/too-many-requests", title: "", status: 429, detail: "too many requests: wait 5 seconds" };
  await page.route(
    "**/download-links",
    (route) => route.fulfill({ status: 429, headers: { "Retry-After": "5" }, json: busy }),
    { times: 1 },
  );
  await submit.click();
  await expect(dialog.getByText("Too many tries. Wait 5 seconds, then try again.")).toBeVisible();
  await expectAccessible(page);
  // The provider has just taken the permission away: the page does not know yet.
  await page.route("**/api/v1/me", () => new Promise(() => {}));
  await workplace.allowDownloads(false);
  await submit.click();
  await expect(dialog.getByText("Downloads are not enabled for this account.")).toBeVisible();
  await workplace.allowDownloads(true);
  await page.unrouteAll({ behavior: "ignoreErrors" });
  const begun = page.waitForEvent("download");
  await submit.click();
  expect(await readFile(await (await begun).path(), "utf8")).toMatch(/^address,reason,[^\n]*\n$/);
  await expect(dialog).toBeHidden();
});

test("the button is there while downloads are disabled, and says what to do", async ({ page, workplace }) => {
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await signIn(page, workplace, "/blocked/list");
  for (const section of ["Blocked list", "Stop cancellation", "Error log", "Delivery log"]) {
    if (section === "Error log") await page.getByRole("link", { name: "Delivery report" }).click();
    await page.getByRole("link", { name: section, exact: true }).click();
    await page.getByRole("main").getByRole("button", { name: "Download" }).click();
    const dialog = page.getByRole("dialog", { name: "Download as CSV" });
    await expect(dialog.getByText("Downloads are not enabled for this account")).toBeVisible();
    await expect(dialog.getByText("Send an inquiry to your provider to ask for them.")).toBeVisible();
    await expect(dialog.getByRole("button", { name: "Download" })).toHaveCount(0);
    await expectAccessible(page);
    await dialog.getByRole("button", { name: "Close" }).last().click();
    await expect(dialog).toBeHidden();
  }
  expect(asked.filter((url) => url.includes("download-links"))).toEqual([]);
});

test("with the keyboard alone, in Japanese for Excel, at 360 px", async ({ page, workplace }) => {
  await workplace.allowDownloads(true);
  await runNow(workplace);
  await page.setViewportSize({ width: 360, height: 740 });
  await signIn(page, workplace, "/blocked/list");
  await page.getByLabel("Language").selectOption("日本語");
  const button = page.getByRole("button", { name: "ダウンロード" });
  await tabTo(page, button);
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "CSV ダウンロード" });
  await expect(dialog.getByText("絞り込みなし（リスト全体）")).toBeVisible();
  await expectAccessible(page);
  expect(await dialog.evaluate((element) => element.scrollWidth)).toBeLessThanOrEqual(360);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await tabTo(page, dialog.getByLabel("Excel で開く（BOM 付き）"));
  await page.keyboard.press("Space");
  const begun = page.waitForEvent("download");
  await page.keyboard.press("Enter");
  const saved = await begun;
  expect(saved.suggestedFilename()).toMatch(/^配信停止リスト_Newsletter_.*\.csv$/);
  const bytes = await readFile(await saved.path());
  expect(bytes.toString("utf8")).toMatch(/^\ufeffメールアドレス,エラー理由,/);
  expect(bytes.toString("utf8")).toBe(await fromApi(workplace, "/blocked-addresses.csv?bom=true&language=ja"));
  await expect(dialog).toBeHidden();
  await expect(button).toBeFocused();
});

// Uploads that are interrupted, watched from elsewhere, or stopped.
import { choose, csv, figures, large, slowDown } from "./files";
import { expect, expectAccessible, goOnInJapanese, json, signIn, test, type Workplace } from "./workplace";
import type { Page } from "@playwright/test";

// Bytes that come slowly take their time.
test.slow();

async function offset(workplace: Workplace): Promise<number> {
  return (await json(workplace.call("GET", "/uploads"))).items[0]?.received ?? 0;
}

/** Waits until some of the file is there, and not all. */
async function inTheMiddle(workplace: Workplace) {
  await expect.poll(() => offset(workplace), { timeout: 20_000 }).toBeGreaterThan(500_000);
}

async function finished(page: Page, rows: string) {
  await expect(page.getByRole("heading", { name: "Ready to register" })).toBeVisible({ timeout: 40_000 });
  expect((await figures(page, "Records")).Records).toBe(rows);
}

test("an upload goes on while other pages are looked at, and another window sees it", async ({ page, context, workplace }) => {
  await signIn(page, workplace, "/blocked/uploads");
  await slowDown(page, 1_500);
  await choose(page, large(12_000));
  await expect(page.getByText("Don't close this browser window")).toBeVisible();
  await expect(page.getByText(/^\d+%, .* of 12 MB, about \d+ seconds left$/)).toBeVisible({ timeout: 20_000 });
  await expectAccessible(page);

  const other = await context.newPage();
  await other.goto(workplace.at("/blocked/uploads"));
  const row = other.getByRole("row", { name: /large\.csv/ });
  await expect(row.getByText("Uploading in another window")).toBeVisible({ timeout: 20_000 });

  await goOnInJapanese(page);
  await expect(page.getByText("このブラウザーのウィンドウを閉じないでください", { exact: false })).toBeVisible();
  await page.getByRole("link", { name: "停止解除リスト" }).click();
  await expect(page.getByText("停止解除リストは空です")).toBeVisible();
  expect(await offset(workplace)).toBeLessThan(12_000_000);
  await page.unrouteAll({ behavior: "ignoreErrors" });
  // The other window has followed into the language.
  await expect(row.getByText("登録できます")).toBeVisible({ timeout: 40_000 });
  await other.getByRole("link", { name: "large.csv" }).click();
  await expect(other.locator('dt:text-is("レコード数") + dd')).toHaveText("12,000");
});

test("after a reload in the middle the same file goes on where it was", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/uploads");
  await slowDown(page, 1_500);
  const file = large(6_000);
  await choose(page, file);
  await inTheMiddle(workplace);
  const asked: string[] = [];
  page.on("dialog", async (dialog) => {
    asked.push(dialog.type());
    await dialog.accept();
  });
  await page.reload();
  expect(asked).toEqual(["beforeunload"]);
  await expect(page.getByText("This upload was interrupted.", { exact: false })).toBeVisible({ timeout: 30_000 });
  await expectAccessible(page);
  const there = await offset(workplace);
  const again = page.getByLabel("Choose the same file");
  await again.setInputFiles(csv("large.csv", "mail\nother@example.com\n"));
  await expect(page.getByText("This is another file: its name or its size differs.")).toBeVisible();
  await again.setInputFiles({ ...file, name: "other.csv" });
  await expect(page.getByText("This is another file: its name or its size differs.")).toBeVisible();
  expect(await offset(workplace)).toBe(there);

  await goOnInJapanese(page);
  await expect(page.getByText("このアップロードは中断されています", { exact: false })).toBeVisible();
  await page.unrouteAll();
  const offsets: number[] = [];
  page.on("request", (request) => {
    if (request.method() === "PATCH") offsets.push(Number(request.headers()["upload-offset"]));
  });
  await page.getByLabel("同じファイルを選択").setInputFiles(file);
  await expect(page.getByRole("heading", { name: "登録できます" })).toBeVisible({ timeout: 40_000 });
  await expect(page.locator('dt:text-is("レコード数") + dd')).toHaveText("6,000");
  expect(offsets[0]).toBe(there);
  // Nothing is sent any more: the page may be left without a question.
  await page.reload();
  expect(asked).toEqual(["beforeunload"]);
});

test("a connection that is lost in the middle heals", async ({ page, context, workplace }) => {
  await signIn(page, workplace, "/blocked/uploads");
  await slowDown(page, 1_500);
  await choose(page, large(4_000));
  await inTheMiddle(workplace);
  await context.setOffline(true);
  await expect(page.getByText("The upload goes on by itself as soon as it is back.", { exact: false })).toBeVisible();
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await context.setOffline(false);
  await finished(page, "4,000");
});

test("a part that arrives damaged is sent again", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/uploads");
  let damaged = 0;
  await page.route("**/uploads/*", async (route) => {
    const body = route.request().postDataBuffer();
    if (route.request().method() !== "PATCH" || damaged++ > 0 || !body) return route.continue();
    const changed = Buffer.from(body);
    changed[100] = changed[100]! ^ 1;
    return route.continue({ postData: changed });
  });
  const answers: number[] = [];
  page.on("response", (response) => {
    if (response.request().method() === "PATCH") answers.push(response.status());
  });
  await choose(page, large(100));
  await finished(page, "100");
  expect(answers).toEqual([460, 204]);
});

test("an upload that is stopped is gone", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/uploads");
  await slowDown(page, 1_500);
  await choose(page, large(6_000));
  await inTheMiddle(workplace);
  const stop = page.getByRole("button", { name: "Stop" });
  await stop.click();
  const dialog = page.getByRole("dialog", { name: "Stop the upload" });
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect(stop).toBeFocused();
  const [{ id }] = (await json(workplace.call("GET", "/uploads"))).items;
  await goOnInJapanese(page);
  await page.getByRole("button", { name: "中止" }).click();
  await page.getByRole("dialog", { name: "アップロードの中止" }).getByRole("button", { name: "中止" }).click();
  await expect(page.getByText("アップロードはありません")).toBeVisible();
  // 404 once its bytes are taken away.
  expect([404, 410]).toContain((await workplace.call("GET", `/uploads/${id}`)).status);
  await page.goto(workplace.at(`/blocked/uploads/${id}`));
  await expect(page.getByText("このアップロードは見つかりません")).toBeVisible();
  await expectAccessible(page);
});

test("an upload that the service refuses says why, and goes on when asked to", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/uploads");
  await page.route("**/uploads/*", (route) => {
    if (route.request().method() !== "PATCH") return route.continue();
    const problem = { type: "/problems/storage-full", title: "Storage full", status: 507, detail: "The disk is full." };
    return route.fulfill({ status: 507, contentType: "application/problem+json", json: problem });
  });
  await choose(page, large(10));
  await expect(page.getByText("The service's disk is full.")).toBeVisible();
  await expectAccessible(page);
  await page.unrouteAll();
  await page.getByRole("button", { name: "Go on" }).click();
  await finished(page, "10");
});

test("a file larger than the account may upload is refused before it is sent", async ({ page, workplace }) => {
  await page.route("**/uploads", async (route) => {
    if (route.request().method() !== "OPTIONS") return route.continue();
    const response = await route.fetch();
    return route.fulfill({ response, headers: { ...response.headers(), "tus-max-size": "1500" } });
  });
  await signIn(page, workplace, "/blocked/uploads");
  await page.getByLabel("Choose a CSV file").setInputFiles(large(10));
  await expect(page.getByText("large.csv: The file is too large: your account may upload 1.5 kB at most.", { exact: false })).toBeVisible();
  await expectAccessible(page);
  expect((await json(workplace.call("GET", "/uploads"))).items).toEqual([]);
});

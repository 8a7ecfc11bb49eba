import type { Page } from "@playwright/test";
import { mailServer } from "./agents";
import { expect, expectAccessible, json, runNow, signIn, test } from "./workplace";

test("a server configuration gets another name and time zone", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  await page.getByRole("button", { name: "Change server configuration" }).click();
  const dialog = page.getByRole("dialog", { name: "Change server configuration" });
  await expect(dialog.getByLabel("Name")).toHaveValue("Newsletter");
  await expect(dialog.getByLabel("Time zone")).toHaveValue("Asia/Tokyo");
  await expectAccessible(page);
  await dialog.getByLabel("Time zone").fill("Asia/Nowhere");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.locator("#configuration-zone-error")).toContainText("This time zone is not known.");
  await dialog.getByLabel("Name").fill("Campaigns");
  await dialog.getByLabel("Time zone").fill("Europe/Berlin");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Campaigns" })).toBeVisible();
  await expect(page.getByRole("navigation", { name: "Server configurations" }).getByRole("link")).toContainText("Campaigns");
  await expect(page.getByRole("main")).toContainText("Europe/Berlin");
  await expect(page).toHaveTitle("Blocked list · Campaigns · Stoplist");

  // What somebody else changed meanwhile is not overwritten.
  await page.getByRole("button", { name: "Change server configuration" }).click();
  const read = await json(workplace.call("GET", ""));
  const theirs = { name: "Mailings", time_zone: "Europe/Berlin" };
  await json(workplace.call("PATCH", "", theirs, { "If-Match": `"${read.revision}"` }));
  await dialog.getByLabel("Name").fill("Mine");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByRole("alert").first()).toContainText("Somebody else changed this meanwhile.");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Mailings" })).toBeVisible();
});

test("a mail server gets another name", async ({ page, workplace }) => {
  await json(workplace.call("POST", "/mail-servers", { name: "mx1" }));
  await json(workplace.call("POST", "/mail-servers", { name: "mx2" }));
  await signIn(page, workplace, "/blocked/mail-servers");
  await page.getByRole("button", { name: "Rename: mx1" }).click();
  const dialog = page.getByRole("dialog", { name: "Rename mail server" });
  await expect(dialog.getByLabel("Name")).toHaveValue("mx1");
  await expectAccessible(page);
  await dialog.getByLabel("Name").fill("mx2");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByRole("alert").first()).toContainText("This name is taken.");
  await dialog.getByLabel("Name").fill("mx-osaka");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("cell", { name: "mx-osaka", exact: true })).toBeVisible();
  await expect(page.getByRole("button", { name: "Rename: mx-osaka" })).toBeFocused();
});

test("a renewed token waits for a contact of its own", async ({ page, workplace }) => {
  const { token } = await json(workplace.call("POST", "/mail-servers", { name: "mx1" }));
  const call = async (bearer: string) =>
    (await fetch(`${workplace.service.url}/api/v1/agent`, { headers: { Authorization: `Bearer ${bearer}` } })).status;
  expect(await call(token)).toBe(200);
  await signIn(page, workplace, "/blocked/mail-servers");
  await page.getByRole("button", { name: "New token: mx1" }).click();
  await page.getByRole("dialog", { name: "Replace the token" }).getByRole("button", { name: "New token" }).click();
  const dialog = page.getByRole("dialog", { name: "Connect the agent" });
  const renewed = await dialog.getByRole("group", { name: "Token", exact: true }).innerText();
  await expect(dialog.getByText("Waiting for first contact")).toBeVisible();
  await expect(dialog.getByText("The agent has called.")).toHaveCount(0);
  expect([await call(token), await call(renewed)]).toEqual([401, 200]);
  await expect(dialog.getByText("The agent has called.")).toBeVisible();
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(page.getByRole("button", { name: "New token: mx1" })).toBeFocused();
});

test("each mail server's checksum is shown beside the list's own", async ({ page, workplace }) => {
  const acknowledge = await mailServer(workplace, "mx1");
  await runNow(workplace);
  await acknowledge();
  const { items } = await json(workplace.call("GET", "/distributions"));
  const { checksum } = items[0];
  await signIn(page, workplace, "/blocked/distributions");
  const receipt = page.getByRole("listitem").filter({ hasText: "mx1" });
  await expect(receipt.locator("code")).toHaveText(checksum);
  await expect(receipt.locator("code")).toHaveAttribute("title", checksum);
  await expect(page.locator(".meta code")).toHaveText(checksum);
});

/** The latest row of a list as if its last attempt had failed. */
async function fail(page: Page, list: string, failure: object): Promise<void> {
  await page.route(new RegExp(`/api/.*/${list}(\\?|$)`), async (route) => {
    const response = await route.fetch();
    const answer = await response.json();
    answer.items[0] = { ...answer.items[0], ...failure };
    await route.fulfill({ response, json: answer });
  });
}

test("why a run failed can be read without a pointer, in one's own language", async ({ page, workplace }) => {
  await runNow(workplace);
  await fail(page, "runs", { state: "failed", error: "disk I/O error", error_cause: "internal" });
  await signIn(page, workplace, "/blocked/list");
  await expect(page.getByText("The last run failed")).toBeVisible();
  await expect(page.getByText("The blocked list is as it was before.")).toBeVisible();
  await expect(page.getByText("Cause: an error inside the service.")).toBeVisible();
  await expect(page.getByText("Technical details: disk I/O error")).toBeVisible();
  await expectAccessible(page);
  await page.getByLabel("Language").selectOption("日本語");
  await expect(page.getByText("前回の実行は失敗しました")).toBeVisible();
  await expect(page.getByText("配信停止リストは実行前のままです。")).toBeVisible();
  await expect(page.getByText("原因: サービスの内部エラーです。")).toBeVisible();
});

test("why a run, a distribution and a bulk change failed is Japanese for who reads Japanese", async ({ page, workplace }) => {
  await runNow(workplace);
  await json(workplace.call("POST", "/bulk-releases", { filter: { q: "taro" } }));
  const causes: [string, string, object, string][] = [
    ["runs", "list", { state: "failed", error: "given up after 8 attempts", error_cause: "interrupted" }, "完了する前にサービスが毎回終了しました。"],
    ["distributions", "distributions", { error: "no answer", error_cause: "database_unavailable" }, "サービスのデータベースが応答しません。"],
    ["list-operations", "uploads/history", { state: "failed", error: "no room", error_cause: "disk_full" }, "サービスのディスクがいっぱいです。"],
  ];
  await signIn(page, workplace, "/blocked/list");
  await page.getByLabel("Language").selectOption("日本語");
  for (const [list, section, failure, words] of causes) {
    await fail(page, list, failure);
    await page.goto(workplace.at(`/blocked/${section}`));
    const trouble = page.locator(".trouble").filter({ hasText: words });
    await expect(trouble).toBeVisible();
    expect(await trouble.innerText()).not.toMatch(/[A-Za-z]{2}/);
  }
});

test("why an address is being released is text", async ({ page, workplace }) => {
  const acknowledge = await mailServer(workplace, "mx1");
  await runNow(workplace);
  await acknowledge();
  await json(workplace.call("POST", "/releases", { addresses: ["taro@example.com"] }));
  await signIn(page, workplace, "/blocked/list");
  const row = page.getByRole("row", { name: /taro@example\.com/ });
  await expect(row.getByText("Releasing", { exact: true })).toBeVisible();
  await expect(row.getByText("Released", { exact: true })).toBeVisible();
});

test("the blocked list leads to uploading, as the manual says", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  await page.getByRole("main").getByRole("link", { name: "Upload", exact: true }).click();
  await expect(page).toHaveURL(workplace.at("/blocked/uploads"));
});

// Uploads for every role, without a mouse, in Japanese and on a narrow screen.
import { choose, csv, MIXED } from "./files";
import { actAs, expect, expectAccessible, json, runNow, signIn, tabTo, test } from "./workplace";

test("a viewer sees uploads and bulk changes, and cannot change them", async ({ page, workplace }) => {
  const id = await workplace.upload("mail\na@example.com\nb\n");
  const other = await workplace.upload("mail\nc@example.com\n");
  await json(workplace.call("POST", `/uploads/${other}/registration`, { delivery_timing: "next_execution" }));
  await actAs(page, "viewer");
  await signIn(page, workplace, "/blocked/uploads");
  await expect(page.getByRole("row", { name: /Ready to register/ })).toBeVisible();
  await expect(page.getByRole("row", { name: /Registered/ })).toBeVisible();
  await expect(page.getByLabel("Choose a CSV file")).toHaveCount(0);
  await expect(page.getByRole("button", { name: /^Delete/ })).toHaveCount(0);
  await expectAccessible(page);
  await page.goto(workplace.at(`/blocked/uploads/${id}`));
  await expect(page.getByRole("cell", { name: "a@example.com" })).toBeVisible();
  await expect(page.getByLabel("Encoding")).toBeDisabled();
  await expect(page.getByRole("button", { name: /^(Register|Release|Read again|Delete)/ })).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Download invalid rows" })).toBeVisible();
  await expectAccessible(page);
  await page.goto(workplace.at("/blocked/uploads/history"));
  await expect(page.getByRole("article", { name: "Registration" }).getByText("Done")).toBeVisible();
  await expect(page.getByRole("button", { name: "Undo" })).toHaveCount(0);
});

test("without a mouse a file is chosen, registered and undone", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/uploads");
  // Asked for long before: a key may overtake the word to the page that a test chooses the file.
  const choosing = page.waitForEvent("filechooser");
  await tabTo(page, page.getByLabel("Choose a CSV file"));
  await page.keyboard.press("Space");
  await (await choosing).setFiles(MIXED);
  await expect(page.getByRole("heading", { name: "Ready to register" })).toBeVisible();
  await tabTo(page, page.getByRole("button", { name: "Register" }));
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await tabTo(page, dialog.getByRole("radio", { name: /^At the next execute timing/ }));
  await page.keyboard.press("ArrowUp");
  await expect(dialog.getByRole("radio", { name: /^Now/ })).toBeChecked();
  await tabTo(page, dialog.getByRole("button", { name: "Register" }));
  await page.keyboard.press("Enter");
  const card = page.getByRole("article", { name: "Registration" });
  await expect(card.getByText("Done")).toBeVisible();
  await expect(page.getByRole("heading", { level: 2, name: "list.csv" })).toBeFocused();
  await tabTo(page, card.getByRole("button", { name: "Undo" }));
  await page.keyboard.press("Enter");
  await tabTo(page, dialog.getByRole("button", { name: "Undo" }));
  await page.keyboard.press("Enter");
  await expect(card.getByText("Undone")).toBeVisible();
  await expect(card.getByRole("heading")).toBeFocused();
});

test("in Japanese and 360 px wide everything fits", async ({ page, workplace }) => {
  // axe looks at seven pages.
  test.slow();
  await page.setViewportSize({ width: 360, height: 740 });
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/uploads");
  const fits = async () => {
    await expectAccessible(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  };
  await choose(page, csv("a-very-long-name-of-a-file-that-does-not-fit-into-one-line.csv", "mail,name\na@example.com,A\nb,B\n"));
  await page.getByLabel("Language").selectOption("日本語");
  await expect(page.getByRole("heading", { name: "登録できます" })).toBeVisible();
  await expect(page.getByLabel("文字コード").locator("option:checked")).toHaveText("自動: UTF-8");
  await fits();
  await page.getByRole("button", { name: "登録" }).click();
  const dialog = page.getByRole("dialog", { name: "配信停止リストに登録" });
  await expect(dialog.getByText("次回の実行タイミング")).toBeVisible();
  await fits();
  await dialog.getByRole("button", { name: "登録" }).click();
  await expect(page.getByRole("article", { name: "登録" }).getByText("完了")).toBeVisible();
  await fits();
  await page.getByRole("link", { name: "アップロード" }).last().click();
  await expect(page.getByText("登録済み")).toBeVisible();
  await fits();
  await page.getByRole("link", { name: "一括変更の履歴" }).click();
  await expect(page.getByRole("article", { name: "登録" })).toBeVisible();
  await fits();
  await page.goto(workplace.at("/blocked/uploads"));
  await page.getByLabel("CSV ファイルを選択").setInputFiles(csv("empty.csv", ""));
  await expect(page.getByText("ファイルが空です。")).toBeVisible();
  await fits();
});

test.describe("on the Standard plan", () => {
  test.use({ plan: "standard" });

  test("there are no uploads", async ({ page, workplace }) => {
    await signIn(page, workplace, "/blocked/list");
    await expect(page.getByRole("link", { name: "Distributions" })).toBeVisible();
    await expect(page.getByRole("link", { name: "Uploads" })).toHaveCount(0);
    await page.goto(workplace.at("/blocked/uploads"));
    await expect(page.getByText("Part of the Professional plan")).toBeVisible();
  });
});

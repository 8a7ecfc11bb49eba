import { blocked, choose, csv, figures, MIXED } from "./files";
import { expect, expectAccessible, goOnInJapanese, json, runNow, signIn, test } from "./workplace";

test("a file is uploaded, registered, and the registration undone", async ({ page, workplace }) => {
  // axe looks at many pages.
  test.slow();
  await runNow(workplace);
  await json(workplace.call("POST", "/releases", { addresses: ["jiro@example.org"] }));
  await signIn(page, workplace, "/blocked/list");
  await page.getByRole("link", { name: "Uploads" }).click();
  await expect(page.getByText("No upload yet")).toBeVisible();
  await page.getByRole("link", { name: "History of bulk changes" }).click();
  await expect(page.getByText("No bulk change yet")).toBeVisible();
  await page.goBack();
  await choose(page, MIXED);
  await expect(page.getByRole("heading", { name: "Ready to register" })).toBeVisible();
  expect(await figures(page, "Records")).toEqual({
    Records: "6", New: "2", "Already blocked": "1", "On the stop cancellation list": "1", Duplicate: "1", Invalid: "1",
  });
  await expect(page.getByLabel("Mail address column")).toHaveValue("1");

  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download invalid rows" }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toBe("invalid-rows.csv");
  const rows = await (await download.createReadStream()).toArray();
  expect(Buffer.concat(rows).toString()).toBe('line,value,cause\r\n7,"not an address",no_at\r\n');

  const register = page.getByRole("button", { name: "Register" });
  await register.click();
  const dialog = page.getByRole("dialog", { name: "Register on the blocked list" });
  await expect(dialog.getByText("2 addresses")).toBeVisible();
  await expect(dialog.getByText(/At the next execute timing: .*\d{4}/)).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect(register).toBeFocused();
  await register.click();
  await dialog.getByLabel("Comment").fill("Complaints of May");
  await dialog.getByRole("button", { name: "Register" }).click();
  const card = page.getByRole("article", { name: "Registration" });
  await expect(card.getByText("Done")).toBeVisible();
  await expect(card.getByText("Comment: Complaints of May")).toBeVisible();
  await expect(page.getByRole("heading", { level: 2, name: "list.csv" })).toBeFocused();
  expect(await figures(page, "Registration")).toEqual({
    "Added to the blocked list": "2", "Already blocked": "1", "Skipped: on the stop cancellation list": "1",
    "Duplicate in the file": "1",
  });
  expect(await blocked(workplace)).toEqual([
    "hanako@example.net", "new1@example.com", "new2@example.com", "taro@example.com",
  ]);
  await expectAccessible(page);

  await card.getByRole("button", { name: "Undo" }).click();
  const undoing = page.getByRole("dialog", { name: "Undo this change" });
  await undoing.getByLabel("Comment").fill("The wrong file");
  await expectAccessible(page);
  await undoing.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByRole("article", { name: "Undo" }).getByText("Done")).toBeVisible();
  await expect(card.getByText("Undone")).toBeVisible();
  await expect(card.getByRole("button", { name: "Undo" })).toHaveCount(0);
  await expect(card.getByRole("heading")).toBeFocused();
  expect(await blocked(workplace)).toEqual(["hanako@example.net", "taro@example.com"]);
  // It can be registered again.
  await expect(page.getByRole("button", { name: "Register" })).toBeVisible();

  await page.getByRole("link", { name: "Uploads" }).first().click();
  await expect(page.getByRole("row", { name: /list\.csv.*Undone/ })).toBeVisible();
  await page.getByRole("link", { name: "History of bulk changes" }).click();
  await expect(page.getByRole("article")).toHaveCount(2);
  await expect(page.getByText("Comment: The wrong file")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("link", { name: "Uploaded file" }).first().click();
  await expect(page.getByRole("heading", { level: 2, name: "list.csv" })).toBeVisible();
});

test("files that are chosen while others begin leave what is said of those", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/uploads");
  const files = (...names: string[]) => names.map((name) => csv(name, "mail\nnew@example.com\n"));
  let letGo!: () => void;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let begun = 0;
  const full = { type: "/problems/storage-full", title: "Storage full", status: 507, detail: "The disk is full." };
  await page.route("**/uploads", async (route) => {
    if (route.request().method() !== "POST" || ++begun > 2) return route.continue();
    await held;
    return route.fulfill({ status: 507, contentType: "application/problem+json", json: full });
  });
  const input = page.getByLabel("Choose a CSV file");
  await input.setInputFiles(files("first.csv", "second.csv"));
  await expect.poll(() => begun).toBe(2);
  // One alone would be followed on its own page.
  await input.setInputFiles(files("third.csv"));
  await expect(page.getByRole("row", { name: /third\.csv/ })).toBeVisible();
  letGo();
  for (const name of ["first.csv", "second.csv"]) {
    await expect(page.getByText(`${name}: The service's disk is full.`)).toBeVisible();
  }
  await expect(page).toHaveURL(workplace.at("/blocked/uploads"));
  await expectAccessible(page);

  await input.setInputFiles(files("first.csv", "fourth.csv"));
  await expect(page.getByText("first.csv: ")).toHaveCount(0);
  await expect(page.getByText("second.csv: The service's disk is full.")).toBeVisible();
  for (const name of ["first.csv", "fourth.csv"]) {
    await expect(page.getByRole("row", { name: new RegExp(name) })).toContainText("Ready to register");
  }
  await choose(page, files("fifth.csv")[0]!);
});

test("a registration may block exempt addresses too, and reach the mail servers at once", async ({ page, workplace }) => {
  await runNow(workplace);
  await json(workplace.call("POST", "/releases", { addresses: ["jiro@example.org"] }));
  await signIn(page, workplace, "/blocked/uploads");
  await choose(page, csv("list.csv", "jiro@example.org\n"));
  await page.getByRole("button", { name: "Register" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Block addresses of the stop cancellation list too").check();
  await dialog.getByLabel("Now").check();
  await dialog.getByRole("button", { name: "Register" }).click();
  await expect(page.getByRole("article", { name: "Registration" }).getByText("Done")).toBeVisible();
  expect((await figures(page, "Registration"))["Added to the blocked list"]).toBe("1");
  await expect
    .poll(async () => (await json(workplace.call("GET", "/blocked-addresses?q=jiro"))).items[0]?.state)
    .toBe("in_effect");
});

test("a file in CP932 is read as what it is", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/uploads");
  // 氏名,メール and 山田太郎,yamada@example.com
  const name = Buffer.from("8e8196bc2c8381815b838b0d0a", "hex");
  const row = Buffer.concat([Buffer.from("8e52936391be98592c", "hex"), Buffer.from("yamada@example.com\r\n")]);
  await choose(page, csv("宛先.csv", Buffer.concat([name, row])));
  await expect(page.getByLabel("Encoding")).toHaveValue("");
  await expect(page.getByLabel("Encoding").locator("option:checked")).toHaveText("Automatic: Shift_JIS (CP932)");
  await expect(page.getByRole("cell", { name: "山田太郎" })).toBeVisible();
  await expect(page.getByRole("columnheader", { name: "メール" })).toBeVisible();
  await expect(page.getByLabel("Mail address column")).toHaveValue("2");
  expect((await figures(page, "Records")).New).toBe("1");
});

test("another column is chosen and the file read again", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/uploads");
  await choose(page, csv("two.csv", "mail;contact\na@example.com;right@example.com\nb@example.com;\n"));
  const column = page.getByLabel("Mail address column");
  await expect(column).toHaveValue("1");
  expect((await figures(page, "Records")).New).toBe("2");
  await column.selectOption("2");
  await expect(page.getByRole("columnheader", { name: "contact" })).toHaveClass(/marked/);
  const again = page.getByRole("button", { name: "Read again" });
  await again.click();
  await expect.poll(async () => await figures(page, "Records")).toMatchObject({ New: "1", Invalid: "1" });
  await expect(column).toHaveValue("2");
  await expect(again).toBeFocused();

  // With another delimiter the columns are others: the choice of before is forgotten.
  await page.getByLabel("Delimiter").selectOption("Comma");
  await again.click();
  await expect(page.getByLabel("Delimiter").locator("option:checked")).toHaveText("Comma");
  await expect.poll(async () => await page.getByRole("columnheader").count()).toBe(1);
  await page.getByLabel("Delimiter").selectOption("Automatic");
  await again.click();
  await expect.poll(async () => await page.getByRole("columnheader").count()).toBe(2);
  await expect(column).toHaveValue("1");
  await column.selectOption("2");
  await again.click();
  await expect.poll(async () => await figures(page, "Records")).toMatchObject({ New: "1", Invalid: "1" });
  await page.getByRole("button", { name: "Register" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Register" }).click();
  await expect(page.getByRole("article", { name: "Registration" }).getByText("Done")).toBeVisible();
  expect(await blocked(workplace)).toEqual(["right@example.com"]);
});

for (const [name, file, cause] of [
  ["a header alone", csv("header.csv", "mail,name\n"), "The file has the names of the columns and no row below them."],
  ["no byte", csv("empty.csv", ""), "The file is empty."],
  ["an open quote", csv("quote.csv", 'mail,name\na@example.com,"open\nb@example.com,x\n'), /\(Line 2\)/],
  ["a workbook", csv("book.xlsx", Buffer.from("504b0304140006000800000021000000000000000000", "hex")), "This is not a text file."],
  ["no addresses", csv("numbers.csv", "a,b\n1,2\n3,4\n"), "No column holds mail addresses."],
] as const) {
  test(`a file with ${name} says what is wrong with it`, async ({ page, workplace }) => {
    await signIn(page, workplace, "/blocked/uploads");
    await choose(page, file);
    await expect(page.getByText("Cannot be read", { exact: true })).toBeVisible();
    await expect(page.getByText(cause)).toBeVisible();
    await expect(page.getByRole("button", { name: "Register" })).toHaveCount(0);
    await expectAccessible(page);
    await page.getByRole("button", { name: "Delete" }).click();
    await expectAccessible(page);
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await expect(page).toHaveURL(workplace.at("/blocked/uploads"));
    await expect(page.getByText("No upload yet")).toBeVisible();
  });
}

test("the addresses of a file are released instead, and blocked again", async ({ page, workplace }) => {
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/uploads");
  await choose(page, MIXED);
  await page.getByRole("button", { name: "Release these addresses instead" }).click();
  const dialog = page.getByRole("dialog", { name: "Release the addresses of this file" });
  await expect(dialog.getByText("2 of these addresses are blocked and will be released.")).toBeVisible();
  expect((await dialog.getByRole("listitem").allTextContents()).sort()).toEqual(["jiro@example.org", "taro@example.com"]);
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Release" }).click();
  const card = page.getByRole("article", { name: "Bulk release" });
  await expect(card.getByText("Done")).toBeVisible();
  expect(await figures(page, "Bulk release")).toMatchObject({ "Taken off the blocked list": "2" });
  expect(await blocked(workplace)).toEqual(["hanako@example.net"]);
  await card.getByRole("link", { name: "See the distribution" }).click();
  await expect(page.getByRole("region", { name: "Distributions" })).toBeVisible();
  const named = new URL(page.url()).searchParams.get("distribution");
  const { items } = await json(workplace.call("GET", "/distributions"));
  const marked = page.locator('article[aria-current="true"]');
  const { version } = items.find((one: { id: string }) => one.id === named);
  await expect(marked.getByRole("heading", { name: `Version ${version}` })).toBeFocused();
  await page.goBack();
  await goOnInJapanese(page);
  await page.getByRole("article", { name: "一括解除" }).getByRole("button", { name: "取り消す" }).click();
  const undoing = page.getByRole("dialog", { name: "一括変更の取り消し" });
  await undoing.getByRole("button", { name: "取り消す" }).click();
  await expect(page.getByRole("article", { name: "取り消し" }).getByText("完了")).toBeVisible();
  expect(await blocked(workplace)).toEqual(["hanako@example.net", "jiro@example.org", "taro@example.com"]);
});

test("a change that goes on shows how far it is, and is cancelled after a question", async ({ page, workplace }) => {
  const id = await workplace.upload("mail\na@example.com\n");
  await json(workplace.call("POST", `/uploads/${id}/registration`, { delivery_timing: "next_execution" }));
  await expect.poll(async () => (await json(workplace.call("GET", `/uploads/${id}`))).state).toBe("registered");
  // The service is too quick to be met in the middle: what it says of the operation is changed on the way.
  const said = { state: "running", total: 200_000, done: 50_000 };
  await page.route(/\/list-operations(\?.*)?$/, async (route) => {
    const response = await route.fetch();
    const { items, ...rest } = await response.json();
    await route.fulfill({ response, json: { ...rest, items: items.map((item: object) => ({ ...item, ...said })) } });
  });
  await page.route(/\/list-operations\/[^/]+$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), ...said } });
  });
  let comment: unknown;
  await page.route(/\/list-operations\/[^/]+\/cancel$/, async (route) => {
    comment = route.request().postDataJSON().comment;
    said.state = "cancelling";
    const { items } = await json(workplace.call("GET", "/list-operations"));
    await route.fulfill({ status: 202, json: { ...items[0], ...said } });
  });
  await signIn(page, workplace, "/blocked/uploads/history");
  const card = page.getByRole("article", { name: "Registration" });
  await expect(card.getByText("50,000 of 200,000 rows")).toBeVisible();
  expect(await card.getByRole("progressbar").evaluate((bar: HTMLProgressElement) => bar.value)).toBe(0.25);
  await expect(card.getByRole("button", { name: "Undo" })).toHaveCount(0);
  await expectAccessible(page);
  const cancel = card.getByRole("button", { name: "Cancel it" });
  await cancel.click();
  const dialog = page.getByRole("dialog", { name: "Cancel this change" });
  await dialog.getByLabel("Comment").fill("Not yet");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Cancel it" }).click();
  await expect(card.getByText("Being cancelled")).toBeVisible();
  await expect(cancel).toHaveCount(0);
  await expect(card.getByRole("heading")).toBeFocused();
  expect(comment).toBe("Not yet");
  said.state = "cancelled";
  await expect(card.getByText("Cancelled")).toBeVisible();
  await expect(card.getByRole("progressbar")).toHaveCount(0);
});

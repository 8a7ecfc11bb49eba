import { expect, expectAccessible, json, refuse, runNow, signIn, test } from "./workplace";

test("an address is found, released and taken off the stop cancellation list", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  await expect(page.getByText("No address is blocked")).toBeVisible();
  await page.getByRole("button", { name: "Run now" }).click();
  const asking = page.getByRole("dialog", { name: "Run now" });
  await expectAccessible(page);
  await asking.getByRole("button", { name: "Run now" }).click();
  // The list fills by itself.
  await expect(page.getByRole("row")).toHaveCount(4, { timeout: 20_000 });

  await page.getByRole("searchbox").fill("AR");
  await expect(page.getByRole("row")).toHaveCount(2);
  await expect(page).toHaveURL(/[?&]q=AR/);
  await page.reload();
  await expect(page.getByRole("searchbox")).toHaveValue("AR");
  await expect(page.getByRole("row")).toHaveCount(2);
  await page.getByLabel("Error reason").selectOption("Unknown host");
  await expect(page.getByText("Nothing matches")).toBeVisible();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await expect(page.getByRole("row")).toHaveCount(4);

  const release = page.getByRole("button", { name: "Release: taro@example.com" });
  await release.click();
  await page.keyboard.press("Escape");
  await expect(release).toBeFocused();
  await release.click();
  const dialog = page.getByRole("dialog", { name: "Release address" });
  await dialog.getByLabel("Comment").fill("The customer called");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Release" }).click();
  await expect(page.getByText("taro@example.com is released.")).toBeVisible();
  await expect(release).toBeHidden();

  await page.getByRole("link", { name: "Stop cancellation" }).click();
  await expect(page.getByRole("cell", { name: "The customer called" })).toBeVisible();
  await page.getByRole("button", { name: "Delete: taro@example.com" }).click();
  await expectAccessible(page);
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByText("The stop cancellation list is empty")).toBeVisible();
});

test("the error log is searched by address and reason", async ({ page, workplace }) => {
  await signIn(page, workplace, "/delivery-report/error-log");
  await expect(page.getByRole("row")).toHaveCount(4);
  await page.getByLabel("Error reason").selectOption("Unknown user");
  await expect(page.getByRole("row")).toHaveCount(3);
  await page.getByRole("searchbox").fill("jiro");
  await expect(page.getByRole("row")).toHaveCount(2);
  await expect(page.getByRole("cell", { name: "550 5.1.1 No such mailbox" })).toBeVisible();
});

test("each list is filtered by domain, and the filter is in the URL", async ({ page, workplace }) => {
  await runNow(workplace);
  await json(workplace.call("POST", "/releases", { addresses: ["jiro@example.org"] }));
  await signIn(page, workplace, "/blocked/list");
  for (const [link, domain, found, other] of [
    ["Blocked list", "EXAMPLE.com", "taro@example.com", "hanako@example.net"],
    ["Stop cancellation", "example.org", "jiro@example.org", undefined],
    ["Error log", "example.net", "hanako@example.net", "taro@example.com"],
  ] as const) {
    if (link === "Error log") await page.getByRole("link", { name: "Delivery report" }).click();
    await page.getByRole("link", { name: link }).click();
    await expect(page.getByRole("cell", { name: other ?? found, exact: true })).toBeVisible();
    await page.getByLabel("Domain").fill(domain);
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(new RegExp(`[?&]domain=${domain}`));
    await expect(page.getByRole("row")).toHaveCount(2);
    await expect(page.getByRole("cell", { name: found, exact: true })).toBeVisible();
    await page.reload();
    await expect(page.getByLabel("Domain")).toHaveValue(domain);
    await expect(page.getByRole("row")).toHaveCount(2);
    await page.getByLabel("Domain").fill("nowhere.example");
    await page.keyboard.press("Enter");
    await expect(page.getByText("Nothing matches")).toBeVisible();
    await page.getByRole("button", { name: "Clear filters" }).click();
    await expect(page.getByLabel("Domain")).toHaveValue("");
  }
});

test("how many there are stands below them, whether or not there are more pages", async ({ page, workplace }) => {
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/list");
  const rows = await page.getByRole("table").boundingBox();
  const total = await page.getByText("3 entries", { exact: true }).boundingBox();
  expect(total!.y).toBeGreaterThanOrEqual(rows!.y + rows!.height);
});

test("times in words go on by themselves", async ({ page, workplace }) => {
  await page.clock.install();
  await signIn(page, workplace, "/delivery-report/error-log");
  const when = page.getByRole("row", { name: /taro@example\.com/ }).getByRole("time");
  await expect(when).toHaveText("now");
  await page.clock.fastForward("07:00");
  await expect(when).toHaveText("7 minutes ago");
  await page.clock.fastForward("02:00");
  await expect(when).toHaveText("9 minutes ago");
});

test("a list that cannot be read says why and is tried again", async ({ page, workplace }) => {
  const mend = await refuse(page, "**/blocked-addresses*");
  await signIn(page, workplace, "/blocked/list");
  await expect(page.getByText("The service could not do this (HTTP 500). Try again.")).toBeVisible();
  await expectAccessible(page);
  await mend();
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByText("No address is blocked")).toBeVisible();
});

test("a search that failed does not claim that nothing matches", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  await expect(page.getByText("No address is blocked")).toBeVisible();
  await page.route("**/blocked-addresses*", (route) => route.fulfill({ status: 500, body: "" }));
  await page.getByRole("searchbox").fill("ar");
  await expect(page.getByText("The service could not do this (HTTP 500). Try again.")).toBeVisible();
  await expect(page.getByText("Nothing matches")).toHaveCount(0);
  await expect(page.getByText("0 entries")).toHaveCount(0);
  await page.unroute("**/blocked-addresses*");
  await page.getByRole("searchbox").fill("aro");
  await expect(page.getByText("Nothing matches")).toBeVisible();
});

test("many server configurations are searched by name", async ({ page, workplace }) => {
  for (const name of ["Orders", "Invoices", "Receipts", "Reminders", "Surveys", "Alerts", "注文確認"]) {
    await json(workplace.account("POST", "/server-configurations", { name, time_zone: "Asia/Tokyo" }));
  }
  await signIn(page, workplace, "/blocked/stop-cancellation");
  const sidebar = page.getByRole("navigation", { name: "Server configurations" });
  await expect(sidebar.getByRole("link")).toHaveCount(8);
  const search = sidebar.getByRole("searchbox");
  await search.fill("RE");
  await expect(sidebar.getByRole("link")).toHaveText([/^Receipts/, /^Reminders/]);
  await search.fill("nothing like this");
  await expect(sidebar.getByText("No server configuration has this name.")).toBeVisible();
  await expectAccessible(page);
  await search.fill("注文");
  await sidebar.getByRole("link", { name: "注文確認" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "注文確認" })).toBeVisible();
  // The other configuration shows the same section.
  await expect(page).toHaveURL(/\/blocked\/stop-cancellation$/);
});

test("the delivery log shows what was delivered too", async ({ page, workplace }) => {
  const occurred_at = new Date().toISOString();
  const event = { id: "4", address: "mai@example.com", outcome: "delivered", occurred_at };
  await json(workplace.call("POST", "/delivery-events", [event]));
  await signIn(page, workplace, "/delivery-report/delivery-log");
  await expect(page.getByRole("row")).toHaveCount(5);
  await page.getByLabel("Outcome").selectOption("Delivered");
  await expect(page.getByRole("row")).toHaveCount(2);
  await expect(page.getByRole("row", { name: /mai@example\.com Delivered/ })).toBeVisible();
});

test("at 1,280 px a long address breaks before its @, and the table ends inside its frame", async ({ page, workplace }) => {
  await runNow(workplace);
  const long = "a-rather-long-name.of-somebody-else@a-rather-long-domain.example.com";
  await json(workplace.call("POST", "/blocked-addresses", { addresses: [long] }));
  await page.setViewportSize({ width: 1280, height: 800 });
  await signIn(page, workplace, "/blocked/list");
  const cell = page.getByRole("cell", { name: long, exact: true });
  await expect(cell).toBeVisible();
  // Where the lines of an address begin, and with what.
  const lines = await cell.evaluate((element) => {
    const found: string[] = [];
    const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    let top = -1;
    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
      for (let at = 0; at < text.textContent!.length; at++) {
        const range = document.createRange();
        range.setStart(text, at);
        range.setEnd(text, at + 1);
        const line = range.getBoundingClientRect().top;
        if (line !== top) found.push("");
        top = line;
        found[found.length - 1] += text.textContent![at];
      }
    }
    return found;
  });
  expect(lines).toEqual(["a-rather-long-name.of-somebody-else", "@a-rather-long-domain.example.com"]);
  const frame = page.getByRole("region", { name: "Blocked list" });
  expect(await frame.evaluate((element) => element.scrollWidth - element.clientWidth)).toBeLessThanOrEqual(0);
});

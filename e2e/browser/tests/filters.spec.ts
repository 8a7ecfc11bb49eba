// Each control above the blocked list: what it finds, in which order, and that all of it is in the URL.
import { expect, expectAccessible, json, runNow, signIn, test } from "./workplace";

test("the blocked list is sorted, and narrowed by origin, state and days", async ({ page, workplace }) => {
  await runNow(workplace);
  await json(workplace.call("POST", "/blocked-addresses", { addresses: ["mai@example.com"] }));
  const id = await workplace.upload("mail\nzoe@example.com\n");
  await json(workplace.call("POST", `/uploads/${id}/registration`, { delivery_timing: "next_execution" }));
  await expect.poll(async () => (await json(workplace.call("GET", `/uploads/${id}`))).state).toBe("registered");
  await signIn(page, workplace, "/blocked/list");
  const [hanako, jiro, mai, taro, zoe] = [
    "hanako@example.net", "jiro@example.org", "mai@example.com", "taro@example.com", "zoe@example.com",
  ];
  const shown = () => page.locator("td.address").allTextContents();
  const row = (address: string) => page.getByRole("row", { name: address });

  await expect(page.getByRole("row")).toHaveCount(6);
  for (const address of [hanako, jiro, taro]) await expect(row(address)).toContainText(/Condition.*In effect/);
  await expect(row(mai)).toContainText(/API.*Pending/);
  await expect(row(zoe)).toContainText(/Upload.*Pending/);
  expect((await shown()).slice(0, 2)).toEqual([zoe, mai]);

  for (const [order, query, found] of [
    ["Oldest first", "?sort=date&direction=ascending", [, , , mai, zoe]],
    ["Address A–Z", "?sort=address&direction=ascending", [hanako, jiro, mai, taro, zoe]],
    ["Address Z–A", "?sort=address&direction=descending", [zoe, taro, mai, jiro, hanako]],
  ] as const) {
    await page.getByLabel("Sort").selectOption(order);
    await expect(page).toHaveURL(workplace.at(`/blocked/list${query}`));
    // Of what one run blocked, none is the oldest.
    await expect.poll(async () => (await shown()).map((address, at) => found[at] && address)).toEqual([...found]);
    await page.reload();
    await expect(page.getByLabel("Sort").locator("option:checked")).toHaveText(order);
  }

  for (const [control, option, query, found] of [
    ["Origin", "API", "origin=api", [mai]],
    ["Origin", "Upload", "origin=upload", [zoe]],
    ["Origin", "Condition", "origin=condition", [taro, jiro, hanako]],
    ["State", "Pending", "state=pending", [zoe, mai]],
    ["State", "In effect", "state=in_effect", [taro, jiro, hanako]],
  ] as const) {
    await page.getByLabel(control, { exact: true }).selectOption(option);
    const sorted = async () => (await shown()).sort();
    await expect.poll(sorted).toEqual([...found].sort());
    await expect(page).toHaveURL(new RegExp(`[?&]${query}`));
    await page.reload();
    await expect.poll(sorted).toEqual([...found].sort());
    await expect(page.getByLabel(control, { exact: true }).locator("option:checked")).toHaveText(option);
    await page.getByLabel(control, { exact: true }).selectOption("All");
    await expect.poll(async () => (await shown()).length).toBe(5);
  }
  await expectAccessible(page);

  // A day is the user's own, and a range has both its ends.
  const day = (later: number) =>
    new Intl.DateTimeFormat("sv", { timeZone: "Europe/Berlin" }).format(Date.now() + later * 86_400_000);
  for (const [from, until, count] of [
    [day(0), "", 5], [day(1), "", 0], ["", day(0), 5], ["", day(-1), 0], [day(-1), day(1), 5],
  ] as const) {
    await page.getByLabel("From", { exact: true }).fill(from);
    await page.getByLabel("Until", { exact: true }).fill(until);
    await page.keyboard.press("Tab");
    await expect.poll(async () => (await shown()).length).toBe(count);
    if (count === 0) await expect(page.getByText("Nothing matches")).toBeVisible();
  }
  for (const end of [`from=${day(-1)}`, `to=${day(1)}`]) await expect(page).toHaveURL(new RegExp(`[?&]${end}`));
});

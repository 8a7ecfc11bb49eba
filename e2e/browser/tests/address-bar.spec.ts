// What the address says, and what the browser's Back and Forward do.
import { expect, json, runNow, signIn, test } from "./workplace";

test("Back undoes a filter, Forward does it again, and what is typed is one step", async ({ page, workplace }) => {
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/list");
  await expect(page.getByRole("row")).toHaveCount(4);
  const reason = page.getByLabel("Error reason");
  await reason.selectOption("Unknown user");
  await expect(page.getByRole("row")).toHaveCount(3);
  await page.getByLabel("Sort").selectOption("Address A–Z");
  await expect(page).toHaveURL(/sort=address/);
  await page.getByRole("searchbox").pressSequentially("ta", { delay: 400 });
  await expect(page).toHaveURL(/q=ta/);
  await expect(page.getByRole("row")).toHaveCount(2);
  // The search is in the place of the address before it.
  await page.goBack();
  await expect(page).toHaveURL(workplace.at("/blocked/list?reason=unknown_user"));
  await expect(page.getByLabel("Sort")).toHaveValue("");
  await expect(page.getByRole("searchbox")).toHaveValue("");
  await page.goBack();
  await expect(page).toHaveURL(workplace.at("/blocked/list"));
  await expect(reason).toHaveValue("");
  await expect(page.getByRole("row")).toHaveCount(4);
  await page.goForward();
  await expect(reason).toHaveValue("unknown_user");
  await expect(page.getByRole("row")).toHaveCount(3);

  await page.getByRole("link", { name: "Delivery report" }).click();
  await page.getByRole("button", { name: "7 days" }).click();
  await expect(page).toHaveURL(/days=7/);
  await page.goBack();
  await expect(page).toHaveURL(workplace.at("/delivery-report/overview"));
  await expect(page.getByRole("button", { name: "30 days" })).toHaveAttribute("aria-pressed", "true");
});

test("run settings have an address: a link opens them, Back closes them", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/stop-cancellation?dialog=run-settings");
  const dialog = page.getByRole("dialog", { name: "Run settings" });
  await expect(dialog.getByLabel("Execute timing")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  await expect(page).toHaveURL(workplace.at("/blocked/stop-cancellation"));
  await page.getByRole("link", { name: "Blocked list" }).click();
  await page.getByRole("button", { name: "Run settings" }).click();
  await expect(page).toHaveURL(workplace.at("/blocked/list?dialog=run-settings"));
  await expect(dialog).toBeVisible();
  await page.goBack();
  await expect(dialog).toHaveCount(0);
  await expect(page).toHaveURL(workplace.at("/blocked/list"));
  await page.goForward();
  await expect(dialog.getByLabel("Execute timing")).toBeVisible();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(page).toHaveURL(workplace.at("/blocked/list"));
  await page.goBack();
  await expect(page).toHaveURL(workplace.at("/blocked/stop-cancellation"));
});

test("Back leaves no dialog behind", async ({ page, workplace }) => {
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/stop-cancellation");
  await page.getByRole("link", { name: "Blocked list" }).click();
  await page.getByRole("button", { name: "Run now" }).click();
  const dialog = page.getByRole("dialog", { name: "Run now" });
  await expect(dialog).toBeVisible();
  await page.goBack();
  await expect(page).toHaveURL(workplace.at("/blocked/stop-cancellation"));
  await expect(dialog).toHaveCount(0);
  expect((await json(workplace.call("GET", "/runs"))).items).toHaveLength(1);
});

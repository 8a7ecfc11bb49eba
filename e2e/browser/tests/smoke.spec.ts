import { expect, test } from "./service";

test("a fresh service shows the console, and nothing on the way fails", async ({ fresh, page }) => {
  const failures: string[] = [];
  page.on("pageerror", (error) => failures.push(error.message));
  page.on("requestfailed", (request) => failures.push(`${request.url()} ${request.failure()?.errorText}`));
  await page.goto(fresh.url);
  await expect(page.getByRole("main")).toBeVisible();
  await expect(page).toHaveTitle(/Stoplist/);
  expect(failures).toEqual([]);
});

// Parts of the console that are loaded when one of their pages is first opened.
import { expect, expectAccessible, signIn, test } from "./workplace";

test("the first page loads none of them, and each is loaded once", async ({ page, workplace }) => {
  const loaded: string[] = [];
  page.on("response", (response) => {
    const name = /assets\/[^/]+\/(split_\w+)\.wasm$/.exec(response.url())?.[1];
    if (name === undefined) return;
    loaded.push(name);
    // A browser compiles as it loads only what is named as WebAssembly.
    expect(response.headers()["content-type"]).toBe("application/wasm");
    expect(response.headers()["content-encoding"]).toBe("br");
    expect(response.headers()["cache-control"]).toContain("immutable");
  });
  await signIn(page, workplace, "/blocked/list");
  await expect(page.getByText("No address is blocked")).toBeVisible();
  expect(loaded).toEqual([]);
  await page.getByRole("link", { name: "Delivery report" }).click();
  await expect(page.getByRole("slider").first()).toBeVisible();
  expect(loaded).toEqual(["split_report"]);
  await page.getByRole("link", { name: "Blocked", exact: true }).click();
  await page.getByRole("link", { name: "Delivery report" }).click();
  await expect(page.getByRole("slider").first()).toBeVisible();
  expect(loaded).toEqual(["split_report"]);
});

test("a part that cannot be loaded says so, and is tried again", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  await page.route("**/split_report.wasm", (route) => route.abort(), { times: 1 });
  await page.getByRole("link", { name: "Delivery report" }).click();
  await expect(page.getByText("This part of the console could not be loaded.")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("slider").first()).toBeVisible();
});

// A file that changes while it is sent.
import { writeFileSync } from "node:fs";
import { large, slowDown } from "./files";
import { expect, json, signIn, test } from "./workplace";

test("a file that was changed in the middle is not taken for the one that was begun", async ({ page, workplace }, info) => {
  test.slow();
  const [path, { buffer }] = [info.outputPath("large.csv"), large(6_000)];
  writeFileSync(path, buffer);
  await signIn(page, workplace, "/blocked/uploads");
  await slowDown(page, 1_500);
  await page.getByLabel("Choose a CSV file").setInputFiles(path);
  const received = async () => (await json(workplace.call("GET", "/uploads"))).items[0]?.received ?? 0;
  await expect.poll(received, { timeout: 20_000 }).toBeGreaterThan(500_000);
  // Another content of the same size.
  writeFileSync(path, Buffer.from(buffer).reverse());
  await expect(page.getByText("The browser cannot read the file any more")).toBeVisible({ timeout: 20_000 });
  const there = await received();
  await page.getByLabel("Choose the same file").setInputFiles(path);
  await expect(page.getByText("This is another file: its name or its size differs.")).toBeVisible();
  expect(await received()).toBe(there);
});

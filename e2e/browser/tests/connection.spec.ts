// A connection that is lost while nobody does anything.
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, expectAccessible, fillSignIn, goOnInJapanese, json, signIn, test } from "./workplace";

const LOST = "Connection lost. Trying again…";

test("a lost connection shows by itself, and so does its return", async ({ page, context, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  const live = page.getByText("Live", { exact: true });
  await expect(live).toBeVisible();
  await context.setOffline(true);
  await expect(page.getByText(LOST)).toBeVisible();
  await expect(live).toBeHidden();
  await expectAccessible(page);
  await context.setOffline(false);
  await expect(page.getByText(LOST)).toBeHidden({ timeout: 15_000 });
  await expect(live).toBeVisible({ timeout: 15_000 });
});

test("a network that says nothing any more is a lost connection", async ({ page, workplace }) => {
  test.slow();
  const pairs: [Socket, Socket][] = [];
  const network = createServer((here) => {
    const there = connect(Number(new URL(workplace.service.url).port), "127.0.0.1");
    here.pipe(there).pipe(here);
    for (const end of [here, there]) end.on("error", () => {});
    pairs.push([here, there]);
  });
  await new Promise<void>((ready) => network.listen(0, "127.0.0.1", ready));
  try {
    await page.clock.install();
    await page.goto(`http://127.0.0.1:${(network.address() as AddressInfo).port}/`);
    await fillSignIn(page);
    const live = page.getByText("Live", { exact: true });
    await expect(live).toBeVisible();
    // What was read before the stream stood is read again a little later: a sign of life, if it came by a new connection.
    await page.clock.fastForward(2_000);
    await page.waitForTimeout(500);
    // What stands is dead, without a word; what comes new is not.
    for (const [here, there] of pairs) {
      here.unpipe(there);
      there.unpipe(here);
    }
    await page.clock.fastForward(41_000);
    await expect(page.getByText(LOST)).toBeVisible();
    await expect(live).toBeHidden();
    // The browser may try on dead connections first.
    await expect(async () => {
      await page.clock.fastForward(16_000);
      await expect(live).toBeVisible({ timeout: 2_000 });
    }).toPass({ timeout: 60_000 });
    await expect(page.getByText(LOST)).toBeHidden();
  } finally {
    for (const ends of pairs) for (const end of ends) end.destroy();
    network.close();
  }
});

test("uploads and bulk changes of the time without a connection are read after it", async ({ page, context, workplace }) => {
  await signIn(page, workplace, "/blocked/uploads");
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  const history = await context.newPage();
  await history.goto(workplace.at("/blocked/uploads/history"));
  await expect(history.getByText("No bulk change yet")).toBeVisible();
  await context.setOffline(true);
  for (const tab of [page, history]) await expect(tab.getByText(LOST)).toBeVisible();
  const id = await workplace.upload("mail\nnew@example.com\n");
  await json(workplace.call("POST", `/uploads/${id}/registration`, { delivery_timing: "next_execution" }));
  await context.setOffline(false);
  await expect(page.getByRole("row", { name: /list\.csv/ })).toBeVisible({ timeout: 15_000 });
  await expect(history.getByRole("article", { name: "Registration" })).toBeVisible({ timeout: 15_000 });
});

test("that the connection is lost is seen at the end of a long page, too", async ({ page, context, workplace }) => {
  await page.setViewportSize({ width: 1280, height: 360 });
  await signIn(page, workplace, "/delivery-report/overview");
  await expect(page.getByRole("figure").first()).toBeVisible();
  await expect(page.locator('.skeleton, [aria-busy="true"]')).toHaveCount(0);
  await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
  expect(await page.evaluate(() => window.scrollY)).toBeGreaterThan(200);
  await context.setOffline(true);
  await expect(page.getByText(LOST)).toBeInViewport();
  await goOnInJapanese(page);
  await expect(page.getByText("接続が切れました。再接続しています…")).toBeVisible();
  await context.setOffline(false);
  await expect(page.getByText("接続が切れました。再接続しています…")).toBeHidden({ timeout: 15_000 });
});

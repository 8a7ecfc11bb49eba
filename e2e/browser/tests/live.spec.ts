// What the live stream tells, and in which moment: here it is told by the test.
import type { Page, Route } from "@playwright/test";
import { expect, signIn, test } from "./workplace";

/**
 * Holds the server configuration's live stream back. What is given back opens it, tells all in one piece and lets it end.
 * Time stands still from then on: what the console reads again after a while would mend what it did not hear.
 */
async function holdStream(page: Page): Promise<(events: object[]) => Promise<void>> {
  await page.clock.install();
  const held: Route[] = [];
  await page.route("**/server-configurations/*/live", (route) => void held.push(route));
  return async (events) => {
    await expect.poll(() => held.length).toBeGreaterThan(0);
    await page.clock.pauseAt(Date.now() + 1_000);
    const body = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
    await held.at(-1)!.fulfill({ contentType: "text/event-stream", body });
  };
}

/** Answers the readings of a list of the server configuration. */
const answer = (page: Page, list: string, read: (route: Route) => unknown) =>
  page.route(new RegExp(`/server-configurations/[^/]+/${list}(\\?|$)`), read);

const created_at = "2026-01-05T09:00:00Z";

/** An id as of something that was made after those of lower numbers. */
const id = (number: number) => `019b8d5e-0000-7000-8000-${String(number).padStart(12, "0")}`;

/** A distribution as the API answers it; as an event, too. */
function distribution(version: number, acknowledged: boolean): object {
  const acknowledged_at = acknowledged ? created_at : undefined;
  return {
    type: "distribution", id: id(version), kind: "run", state: acknowledged ? "complete" : "published", version,
    added: 1, removed: 0, created_at, receipts: [{ mail_server_id: id(0), mail_server_name: "mx1", acknowledged_at }],
  };
}

/** A run as the API answers it; as an event, too. */
const run = (state: string) => ({
  type: "run", id: id(1), trigger: "immediate", state, created_at, blocked: [], cancelled: 0,
});

const waiting = (page: Page) => page.getByText("Waiting for its acknowledgement");

test("of changes that are told at once none is lost", async ({ page, workplace }) => {
  const versions = Array.from({ length: 20 }, (_, at) => 20 - at);
  const tell = await holdStream(page);
  const items = versions.map((version) => distribution(version, false));
  await answer(page, "distributions", (route) => route.fulfill({ json: { items } }));
  await signIn(page, workplace, "/blocked/distributions");
  await expect(waiting(page)).toHaveCount(20);
  await tell(versions.map((version) => distribution(version, true)));
  await expect(waiting(page)).toHaveCount(0);
  await expect(page.getByText("Acknowledged", { exact: true })).toHaveCount(20);
});

test("what is new comes to its place, and what is on a later page stays there", async ({ page, workplace }) => {
  const tell = await holdStream(page);
  const items = [30, 28, 27].map((version) => distribution(version, false));
  await answer(page, "distributions", (route) => route.fulfill({ json: { items, next_cursor: "later" } }));
  await signIn(page, workplace, "/blocked/distributions");
  const versions = page.getByRole("region", { name: "Distributions" }).getByRole("heading");
  await expect(versions).toHaveText(["Version 30", "Version 28", "Version 27"]);
  await tell([distribution(5, true), distribution(31, false), distribution(29, false)]);
  await expect(versions).toHaveText(["Version 31", "Version 30", "Version 29", "Version 28", "Version 27"]);
});

test("what is told while a list is read is not undone by an older answer", async ({ page, workplace }) => {
  const tell = await holdStream(page);
  const reads: Route[] = [];
  await answer(page, "distributions", (route) => {
    if (reads.push(route) > 1) return route.fulfill({ json: { items: [distribution(1, true)] } });
  });
  await signIn(page, workplace, "/blocked/mail-servers");
  await page.getByRole("link", { name: "Distributions" }).click();
  await expect.poll(() => reads.length).toBe(1);
  await tell([distribution(1, true)]);
  await expect(page.getByText("Version 1: Complete")).toBeAttached();
  await reads[0]!.fulfill({ json: { items: [distribution(1, false)] } });
  await expect(page.getByText("Acknowledged", { exact: true })).toBeVisible();
  await expect(waiting(page)).toHaveCount(0);
});

test("a run that ended while nothing was heard does not go on here", async ({ page, workplace }) => {
  const tell = await holdStream(page);
  let items = [run("running")];
  await answer(page, "runs", (route) => route.fulfill({ json: { items } }));
  await signIn(page, workplace, "/blocked/distributions");
  // What is told after it shows that it was heard.
  await tell([run("running"), distribution(1, true)]);
  await expect(page.getByText("Version 1: Complete")).toBeAttached();
  await expect(page.getByText("A run is going on")).toBeVisible();
  items = [run("done")];
  // The time after which everything is read again.
  await page.clock.fastForward(3_000);
  await expect(page.getByText("A run is going on")).toHaveCount(0);
});

test("a run that is over before its order is answered stays over", async ({ page, workplace }) => {
  const tell = await holdStream(page);
  const orders: Route[] = [];
  await answer(page, "runs", (route) => {
    if (route.request().method() === "POST") return void orders.push(route);
    return route.fulfill({ json: { items: orders.map(() => run("failed")) } });
  });
  await signIn(page, workplace, "/blocked/list");
  await page.getByRole("button", { name: "Run now" }).click();
  await page.getByRole("dialog", { name: "Run now" }).getByRole("button", { name: "Run now" }).click();
  await expect.poll(() => orders.length).toBe(1);
  await tell([run("failed")]);
  await expect(page.getByText("The last run failed")).toBeVisible();
  await orders[0]!.fulfill({ status: 202, json: run("queued") });
  await expect(page.getByText("The run has been queued.")).toBeVisible();
  await expect(page.getByText("The last run failed")).toBeVisible();
  await expect(page.getByText("A run is going on")).toHaveCount(0);
});

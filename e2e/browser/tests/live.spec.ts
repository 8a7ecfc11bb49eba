// What the live stream tells, and in which moment: here it is told by the test.
import type { Page, Route } from "@playwright/test";
import { expect, json, signIn, test } from "./workplace";

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

/** A registration as the API answers it; as an event, too. */
const registration = (state: string, done: number, upload_id = id(2)) => ({
  type: "list_operation", id: id(1), kind: "register_upload", state, created_at, requested_by: "keiko@example.com",
  parameters: { delivery_timing: "next_execution" }, upload_id, total: state === "queued" ? undefined : 100, done,
  counts: { added: 0, removed: 0, already_blocked: 0, exempt: 0, duplicates: 0, not_blocked: 0 },
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

test("what many mail servers acknowledge in a moment is read at its beginning and at its end", async ({
  page, workplace,
}) => {
  const tell = await holdStream(page);
  let reads = 0;
  page.on("request", (request) => {
    if (new URL(request.url()).pathname === "/api/v1/server-configurations") reads += 1;
  });
  await answer(page, "distributions", (route) => route.fulfill({ json: { items: [distribution(1, false)] } }));
  await signIn(page, workplace, "/blocked/distributions");
  await expect(waiting(page)).toHaveCount(1);
  reads = 0;
  const acknowledged = Array.from({ length: 50 }, (_, at) => [{ type: "list_changed" }, distribution(at + 2, true)]);
  await tell(acknowledged.flat());
  // The last one was heard.
  await expect(page.getByText("Version 51: Complete")).toBeAttached();
  await expect.poll(() => reads).toBe(1);
  await page.clock.fastForward(1_000);
  await expect.poll(() => reads).toBe(2);
});

test("a registration that is further than the answer to its order stays there", async ({ page, workplace }) => {
  const tell = await holdStream(page);
  const upload = await workplace.upload("mail\na@example.com\n");
  const orders: Route[] = [];
  await answer(page, "uploads/[^/]+/registration", (route) => void orders.push(route));
  await signIn(page, workplace, `/blocked/uploads/${upload}`);
  await page.getByRole("button", { name: "Register" }).click();
  const dialog = page.getByRole("dialog", { name: "Register on the blocked list" });
  await dialog.getByRole("button", { name: "Register" }).click();
  await expect.poll(() => orders.length).toBe(1);
  await tell([registration("running", 50, upload)]);
  await expect(page.getByText("50 of 100 rows")).toBeVisible();
  await orders[0]!.fulfill({ status: 202, json: registration("queued", 0, upload) });
  await expect(dialog).toBeHidden();
  await expect(page.getByText("50 of 100 rows")).toBeVisible();
  await expect(page.getByText("Queued", { exact: true })).toHaveCount(0);
});

test("a change that is cancelled before its cancelling is answered stays cancelled", async ({ page, workplace }) => {
  const tell = await holdStream(page);
  const orders: Route[] = [];
  const items = [registration("running", 50)];
  await answer(page, "list-operations", (route) => route.fulfill({ json: { items } }));
  await answer(page, "list-operations/[^/]+", (route) => route.fulfill({ json: items[0] }));
  await answer(page, "list-operations/[^/]+/cancel", (route) => void orders.push(route));
  await signIn(page, workplace, "/blocked/uploads/history");
  await page.getByRole("button", { name: "Cancel it" }).click();
  const dialog = page.getByRole("dialog", { name: "Cancel this change" });
  await dialog.getByRole("button", { name: "Cancel it" }).click();
  await expect.poll(() => orders.length).toBe(1);
  await tell([registration("cancelled", 0)]);
  await expect(page.getByText("Cancelled", { exact: true })).toBeVisible();
  await orders[0]!.fulfill({ status: 202, json: registration("cancelling", 50) });
  await expect(dialog).toBeHidden();
  await expect(page.getByText("Cancelled", { exact: true })).toBeVisible();
  await expect(page.getByText("Being cancelled")).toHaveCount(0);
});

test("a file that is read before the order to read it again is answered stays read", async ({ page, workplace }) => {
  const tell = await holdStream(page);
  const upload = await workplace.upload("mail\na@example.com\n");
  const read = await json(workplace.call("GET", `/uploads/${upload}`));
  const orders: Route[] = [];
  await answer(page, "uploads/[^/]+/reading", (route) => void orders.push(route));
  await signIn(page, workplace, `/blocked/uploads/${upload}`);
  await page.getByRole("button", { name: "Read again" }).click();
  await expect.poll(() => orders.length).toBe(1);
  await tell([{ type: "upload", ...read }]);
  const asked = page.waitForResponse((response) => response.url().endsWith(`/uploads/${upload}`));
  await orders[0]!.fulfill({ status: 202, json: { ...read, state: "analysing" } });
  await asked;
  await expect(page.getByRole("heading", { name: "Ready to register" })).toBeVisible();
  await expect(page.getByText("Being read")).toHaveCount(0);
});

test("what is told of a file while it is asked for is not undone by an older answer", async ({ page, workplace }) => {
  const tell = await holdStream(page);
  const upload = await workplace.upload("mail\na@example.com\n");
  const read = await json(workplace.call("GET", `/uploads/${upload}`));
  const reads: Route[] = [];
  await answer(page, `uploads/${upload}`, (route) => void reads.push(route));
  await signIn(page, workplace, `/blocked/uploads/${upload}`);
  await expect.poll(() => reads.length).toBe(1);
  await tell([{ type: "upload", ...read, state: "registered" }]);
  await expect(page.getByText("Registered", { exact: true })).toBeVisible();
  // It is asked for anew, and the older question is given up.
  await expect.poll(() => reads.length).toBe(2);
  await reads[1]!.fulfill({ json: { ...read, state: "registered" } });
  await expect(page.getByText("Registered", { exact: true })).toBeVisible();
});

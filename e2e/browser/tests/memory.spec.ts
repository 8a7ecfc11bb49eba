// The console is open for days: whoever goes through its pages over and over leaves nothing behind.
import { exposeMemory, keptIn } from "../memory.mjs";
import { expect, runNow, signIn, test } from "./workplace";

/** The pages of one tour: below a server configuration and beside it. */
const TOUR = [
  "/blocked/stop-cancellation", "/blocked/uploads", "/blocked/distributions", "/blocked/mail-servers",
  "/delivery-report/overview", "/delivery-report/error-log", "/inquiries", "/settings/account", "/settings/users", "/blocked/list",
];
/** Tours until all is loaded, and the engine has compiled most of what it will: that is kept, too, but once. */
const WARM_UP = 20;
const TOURS = 30;
/** A page of WebAssembly's memory, in bytes. */
const WASM_PAGE = 64 << 10;

test.setTimeout(180_000);

test(`memory does not grow over ${TOURS * TOUR.length} page changes`, async ({ page, workplace }) => {
  await exposeMemory(page);
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/list");
  await page.evaluate(go, [TOUR, WARM_UP] as const);
  const before = await keptIn(page);
  await page.evaluate(go, [TOUR, TOURS] as const);
  const after = await keptIn(page);
  expect(after.nodes - before.nodes, "nodes").toBeLessThan(TOURS);
  expect(after.listeners - before.listeners, "listeners").toBeLessThan(TOURS);
  expect(after.wasm - before.wasm, "memory of the program, in bytes").toBeLessThanOrEqual(WASM_PAGE);
  expect(after.heap / before.heap, "memory of JavaScript").toBeLessThan(1.04);
});

/** Runs in the page: follows the links of a tour some times, each when the page before is drawn. */
async function go([tour, times]: readonly [string[], number]): Promise<void> {
  const picture = () => new Promise(requestAnimationFrame);
  const link = (end: string) => document.querySelector<HTMLAnchorElement>(`a[href$="${end}"]`);
  // The way to a page whose link is not on the one before.
  const doors = ["/blocked/list", "/delivery-report/overview", "/settings/account"];
  for (let time = 0; time < times; time++) {
    for (const target of tour) {
      if (!link(target)) link(doors.find((door) => door.split("/")[1] === target.split("/")[1])!)!.click();
      const deadline = performance.now() + 10_000;
      const until = async (holds: () => unknown) => {
        while (!holds()) {
          if (performance.now() > deadline) throw new Error(`${target} is not drawn, at ${location.pathname}`);
          await picture();
        }
      };
      await until(() => link(target));
      link(target)!.click();
      const unread = () => document.querySelector('.skeleton, main [aria-busy="true"]');
      await until(() => location.pathname.endsWith(target) && document.querySelector("main h1") && !unread());
    }
  }
}

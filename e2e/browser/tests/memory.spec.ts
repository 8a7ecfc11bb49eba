// The console is open for days: whoever goes through its pages over and over leaves nothing behind.
import type { CDPSession, Page } from "@playwright/test";
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

interface Kept {
  wasm: number;
  heap: number;
  nodes: number;
  listeners: number;
}

test.setTimeout(180_000);

test(`memory does not grow over ${TOURS * TOUR.length} page changes`, async ({ page, workplace }) => {
  await page.addInitScript(() => {
    const instantiate = WebAssembly.instantiateStreaming;
    WebAssembly.instantiateStreaming = async (...given: Parameters<typeof instantiate>) => {
      const made = await instantiate.apply(WebAssembly, given);
      (window as any).wasmMemory ??= made.instance.exports.memory;
      return made;
    };
  });
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/list");
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable");
  await page.evaluate(go, [TOUR, WARM_UP] as const);
  const before = await kept(page, devtools);
  await page.evaluate(go, [TOUR, TOURS] as const);
  const after = await kept(page, devtools);
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

async function kept(page: Page, devtools: CDPSession): Promise<Kept> {
  for (let turn = 0; turn < 3; turn++) await devtools.send("HeapProfiler.collectGarbage");
  const { metrics } = await devtools.send("Performance.getMetrics");
  const value = (name: string) => metrics.find((metric) => metric.name === name)!.value;
  const wasm = await page.evaluate(() => (window as any).wasmMemory.buffer.byteLength as number);
  return { wasm, heap: value("JSHeapUsedSize"), nodes: value("Nodes"), listeners: value("JSEventListeners") };
}

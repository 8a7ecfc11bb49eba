// Waiting for what must have happened, instead of for some time.
import { expect } from "./workplace";
import type { Page, Request } from "@playwright/test";

/**
 * Does what opens a page of a server configuration, and waits until the page has read everything once more: it does so by
 * itself two seconds after its live stream stands. What it asks for from then on somebody has caused.
 */
export async function settled(page: Page, open: () => Promise<void>): Promise<void> {
  let reads = 0;
  const count = (request: Request) => {
    if (new URL(request.url()).pathname === "/api/v1/me") reads += 1;
  };
  page.on("request", count);
  await open();
  await expect.poll(() => reads).toBeGreaterThan(1);
  page.off("request", count);
}

/** Holds back what the page sends to `path`, until what is given back is called. */
export async function hold(page: Page, path: string): Promise<() => void> {
  let letGo!: () => void;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await page.route(path, async (route) => {
    await held;
    await route.continue();
  });
  return letGo;
}

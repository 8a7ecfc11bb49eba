// Files to upload, and what the console shows of them.
import { expect, json, type Workplace } from "./workplace";
import type { Page } from "@playwright/test";

/** A file as a browser hands it over. */
export function csv(name: string, content: string | Buffer) {
  return { name, mimeType: "text/csv", buffer: Buffer.from(content) };
}

/** Some MiB with so many addresses, so that its upload takes a while. */
export function large(rows: number, name = "large.csv") {
  const padding = "x".repeat(1_000);
  const lines = Array.from({ length: rows }, (_, row) => `person${row}@example.com,${padding}\n`);
  return csv(name, `mail,note\n${lines.join("")}`);
}

export const MIXED = csv(
  "list.csv",
  "mail\nnew1@example.com\nnew2@example.com\nNEW1@example.com\ntaro@example.com\njiro@example.org\nnot an address\n",
);

export async function choose(page: Page, file: ReturnType<typeof csv>) {
  await page.getByLabel("Choose a CSV file").setInputFiles(file);
  await expect(page.getByRole("heading", { level: 2, name: file.name })).toBeVisible();
}

/** The figures of a section, by their names. */
export async function figures(page: Page, section: string) {
  const facts = page.getByRole(section === "Records" ? "region" : "article", { name: section }).locator(".fact");
  const texts = await facts.evaluateAll((all) =>
    all.map((fact) => [fact.querySelector("dt")!.textContent, fact.querySelector("dd")!.textContent]),
  );
  return Object.fromEntries(texts);
}

export async function blocked(workplace: Workplace): Promise<string[]> {
  const { items } = await json(workplace.call("GET", "/blocked-addresses?limit=200"));
  return items.map((item: { address: string }) => item.address).sort();
}

/** Makes every part of an upload take so many milliseconds. */
export async function slowDown(page: Page, milliseconds: number) {
  await page.route("**/uploads/*", async (route) => {
    if (route.request().method() === "PATCH") await new Promise((resolve) => setTimeout(resolve, milliseconds));
    // The window may be gone by then.
    await route.continue().catch(() => {});
  });
}

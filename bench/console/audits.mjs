// Lighthouse on a page that needs signing in.
import lighthouse, { desktopConfig } from "lighthouse";

const CATEGORIES = ["performance", "accessibility", "best-practices"];

/** Scores of 0 to 100, and what costs points: of `desktop`, or of a slow phone as Lighthouse means it. */
export async function audits(url, port, device) {
  const flags = { port, onlyCategories: CATEGORIES, logLevel: "error", output: "json" };
  const result = await lighthouse(url, flags, device === "desktop" ? desktopConfig : undefined);
  const { categories, audits, finalDisplayedUrl, runtimeError } = result.lhr;
  if (runtimeError) throw new Error(`Lighthouse: ${runtimeError.message}`);
  if (finalDisplayedUrl !== url) throw new Error(`Lighthouse was led to ${finalDisplayedUrl}`);
  const scores = CATEGORIES.map((name) => Math.round(categories[name].score * 100));
  const costly = CATEGORIES.flatMap((name) => categories[name].auditRefs)
    .filter(({ id, weight }) => weight > 0 && audits[id].score !== null && audits[id].score < 0.9)
    .map(({ id }) => [id, audits[id].displayValue, audits[id].details?.items?.[0]?.description].filter(Boolean).join(" "));
  return { scores, costly };
}

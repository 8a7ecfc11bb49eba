// The API's description as a page, which Swagger UI draws and not the console.
import { expect, test } from "./service";

test("the API's page shows operations, complains of nothing and asks nobody else", async ({ fresh, page }) => {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => void (message.type() === "error" && complaints.push(message.text())));
  page.on("requestfailed", (request) => complaints.push(`${request.url()} ${request.failure()?.errorText}`));
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(`${fresh.url}/api/docs`);
  for (const path of ["/api/v1/me", "/api/v1/server-configurations/{id}/blocked-addresses"]) {
    // Swagger UI is large, and a busy machine slow.
    await expect(page.locator(`[data-path="${path}"]`).first()).toBeVisible({ timeout: 30_000 });
  }
  await page.waitForLoadState("networkidle");
  expect(complaints).toEqual([]);
  expect(asked).toContain(`${fresh.url}/api/v1/openapi.json`);
  // The style sheet holds its pictures itself.
  const elsewhere = asked.filter((url) => !url.startsWith("data:") && new URL(url).origin !== fresh.url);
  expect(elsewhere).toEqual([]);
});

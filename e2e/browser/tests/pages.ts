// Every page of the console with the name that tests have for it, and what must be there for it.
import { json } from "./workplace";

/** Calls the API below `/api/v1`. */
export type Call = (method: string, path: string, body?: unknown) => Promise<Response>;
export type Pages = readonly (readonly [name: string, path: string])[];

/** The pages of a server configuration, below its address. */
export const configurationPages = (upload: string, address = "jiro@example.org"): Pages => [
  ["blocked-list", "/blocked/list"],
  ["stop-cancellation", "/blocked/stop-cancellation"],
  ["uploads", "/blocked/uploads"],
  ["upload", `/blocked/uploads/${upload}`],
  ["bulk-changes", "/blocked/uploads/history"],
  ["distributions", "/blocked/distributions"],
  ["mail-servers", "/blocked/mail-servers"],
  ["address", `/blocked/address?address=${encodeURIComponent(address)}`],
  ["overview", "/delivery-report/overview"],
  ["error-log", "/delivery-report/error-log"],
  ["delivery-log", "/delivery-report/delivery-log"],
];

/** The other pages of an account. */
export const accountPages = (inquiry: string): Pages => [
  ["inquiries", "/inquiries"],
  ["inquiry", `/inquiries/${inquiry}`],
  ["new-inquiry", "/inquiries/new"],
  ["my-account", "/settings/account"],
  ["users", "/settings/users"],
  ["tokens", "/settings/tokens"],
  ["audit-log", "/settings/audit-log"],
];

/** The provider's pages. */
export const providerPages = (account: string): Pages => [
  ["accounts", "/provider"],
  ["account", `/provider/accounts/${account}`],
  ["provider-inquiries", "/provider/inquiries"],
];

/** Something for every page of an account; answers the inquiry's id. */
export async function fillAccount(call: Call): Promise<string> {
  const question = { category: "other", subject: "A question", text: "How?" };
  const { inquiry } = await json(call("POST", "/inquiries", question));
  await json(call("POST", "/tokens", { name: "CRM", scopes: ["read"] }));
  await json(call("POST", "/invitations", { email: "hana@example.com", role: "viewer" }));
  return inquiry.id;
}

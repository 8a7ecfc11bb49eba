// A mail server's agent, as far as the console shows it.
import { expect, json, type Workplace } from "./workplace";

/** Adds a mail server; what is answered has it take the present list and acknowledge that, or something else than it took. */
export async function mailServer(workplace: Workplace, name: string) {
  const { token } = await json(workplace.call("POST", "/mail-servers", { name }));
  const agent = `${workplace.service.url}/api/v1/agent`;
  const headers = { Authorization: `Bearer ${token}` };
  return async (otherwise: { checksum?: string } = {}): Promise<void> => {
    const list = await (await fetch(`${agent}/list`, { headers })).text();
    const { epoch, version, count, checksum } = JSON.parse(list.split("\n")[0]!);
    const body = JSON.stringify({ epoch, version, count, checksum, ...otherwise });
    const sent = { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body };
    expect((await json(fetch(`${agent}/acknowledgements`, sent))).matches).toBe(!otherwise.checksum);
  };
}

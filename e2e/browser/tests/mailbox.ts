// A mail server that keeps what it gets (RFC 5321, as far as the service speaks it).
import { createServer, type AddressInfo, type Socket } from "node:net";

export interface Mail {
  /** To whom, in small letters. */
  to: string;
  /** The body, as it is read. */
  text: string;
}

export interface Mailbox {
  port: number;
  mails: Mail[];
  close(): Promise<void>;
}

function body(mail: string): string {
  const [head, ...rest] = mail.split("\n\n");
  const content = rest.join("\n\n");
  if (/^Content-Transfer-Encoding: base64$/im.test(head!)) return Buffer.from(content, "base64").toString("utf8");
  if (!/^Content-Transfer-Encoding: quoted-printable$/im.test(head!)) return content;
  const bytes = content.replace(/=\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** Listens on a free port. */
export async function openMailbox(): Promise<Mailbox> {
  const mails: Mail[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
    const say = (line: string) => socket.write(`${line}\r\n`);
    let [pending, to, data] = ["", "", undefined as string[] | undefined];
    const hear = (line: string) => {
      if (data) {
        if (line !== ".") return void data.push(line);
        mails.push({ to, text: body(data.join("\n")) });
        data = undefined;
        return say("250 kept");
      }
      const recipient = /^RCPT TO:<(.*?)>/i.exec(line)?.[1];
      if (recipient) to = recipient.toLowerCase();
      if (/^DATA$/i.test(line)) {
        data = [];
        return say("354 go on");
      }
      if (/^QUIT$/i.test(line)) return void socket.end("221 bye\r\n");
      say("250 ok");
    };
    socket.on("data", (bytes) => {
      const lines = (pending + bytes.toString("utf8")).split("\r\n");
      pending = lines.pop()!;
      lines.forEach(hear);
    });
    say("220 mailbox");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    mails,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        sockets.forEach((socket) => socket.destroy());
      }),
  };
}

// tus-js-client and tuspy, as they are, against the real service.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createReadStream, writeFileSync } from "node:fs";
import { createServer, request as ask } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import * as tus from "tus-js-client";
import { Service, addresses, isPostgres, sleep } from "./service.mjs";

const MIB = 1024 * 1024;
let service;

before(async () => {
  service = await Service.start();
});
after(() => service.stop());

/** Sends a file with tus-js-client; answers the upload's address. */
function send(file, options = {}) {
  return new Promise((done, failed) => {
    const upload = new tus.Upload(file, {
      endpoint: service.endpoint,
      headers: service.headers,
      metadata: { filename: "宛先.csv", filetype: "text/csv" },
      retryDelays: Array(100).fill(200),
      onError: failed,
      onSuccess: () => done(upload.url),
      ...options,
    });
    upload.start();
  });
}

const python = (...given) => pythonBy(service.endpoint, ...given);

async function pythonBy(endpoint, ...given) {
  const program = process.env.STOPLIST_TUSPY_PYTHON;
  const script = join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "upload.py");
  const { stdout } = await promisify(execFile)(program, [script, endpoint, service.token, ...given]);
  return stdout.trim();
}

test("tus-js-client sends a file, with the first bytes in the creation or after it", async () => {
  for (const uploadDataDuringCreation of [false, true]) {
    const url = await send(Buffer.from(addresses(1000)), { uploadDataDuringCreation });
    const upload = await service.analysed(url);
    assert.equal(upload.file_name, "宛先.csv");
    assert.deepEqual([upload.state, upload.analysis.counts.new], ["ready", 1000]);
  }
  const url = await send(Buffer.alloc(0));
  assert.equal((await service.analysed(url)).failure.code, "empty");
});

test("tus-js-client goes on by itself after the service was killed and started again", async () => {
  const file = Buffer.from(addresses(200_000));
  let killed;
  const url = await send(file, {
    chunkSize: MIB,
    onChunkComplete: (_, sent) => {
      if (sent >= 2 * MIB) killed ??= service.kill().then(() => service.launch());
    },
  });
  await killed;
  assert.ok(killed, "the service was killed on the way");
  const upload = await service.analysed(url);
  assert.deepEqual([upload.state, upload.size, upload.analysis.counts.new], ["ready", file.length, 200_000]);
});

test("another tus-js-client goes on where a broken connection left off", async () => {
  const path = join(service.folder, "list.csv");
  writeFileSync(path, `mail\n${addresses(150_000)}`);
  let first;
  const begun = new Promise((stopped) => {
    first = new tus.Upload(createReadStream(path), {
      endpoint: service.endpoint,
      headers: service.headers,
      chunkSize: MIB,
      onProgress: async (sent) => {
        if (sent > 1.5 * MIB) {
          await first.abort();
          stopped();
        }
      },
    });
    first.start();
  });
  await begun;
  await sleep(200);
  const url = first.url;
  const { received } = await service.api(url);
  assert.ok(received >= MIB, `${received} bytes stayed`);
  assert.equal(await send(createReadStream(path), { uploadUrl: url, chunkSize: 4 * MIB }), url);
  assert.equal((await service.analysed(url)).analysis.counts.total, 150_000);
  await tus.Upload.terminate(url, { headers: service.headers });
  assert.ok([404, 410].includes((await fetch(url, { headers: service.headers })).status));
});

test("tus-js-client posts where a proxy knows no PATCH", async () => {
  const url = await send(Buffer.from(addresses(10)), { overridePatchMethod: true });
  assert.equal((await service.analysed(url)).analysis.counts.new, 10);
});

test("tuspy sends a file with checksums", async () => {
  const path = join(service.folder, "python.csv");
  writeFileSync(path, `番号,メール\n1,taro@example.com\n2,hanako@example.com\n`);
  const upload = await service.analysed(await python(path, String(MIB)));
  assert.equal(upload.file_name, "宛先.csv");
  assert.deepEqual([upload.analysis.reading.column_number, upload.analysis.counts.new], [2, 2]);
});

test("tuspy is not told of a failure when the answer to its last bytes is lost", async () => {
  const content = `メール\n${addresses(50_000)}`;
  const size = Buffer.byteLength(content);
  let lost = 0;
  const proxy = createServer((request, response) => {
    const { url: path, method, headers } = request;
    const passed = ask(new URL(path, service.base), { method, headers }, (answer) => {
      if (method === "PATCH" && Number(answer.headers["upload-offset"]) === size && lost++ === 0) {
        return request.socket.destroy();
      }
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    request.pipe(passed);
  });
  await new Promise((listening) => proxy.listen(0, "127.0.0.1", listening));
  try {
    const path = join(service.folder, "python-lost.csv");
    writeFileSync(path, content);
    const { pathname } = new URL(service.endpoint);
    const url = await pythonBy(`http://127.0.0.1:${proxy.address().port}${pathname}`, path, String(MIB / 2));
    const upload = await service.analysed(new URL(new URL(url).pathname, service.base).href);
    assert.deepEqual([lost, upload.state, upload.analysis.counts.new], [2, "ready", 50_000]);
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
});

test("tuspy goes on after the service was killed and started again", async () => {
  const path = join(service.folder, "python-long.csv");
  writeFileSync(path, `メール\n${addresses(120_000)}`);
  const url = await python(path, String(MIB), "2");
  await service.kill();
  await service.launch();
  assert.equal((await service.api(url)).received, 2 * MIB);
  assert.equal(await python(path, String(700_000), url), url);
  const upload = await service.analysed(url);
  assert.deepEqual([upload.state, upload.analysis.counts.new], ["ready", 120_000]);
});

test("an analysis that is killed begins anew and ends right", async () => {
  const file = Buffer.from(`mail\n${addresses(150_000)}${addresses(1000)}`);
  const url = await send(file, { chunkSize: 4 * MIB });
  await service.until(url, ({ state, progress }) => state !== "analysing" || progress > 0.1);
  await service.kill();
  await service.launch();
  const { state, progress } = await service.api(url);
  assert.ok(state === "analysing", `killed in the middle, not ${state} at ${progress}`);
  const { counts } = (await service.analysed(url)).analysis;
  assert.deepEqual([counts.total, counts.new, counts.duplicate], [151_000, 150_000, 1000]);
});

test("a line of 100 MB is refused on its line, and memory stays flat", async () => {
  const file = Buffer.concat([Buffer.from("mail\na@example.com\n"), Buffer.alloc(100 * MIB, "x")]);
  const { failure } = await service.analysed(await send(file));
  assert.deepEqual([failure.code, failure.line], ["record_too_long", 3]);
  assert.ok(service.peak() < 250, `${service.peak()} MiB`);
});

test("a million invalid rows are counted and listed, and memory stays flat", async () => {
  const url = await send(Buffer.from("mail\n" + "not an address\n".repeat(1_000_000)));
  const { state, analysis } = await service.analysed(url);
  const { total, invalid, invalid_kept } = analysis.counts;
  assert.deepEqual([state, total, invalid, invalid_kept], ["ready", 1_000_000, 1_000_000, 100_000]);
  const rows = await (await fetch(`${url}/invalid-rows`, { headers: service.headers })).text();
  assert.equal(rows.split("\r\n").length, 1 + 1_000_000 + 1);
  assert.ok(rows.endsWith('\r\n1000001,"not an address",no_at\r\n'), rows.slice(-200));
  assert.ok(service.peak() < 250, `${service.peak()} MiB`);
});

// Not on PostgreSQL, too: the same code, and gigabytes more to write.
if (!isPostgres) {
  test("a file of more than 2 GiB is refused on its line, memory stays flat, nothing is left", async () => {
    // Its memory, not that of the tests before it.
    await service.kill();
    await service.launch();
    const provider = (path, options) => service.api(path, { ...options, token: service.tokens.provider });
    const [{ id, revision }] = (await provider("/provider/accounts")).items;
    const size = 2 ** 31 + 5 * MIB;
    const headers = { "If-Match": `"${revision}"` };
    await provider(`/provider/accounts/${id}`, { method: "PATCH", headers, body: { upload_max_bytes: size } });
    const rows = Buffer.from(addresses(100_000));
    const line = Buffer.alloc(MIB, "x");
    function* file() {
      yield rows;
      for (let left = size - rows.length; left > 0; left -= MIB) yield left < MIB ? line.subarray(0, left) : line;
    }
    const url = await send(Readable.from(file()), { chunkSize: 16 * MIB, uploadSize: size });
    const { failure, received } = await service.analysed(url);
    assert.deepEqual([received, failure.code, failure.line], [size, "record_too_long", 100_001]);
    assert.ok(service.peak() < 250, `${service.peak()} MiB`);
    await service.api(url, { method: "DELETE", expect: 204 });
    await service.gone(url);
  });
}

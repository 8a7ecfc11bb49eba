// A disk that fills up in the middle. SQLite only: PostgreSQL's disk is not ours.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Service, addresses, sleep, PATIENCE } from "./service.mjs";

const MIB = 1024 * 1024;
/** A mount of our own, which nobody else sees and which goes with the process. */
const unshare = process.getuid() === 0 ? ["unshare", "--mount"] : ["unshare", "--user", "--map-root-user", "--mount"];

/** A service whose data folder is a small file system of its own. */
async function onSmallDisk(mebibytes) {
  const place = mkdtempSync(join(tmpdir(), "stoplist-disk-"));
  const mount = `mount -t tmpfs -o size=${mebibytes}m none ${place} && exec "$0" "$@"`;
  const service = await Service.start({ wrap: [...unshare, "sh", "-c", mount], dataDir: join(place, "data") });
  service.used = () => {
    const folder = `/proc/${service.process.pid}/root${place}/data`;
    return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0) / MIB;
  };
  service.free = () => {
    const disk = statfsSync(`/proc/${service.process.pid}/root${place}`);
    return (disk.bavail * disk.bsize) / MIB;
  };
  service.end = async () => {
    await service.stop();
    rmSync(place, { recursive: true, force: true });
  };
  return service;
}

/** Begins an upload; answers its address. */
async function begin(service, size) {
  const headers = { ...service.headers, "Tus-Resumable": "1.0.0", "Upload-Length": String(size) };
  const answer = await fetch(service.endpoint, { method: "POST", headers });
  assert.equal(answer.status, 201, await answer.text());
  return new URL(answer.headers.get("location"), service.base).href;
}

async function append(service, url, offset, body) {
  const headers = {
    ...service.headers,
    "Tus-Resumable": "1.0.0",
    "Upload-Offset": String(offset),
    "Content-Type": "application/offset+octet-stream",
  };
  const answer = await fetch(url, { method: "PATCH", headers, body });
  return { status: answer.status, text: await answer.text() };
}

/** What is free until a service takes more, in MiB: with less it refuses. */
const RESERVE = 32;

/** Waits until there is room on the disk again. */
async function roomIsBack(service, isBack) {
  const begun = Date.now();
  while (!isBack()) {
    assert.ok(Date.now() - begun < PATIENCE, `${service.used()} MiB are used, ${service.free()} free`);
    await sleep(100);
  }
}

test("a disk that fills up while bytes come is told, and has room again afterwards", async () => {
  const service = await onSmallDisk(96);
  try {
    const before = service.used();
    const url = await begin(service, 100 * MIB);
    const answer = await append(service, url, 0, Buffer.alloc(100 * MIB, "a@example.com\n"));
    assert.equal(answer.status, 507, answer.text);
    assert.equal(JSON.parse(answer.text).type, "/problems/storage-full");
    assert.equal((await fetch(`${service.base}/readyz`)).status, 200);
    const { received } = await service.api(url);
    assert.ok(received > 10 * MIB && received < 64 * MIB, `${received} bytes stayed`);
    assert.ok(service.peak() < 250, `${service.peak()} MiB`);
    await service.api(url, { method: "DELETE", expect: 204 });
    await service.gone(url);
    // But for the journal and some pages that SQLite keeps.
    await roomIsBack(service, () => service.used() < before + 30);
    const file = Buffer.from(addresses(50_000));
    const next = await begin(service, file.length);
    assert.equal((await append(service, next, 0, file)).status, 204);
    assert.equal((await service.analysed(next)).state, "ready");
  } finally {
    await service.end();
  }
});

test("a disk that fills up in the analysis fails the upload and nothing else", async () => {
  const service = await onSmallDisk(52);
  try {
    const file = Buffer.from(addresses(250_000));
    const url = await begin(service, file.length);
    assert.equal((await append(service, url, 0, file)).status, 204);
    // The addresses and their index are several times as large.
    const upload = await service.analysed(url);
    assert.deepEqual([upload.state, upload.failure?.code], ["failed", "disk_full"]);
    assert.equal((await fetch(`${service.base}/readyz`)).status, 200);
    await service.api(url, { method: "DELETE", expect: 204 });
    await service.gone(url);
    await roomIsBack(service, () => service.free() > RESERVE);
    const small = Buffer.from(addresses(100));
    const next = await begin(service, small.length);
    assert.equal((await append(service, next, 0, small)).status, 204);
    assert.equal((await service.analysed(next)).state, "ready");
  } finally {
    await service.end();
  }
});

test("a disk that fills up in a registration has it taken back, and releases go on", async () => {
  const service = await onSmallDisk(64);
  try {
    const register = async (count, from, timing) => {
      const file = Buffer.from(addresses(count, from));
      const url = await begin(service, file.length);
      assert.equal((await append(service, url, 0, file)).status, 204);
      assert.equal((await service.analysed(url)).state, "ready");
      const { id } = await service.api(`${url}/registration`, {
        method: "POST",
        body: { delivery_timing: timing },
        expect: 202,
      });
      return `/server-configurations/${service.configuration}/list-operations/${id}`;
    };
    const over = ({ state }) => ["done", "failed", "cancelled"].includes(state);
    const blocked = await register(1, 0, "now");
    assert.equal((await service.until(`${service.base}/api/v1${blocked}`, over)).state, "done");
    const list = `/server-configurations/${service.configuration}/blocked-addresses`;
    const inEffect = ({ items }) => items.length === 1;
    await service.until(`${service.base}/api/v1${list}?state=in_effect`, inEffect);

    const operation = await register(60_000, 1, "next_execution");
    const before = service.used();
    let least = Infinity;
    const ended = await service.until(`${service.base}/api/v1${operation}`, (operation) => {
      least = Math.min(least, service.free());
      return over(operation);
    });
    assert.equal(ended.state, "failed", JSON.stringify(ended));
    assert.match(ended.error, /disk is full/);
    assert.ok(least > 12, `${least} MiB were left to others`);
    assert.deepEqual((await service.api(`${list}?state=pending`)).items, []);
    const released = await service.api(`/server-configurations/${service.configuration}/releases`, {
      method: "POST",
      body: { addresses: ["user0@example.com"] },
    });
    assert.equal(released.items[0].status, "released");
    const begun = Date.now();
    while (service.used() > before + 20) {
      assert.ok(Date.now() - begun < PATIENCE, `${before} MiB before, ${service.used()} after`);
      await sleep(100);
    }
  } finally {
    await service.end();
  }
});

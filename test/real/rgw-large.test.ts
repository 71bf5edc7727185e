/**
 * `lockstep run` between two gateways of Ceph, which serve no parts, tell no checksums and lose the tags and locks of
 * uploads: large objects, what is copied within one of them, and kill -9 in the middle. The real binary throughout.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { ListMultipartUploadsCommand, S3Client as Sdk } from "@aws-sdk/client-s3";
import type { Credentials } from "../../src/core/model.ts";
import { MARK } from "../../src/engine/mark.ts";
import type { S3Client } from "../../src/s3/client.ts";
import { pattern } from "../conformance/store-subject.ts";
import { BINARY, lockstep, temporaryDirectory } from "../e2e/binary.ts";
import { type Gateways, REGION, startGateways } from "./rgw.ts";

const MIB = 1024 * 1024;
const DATA = pattern(257 * MIB);

type End = "a" | "b";

describe("large objects between real gateways", () => {
  const directory = temporaryDirectory();
  let gateways: Gateways;
  let keys: Record<End, Credentials>;
  let clients: Record<End, S3Client>;

  before(async () => {
    gateways = await startGateways();
    const { a, b } = gateways;
    keys = { a: await a.createUser("main"), b: await b.createUser("main") };
    clients = { a: a.client(keys.a), b: b.client(keys.b) };
  });
  after(async () => {
    await gateways?.stop();
    directory.remove();
  });

  /** Versioned buckets at both ends of a replication, and its configuration. */
  async function between(name: string, to: End = "b", more: { objectLock?: true; endpoint?: string } = {}) {
    const [from, into] = [`${name}-from`, `${name}-into`];
    const lock = more.objectLock === true ? { objectLock: true } : {};
    await clients.a.createBucket(from, lock);
    await clients[to].createBucket(into, lock);
    await clients.a.putBucketVersioning(from, "Enabled");
    await clients[to].putBucketVersioning(into, "Enabled");
    const site = (end: End, endpoint: string) =>
      `  ${end}: {endpoint: "${endpoint}", credentials: {accessKeyId: "\${${end}_KEY}", secretAccessKey: "\${${end}_SECRET}"}}\n`;
    const path = `${directory.path}/${name}.yaml`;
    writeFileSync(
      path,
      `sites:
${site("a", gateways.a.endpoint)}${site("b", more.endpoint ?? gateways.b.endpoint)}replications:
  all:
    source: {site: a, bucket: ${from}}
    configuration:
      Rules:
        - {ID: all, Priority: 1, Status: Enabled, Filter: {}, DeleteMarkerReplication: {Status: Enabled}, Destination: {Bucket: "arn:aws:s3:::${into}"}}
    destinations:
      arn:aws:s3:::${into}: {site: ${to}, bucket: ${into}}
ledger: sqlite:${name}.db
`,
    );
    return { from, into, path };
  }

  const environment = () => ({
    PATH: process.env["PATH"],
    HOME: directory.path,
    a_KEY: keys.a.accessKeyId,
    a_SECRET: keys.a.secretAccessKey,
    b_KEY: keys.b.accessKeyId,
    b_SECRET: keys.b.secretAccessKey,
  });

  async function runOnce(path: string): Promise<number> {
    const { status, stdout, stderr } = await lockstep(
      ["run", "-c", path, "--once", "--json"],
      environment(),
      directory.path,
    );
    assert.equal(status, 0, stdout + stderr);
    return (JSON.parse(stdout) as { readonly completed: number }).completed;
  }

  async function putParts(bucket: string, key: string, bytes: Uint8Array, partBytes: number, more: object = {}) {
    const ref = { bucket, key };
    const write = { ...ref, contentHeaders: {}, userMetadata: {}, ...more };
    const { uploadId } = await clients.a.createMultipartUpload(write);
    const parts = [];
    for (let at = 0; at < bytes.byteLength; at += partBytes) {
      const body = bytes.subarray(at, at + partBytes);
      parts.push(await clients.a.uploadPart({ ...ref, uploadId, partNumber: parts.length + 1, body }));
    }
    await clients.a.completeMultipartUpload({ ...ref, uploadId, parts });
  }

  async function put(bucket: string, key: string, body: Uint8Array, more: object = {}): Promise<void> {
    await clients.a.putObject({ bucket, key, body, contentHeaders: {}, userMetadata: {}, ...more });
  }

  /** One version, with the source's bytes. @returns both heads */
  async function arrived(from: string, into: string, key: string, to: End = "b") {
    const { versions } = await clients[to].listObjectVersions({ bucket: into, prefix: key });
    assert.equal(versions.filter((one) => one.key === key).length, 1, key);
    const read = async (client: S3Client, bucket: string) => {
      const { head, body } = await client.getObject({ bucket, key });
      const hash = createHash("sha256");
      for await (const chunk of body.stream()) hash.update(chunk);
      return { head, digest: hash.digest("hex") };
    };
    const [source, replica] = [await read(clients.a, from), await read(clients[to], into)];
    assert.equal(replica.digest, source.digest, key);
    assert.ok(replica.head.userMetadata[MARK] !== undefined);
    return { source: source.head, replica: replica.head };
  }

  async function uploadsLeft(end: End, bucket: string): Promise<number> {
    const endpoint = gateways[end].endpoint;
    const sdk = new Sdk({ endpoint, region: REGION, credentials: keys[end], forcePathStyle: true });
    const { Uploads = [] } = await sdk.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    sdk.destroy();
    return Uploads.length;
  }

  test("objects around the size that is held in memory, parts of 8 MiB, and one of 256 MiB", async () => {
    const { from, into, path } = await between("sizes");
    const same = ["less", "exact", "more", "parts", "whole"];
    await put(from, "less", DATA.subarray(0, 8 * MIB - 1));
    await put(from, "exact", DATA.subarray(0, 8 * MIB));
    await put(from, "more", DATA.subarray(0, 8 * MIB + 1));
    const tags = [{ key: "t", value: "ü" }];
    await putParts(from, "parts", DATA.subarray(0, 64 * MIB), 8 * MIB, { userMetadata: { name: "ü" } });
    await clients.a.putObjectTagging({ bucket: from, key: "parts", tags });
    await put(from, "whole", DATA.subarray(0, 256 * MIB), { tags });
    assert.equal(await runOnce(path), 5);
    for (const key of same) {
      const { source, replica } = await arrived(from, into, key);
      assert.equal(replica.etag, source.etag, key);
    }
    for (const key of ["parts", "whole"]) {
      assert.deepEqual(await clients.b.getObjectTagging({ bucket: into, key }), tags);
    }
    assert.equal((await clients.b.headObject({ bucket: into, key: "parts" })).userMetadata["name"], "ü");
    assert.equal(await uploadsLeft("b", into), 0);
    assert.equal(await runOnce(path), 0);
  });

  test("within one gateway nothing is read: objects, parts, tags, and keys with a percent sign", async () => {
    const { from, into, path } = await between("within", "a");
    const tags = [{ key: "t", value: "v" }];
    for (const key of ["plain", "a b+ü", "100%"]) await put(from, key, Buffer.from(key), { tags });
    await putParts(from, "parts", DATA.subarray(0, 20 * MIB), 8 * MIB);
    await putParts(from, "100% parts", DATA.subarray(0, 20 * MIB), 8 * MIB);
    assert.equal(await runOnce(path), 5);
    for (const key of ["plain", "a b+ü", "100%", "parts", "100% parts"]) {
      const { source, replica } = await arrived(from, into, key, "a");
      assert.equal(replica.etag, source.etag, key);
      if (!key.endsWith("parts")) assert.deepEqual(await clients.a.getObjectTagging({ bucket: into, key }), tags, key);
    }
    await put(from, "plain", Buffer.from("again"));
    assert.equal(await runOnce(path), 1);
    const { body } = await clients.a.getObject({ bucket: into, key: "plain" });
    assert.equal(Buffer.from(await body.bytes()).toString(), "again");
  });

  test("a retention and a hold protect what came by an upload", async () => {
    const { from, into, path } = await between("locks", "b", { objectLock: true });
    const retention = { mode: "GOVERNANCE", retainUntilMs: Math.ceil(Date.now() / 1000) * 1000 + 3_600_000 } as const;
    await putParts(from, "parts", DATA.subarray(0, 20 * MIB), 8 * MIB);
    const [version] = (await clients.a.listObjectVersions({ bucket: from, prefix: "parts" })).versions;
    assert.ok(version !== undefined);
    const ref = { bucket: from, key: "parts", versionId: version.versionId };
    await clients.a.putObjectRetention({ ...ref, retention });
    await clients.a.putObjectLegalHold({ ...ref, legalHold: true });
    assert.equal(await runOnce(path), 1);
    const { replica } = await arrived(from, into, "parts");
    assert.match(replica.etag, /-3$/);
    assert.deepEqual([replica.retention, replica.legalHold], [retention, true]);
  });

  test("kill -9 in the middle of an object of parts sends no finished part again", async () => {
    const proxy = await countingProxy(() => gateways.b.endpoint);
    const { from, into, path } = await between("killed-parts", "b", { endpoint: proxy.endpoint });
    await putParts(from, "big", DATA, 8 * MIB);
    let deaths = 0;
    for (const parts of [9, 20]) {
      const child = spawn(process.execPath, [BINARY, "run", "-c", path, "--once", "--json"], {
        env: environment(),
        cwd: directory.path,
        stdio: "ignore",
      });
      proxy.onFinished = (finished) => {
        if (finished >= parts) child.kill("SIGKILL");
      };
      const [, signal] = (await once(child, "exit")) as [number | null, string | null];
      if (signal === "SIGKILL") deaths += 1;
    }
    assert.equal(deaths, 2);
    proxy.onFinished = () => undefined;
    assert.equal(await uploadsLeft("b", into), 1);
    await runOnce(path);
    await arrived(from, into, "big");
    assert.equal(await uploadsLeft("b", into), 0);
    const numbers = [...proxy.finished.keys()].sort((one, other) => one - other);
    assert.deepEqual(
      numbers,
      Array.from({ length: 33 }, (_, index) => index + 1),
    );
    for (const [number, times] of proxy.finished) assert.equal(times, 1, `part ${number}`);
    proxy.close();
  });
});

interface CountingProxy {
  readonly endpoint: string;
  /** How often each part was stored. */
  readonly finished: Map<number, number>;
  /** Told how many parts there are, whenever one has been stored and answered for. */
  onFinished: (parts: number) => void;
  close(): void;
}

/** Passes everything on and counts the parts that were stored. */
async function countingProxy(target: () => string): Promise<CountingProxy> {
  const server: Server = createServer((incoming, answer) => {
    const { method, url = "", headers } = incoming;
    const { hostname, port } = new URL(target());
    const asked = request({ hostname, port, method, path: url, headers }, (answered) => {
      const number = /[?&]partNumber=(\d+)/.exec(url)?.[1];
      if (method === "PUT" && number !== undefined && answered.statusCode === 200) {
        proxy.finished.set(Number(number), (proxy.finished.get(Number(number)) ?? 0) + 1);
      }
      answer.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(answer);
      answer.once("finish", () => proxy.onFinished(proxy.finished.size));
    });
    asked.once("error", () => answer.destroy());
    incoming.once("error", () => asked.destroy());
    // A part that breaks off on its way is not stored.
    incoming.once("aborted", () => asked.destroy());
    incoming.pipe(asked);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const proxy: CountingProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    finished: new Map(),
    onFinished: () => undefined,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return proxy;
}

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { openSecrets, SecretsError } from "./secrets.ts";

const SECRET = Buffer.from("0123456789abcdef0123456789abcdef");

describe("the lab's root key", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "lockstep-secrets-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("is made once, for its owner's eyes only, and leaves nothing else behind", () => {
    const wrapped = openSecrets(directory).wrap(SECRET, "test");
    const path = join(directory, "root.key");
    const first = readFileSync(path);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(Buffer.from(openSecrets(directory).unwrap(wrapped, "test")), SECRET);
    assert.deepEqual(readFileSync(path), first);
    assert.deepEqual(readdirSync(directory), ["root.key"]);
  });

  it("lives in memory only when there is no directory", () => {
    const wrapped = openSecrets().wrap(SECRET, "test");
    assert.throws(() => openSecrets().unwrap(wrapped, "test"), SecretsError);
  });

  it("is refused when its file was cut, and not replaced", () => {
    const path = join(directory, "root.key");
    writeFileSync(path, "short");
    assert.throws(() => openSecrets(directory), /holds 5 bytes and not 32/);
    assert.equal(readFileSync(path, "utf8"), "short");
  });

  it("opens nothing that was changed, or wrapped for another purpose or kind of key", () => {
    const secrets = openSecrets();
    const wrapped = secrets.wrap(SECRET, "a");
    assert.ok(!Buffer.from(wrapped).includes(SECRET));
    assert.throws(() => secrets.unwrap(wrapped, "b"), SecretsError);
    assert.throws(() => secrets.unwrapServiceKey(wrapped, "a"), SecretsError);
    assert.throws(() => secrets.unwrap(wrapped.subarray(0, 20), "a"), SecretsError);
    for (let at = 0; at < wrapped.length; at++) {
      const changed = Uint8Array.from(wrapped);
      changed[at] = (changed[at] ?? 0) ^ 0x80;
      assert.throws(() => secrets.unwrap(changed, "a"), SecretsError);
    }
    const serviceKey = secrets.wrapServiceKey(SECRET, "arn:aws:s3:::b/k");
    assert.deepEqual(Buffer.from(secrets.unwrapServiceKey(serviceKey, "arn:aws:s3:::b/k")), SECRET);
  });

  it("gives the same derived bytes for a label, and others for another label or another root key", () => {
    const secrets = openSecrets(directory);
    const derived = Buffer.from(secrets.derive("x"));
    assert.equal(derived.length, 32);
    assert.deepEqual(Buffer.from(openSecrets(directory).derive("x")), derived);
    assert.notDeepEqual(Buffer.from(secrets.derive("y")), derived);
    assert.notDeepEqual(Buffer.from(openSecrets().derive("x")), derived);
  });
});

/** The contract of listing versions. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compareKeys } from "../../src/core/keys.ts";
import { rejectsWith, type Subject } from "./store-subject.ts";

export function listingTests(subject: Subject): void {
  /** Three keys with three rows each: two versions and a marker between them. */
  async function fill(): Promise<{ readonly prefix: string; readonly rows: readonly string[] }> {
    const prefix = subject.newKey("");
    const rows: string[] = [];
    for (const name of ["a", "b/c", "é"]) {
      const first = await subject.put(prefix + name, "one");
      const marker = await subject.store.deleteObject({ bucket: subject.bucket, key: prefix + name });
      const second = await subject.put(prefix + name, "three");
      for (const versionId of [second, marker.versionId, first]) rows.push(`${name} ${versionId}`);
    }
    return { prefix, rows };
  }

  test("rows come in the order of keys, and within a key the newest first", async () => {
    const { prefix, rows } = await fill();
    const listed = await subject.list(prefix);
    assert.deepEqual(
      listed.map((row) => `${row.key.slice(prefix.length)} ${row.versionId}`),
      rows,
    );
    const [newest, marker, oldest] = listed;
    assert.deepEqual([newest?.isLatest, newest?.isDeleteMarker, newest?.sizeBytes], [true, false, 5]);
    assert.deepEqual([marker?.isLatest, marker?.isDeleteMarker, marker?.etag], [false, true, ""]);
    assert.deepEqual([oldest?.isLatest, oldest?.isDeleteMarker, oldest?.sizeBytes], [false, false, 3]);
    assert.equal(oldest?.storageClass, "STANDARD");
    for (const row of listed) assert.ok(row.lastModifiedMs > Date.UTC(2000, 0, 1));
  });

  test("keys are ordered by their UTF-8 bytes", async () => {
    const prefix = subject.newKey("");
    const names = ["Z", "a", "a-", "a/", "a/b", "a0", "é", "\uffee", "\u{1f600}"];
    for (const name of names.toReversed()) await subject.put(prefix + name, "x");
    const listed = (await subject.list(prefix)).map((row) => row.key.slice(prefix.length));
    assert.deepEqual(listed, names);
    assert.deepEqual(names.toSorted(compareKeys), names);
  });

  for (const pageSize of [1, 2, 3, 4, 8]) {
    test(`pages of ${pageSize} hold every row once`, async () => {
      const { prefix, rows } = await fill();
      const listed = await subject.list(prefix, pageSize);
      assert.deepEqual(
        listed.map((row) => `${row.key.slice(prefix.length)} ${row.versionId}`),
        rows,
      );
    });
  }

  test("a listing goes on behind a key, whether it is there or not", async () => {
    const prefix = subject.newKey("");
    for (const name of ["a", "b", "c"]) await subject.put(prefix + name, "x");
    const behind = async (marker: string) => {
      const request = { bucket: subject.bucket, prefix, keyMarker: prefix + marker };
      const { versions } = await subject.store.listObjectVersions(request);
      return versions.map((row) => row.key.slice(prefix.length));
    };
    assert.deepEqual(await behind("a"), ["b", "c"]);
    assert.deepEqual(await behind("aa"), ["b", "c"]);
    assert.deepEqual(await behind("c"), []);
  });

  test("a prefix is a plain beginning, and nothing under it is an empty page", async () => {
    const prefix = subject.newKey("");
    for (const name of ["a%b", "a%c", "aXb"]) await subject.put(prefix + name, "x");
    const listed = (await subject.list(`${prefix}a%`)).map((row) => row.key.slice(prefix.length));
    assert.deepEqual(listed, ["a%b", "a%c"]);
    const none = await subject.store.listObjectVersions({ bucket: subject.bucket, prefix: `${prefix}nothing` });
    assert.deepEqual(none, { versions: [] });
  });

  test("the ETag of a row is that of its version, without quotes", async () => {
    const key = subject.newKey();
    const reply = await subject.store.putObject({ ...subject.write(key), body: Buffer.from("x") });
    assert.equal((await subject.list(key))[0]?.etag, reply.etag);
  });

  test("a bucket that is not there is no empty page", async () => {
    const listing = subject.store.listObjectVersions({ bucket: `${subject.bucket}-nowhere` });
    await rejectsWith(listing, 404, "NoSuchBucket");
  });
}

/** What must hold of a simulated world, safety first, liveness after the faults have stopped. */
import assert from "node:assert/strict";
import { S3Error } from "../../src/s3/errors.ts";
import type { ListedVersion, Store } from "../../src/s3/store.ts";
import { REPLICA, SOURCE, type World } from "./world.ts";

export async function allVersions(store: Store, bucket: string): Promise<ListedVersion[]> {
  const found: ListedVersion[] = [];
  let next: { keyMarker: string; versionIdMarker: string } | undefined;
  do {
    const page = await store.listObjectVersions({ bucket, ...next });
    found.push(...page.versions);
    next = page.next;
  } while (next !== undefined);
  return found;
}

/** COMPLETED only if the destination holds that version, byte for byte, tag for tag. */
export async function completedMeansHeld({ writer }: World): Promise<number> {
  let completed = 0;
  for (const { key, versionId, isDeleteMarker } of await allVersions(writer, SOURCE)) {
    if (isDeleteMarker) continue;
    const ref = { bucket: SOURCE, key, versionId };
    const source = await writer.getObject(ref);
    if (source.head.replicationStatus !== "COMPLETED") {
      source.body.cancel();
      continue;
    }
    completed += 1;
    const there = { bucket: REPLICA, key, versionId };
    const replica = await writer.getObject(there);
    assert.deepEqual(Buffer.from(await replica.body.bytes()), Buffer.from(await source.body.bytes()), `${key}: bytes`);
    assert.deepEqual(replica.head.userMetadata, source.head.userMetadata, `${key}: metadata`);
    assert.deepEqual(replica.head.contentHeaders, source.head.contentHeaders, `${key}: headers`);
    assert.equal(replica.head.etag, source.head.etag, `${key}: ETag`);
    assert.equal(replica.head.lastModifiedMs, source.head.lastModifiedMs, `${key}: time`);
    assert.equal(replica.head.replicationStatus, "REPLICA");
    assert.deepEqual(await writer.getObjectTagging(there), await writer.getObjectTagging(ref), `${key}: tags`);
  }
  return completed;
}

/** A retry never adds a version: all that is at the destination was written at the source. */
export async function nothingIsInvented(world: World, everWritten: ReadonlySet<string>): Promise<void> {
  const replicas = await allVersions(world.writer, REPLICA);
  const names = replicas.map((one) => `${one.versionId} ${one.key}`);
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(
    names.filter((one) => !everWritten.has(one)),
    [],
  );
}

/** The newest version of a key is the newest on both sides, markers included. */
export async function orderIsKept({ writer }: World): Promise<void> {
  const ids = async (bucket: string) => {
    const byKey = new Map<string, string[]>();
    for (const one of await allVersions(writer, bucket))
      byKey.set(one.key, [...(byKey.get(one.key) ?? []), one.versionId]);
    return byKey;
  };
  const [source, replica] = [await ids(SOURCE), await ids(REPLICA)];
  for (const [key, versions] of source) {
    const there = (replica.get(key) ?? []).filter((one) => versions.includes(one));
    assert.deepEqual(
      there,
      versions.filter((one) => there.includes(one)),
      `${key}: order of versions`,
    );
  }
}

/** Nothing stays PENDING; every version is COMPLETED and every marker has arrived. */
export async function everythingArrived({ writer }: World): Promise<void> {
  for (const { key, versionId, isDeleteMarker } of await allVersions(writer, SOURCE)) {
    if (!isDeleteMarker) {
      const head = await writer.headObject({ bucket: SOURCE, key, versionId });
      assert.equal(head.replicationStatus, "COMPLETED", `${key} ${versionId}`);
      continue;
    }
    const answer = await writer.headObject({ bucket: REPLICA, key, versionId }).catch((error: unknown) => error);
    assert.ok(answer instanceof S3Error && answer.status === 405, `${key}: marker ${versionId} is not there`);
  }
}

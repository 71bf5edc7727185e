/** The phases that protect and remove: Object Lock, delete markers, versions that go for good. */
import { type Bench, codeOfError } from "./bench.ts";
import type { PlannedWrite } from "./model.ts";

const BODY = Buffer.from("written by lockstep probe\n");
/** Long enough for clocks that disagree, short enough to be waited for where it cannot be bypassed. */
const RETENTION_MS = 60_000;

export const DELETE_WRITES: readonly PlannedWrite[] = [
  {
    phase: "lock",
    name: "lock",
    sizeBytes: BODY.byteLength,
    versionsMax: 1,
    what: "in a bucket with Object Lock: an object under a legal hold, retained for a minute (GOVERNANCE)",
  },
  {
    phase: "marker",
    name: "marker",
    sizeBytes: BODY.byteLength,
    versionsMax: 2,
    what: "an object and a delete marker",
  },
  { phase: "version-delete", name: "version", sizeBytes: BODY.byteLength, versionsMax: 2, what: "two versions" },
];

/** Only where the bucket has Object Lock. */
export async function lock(bench: Bench): Promise<void> {
  if (bench.found.objectLock !== true) return;
  const retainUntilMs = Math.ceil((bench.nowMs() + RETENTION_MS) / 1000) * 1000;
  const retention = { mode: "GOVERNANCE", retainUntilMs } as const;
  const at = { bucket: bench.bucket, key: bench.key("lock") };
  const written = await bench.attempt("lock.on-put", "an object under a lock", async () => {
    const write = bench.write("lock", { retention, legalHold: true });
    const { versionId } = await bench.store.putObject({ ...write, body: BODY });
    return { versionId, head: await bench.store.headObject(at) };
  });
  if (written === undefined) return;
  const { head } = written;
  const isKept = head.retention?.retainUntilMs === retainUntilMs && head.legalHold === true;
  if (isKept) bench.note("lock.on-put", "ok", "the lock of a write comes back");
  else bench.note("lock.on-put", "differs", "the lock of a write does not come back, or may not be seen");
  const { versionId } = written;
  if (versionId === undefined) return;
  const error = await bench.refusal(() => bench.store.deleteObject({ ...at, versionId }));
  if (error === undefined) bench.note("lock.protects", "broken", "a version under a lock was removed");
  else if (error.status === 403) bench.note("lock.protects", "ok", "a version under a lock is not removed");
  else bench.noteError("lock.protects", "the removal of a version under a lock", error);
}

export async function marker(bench: Bench): Promise<void> {
  const at = { bucket: bench.bucket, key: bench.key("marker") };
  const made = await bench.attempt("marker.write", "a delete marker", async () => {
    await bench.store.putObject({ ...bench.write("marker"), body: BODY });
    return await bench.store.deleteObject(at);
  });
  if (made === undefined) return;
  bench.found.deleteMarkers = made.isDeleteMarker && made.versionId !== undefined;
  const { versionId } = made;
  if (!bench.found.deleteMarkers || versionId === undefined) {
    bench.note("marker.write", "absent", "a delete leaves no marker: the object is gone");
    return;
  }
  bench.note("marker.write", "ok", "a delete adds a marker");
  const hidden = await bench.refusal(() => bench.store.headObject(at));
  if (hidden?.status === 404) bench.note("marker.hides", "ok", "the marker hides the object");
  else if (hidden === undefined) bench.note("marker.hides", "broken", "the object is seen in spite of its marker");
  else bench.noteError("marker.hides", "the HEAD of an object behind a marker", hidden);

  const head = await bench.refusal(() => bench.store.headObject({ ...at, versionId }));
  if (head?.status === 405 || head?.status === 404) {
    bench.found.markerHead = head.status;
    bench.found.namesMarkers = head.fields.isDeleteMarker === true || hidden?.fields.isDeleteMarker === true;
    const named = bench.found.namesMarkers ? "named" : "not named";
    const isSame = head.status === 405 && bench.found.namesMarkers;
    bench.note("marker.head", isSame ? "ok" : "differs", `the HEAD of a marker is ${head.status}, and it is ${named}`);
  } else if (head === undefined)
    bench.note("marker.head", "differs", "the HEAD of a marker is answered like an object's");
  else bench.noteError("marker.head", "the HEAD of a marker", head);
}

export async function versionDelete(bench: Bench): Promise<void> {
  const at = { bucket: bench.bucket, key: bench.key("version") };
  const ids = await bench.attempt("version-delete.removes", "two versions of one key", async () => {
    const first = await bench.store.putObject({ ...bench.write("version"), body: BODY });
    const second = await bench.store.putObject({ ...bench.write("version"), body: BODY });
    return { first: first.versionId, second: second.versionId };
  });
  if (ids === undefined) return;
  const { first, second } = ids;
  if (first === undefined || second === undefined) {
    bench.note("version-delete.removes", "absent", "versions have no ids to remove them by");
    return;
  }
  const removed = await bench.attempt("version-delete.removes", "the removal of a version", async () => {
    await bench.store.deleteObject({ ...at, versionId: first });
    return true;
  });
  if (removed === undefined) return;
  const gone = await bench.refusal(() => bench.store.headObject({ ...at, versionId: first }));
  const kept = await bench.refusal(() => bench.store.headObject({ ...at, versionId: second }));
  const error = [gone?.status === 404 ? undefined : gone, kept].find((one) => one !== undefined);
  if (error !== undefined && codeOfError(error) !== "absent") {
    bench.noteError("version-delete.removes", "the HEAD of a version", error);
  } else if (gone === undefined) bench.note("version-delete.removes", "broken", "a removed version can still be read");
  else if (kept !== undefined) {
    bench.note("version-delete.removes", "broken", "with one version another went", kept);
  } else bench.note("version-delete.removes", "ok", "a version can be removed for good");
}

/**
 * What belongs to a version besides its bytes: tags, grants, retention, legal hold. It goes along with the write that
 * carries the bytes.
 *
 * When such a write is denied, the bytes and their belongings are written apart, so that it is known which of them is
 * not allowed: a replica without its tags is written all the same, and the task has failed.
 *
 * @source aws-replication.md §3.4, §11 row 49
 */
import type { FailureCode } from "../core/failures/catalogue.ts";
import type { AccessControlList } from "../core/model.ts";
import { METADATA_WRITES, type Step } from "../core/plan.ts";
import type { TaskFailure } from "../ledger/ledger.ts";
import { S3Error } from "../s3/errors.ts";
import type { WriteRequest } from "../s3/store.ts";
import { answered, destinationOf, type Run, replicaRef, StepFailure } from "./run.ts";
import { copiesWithin } from "./within.ts";

/** One thing that belongs to a version. */
export interface Belonging {
  readonly name: "tags" | "acl" | "retention" | "legalHold";
  /** How it is said in the write itself. */
  readonly members: Partial<Pick<WriteRequest, "tags" | "acl" | "retention" | "legalHold">>;
  /** What it is called when only this is denied. */
  readonly deniedCode: FailureCode;
  /** Brings it to a replica that is there without it. */
  bring(run: Run): Promise<void>;
}

/** What the version has, in the order in which it is brought when it goes by itself. */
function belongingsOf(run: Run): Belonging[] {
  const { tags = [], retention, legalHold } = run.source;
  const acl = grantsToWrite(run);
  const found: Belonging[] = [];
  if (tags.length > 0) {
    found.push({
      name: "tags",
      members: { tags },
      deniedCode: METADATA_WRITES.writeTags.deniedCode,
      bring: (to) => destinationOf(to).putObjectTagging({ ...replicaRef(to), tags }, to),
    });
  }
  if (acl !== undefined) {
    found.push({
      name: "acl",
      members: { acl },
      deniedCode: METADATA_WRITES.writeAcl.deniedCode,
      bring: (to) => putAcl(to, acl),
    });
  }
  if (retention !== undefined) {
    found.push({
      name: "retention",
      members: { retention },
      deniedCode: METADATA_WRITES.writeRetention.deniedCode,
      bring: (to) => destinationOf(to).putObjectRetention({ ...replicaRef(to), retention }, to),
    });
  }
  if (legalHold === true) {
    found.push({
      name: "legalHold",
      members: { legalHold },
      deniedCode: METADATA_WRITES.writeLegalHold.deniedCode,
      bring: (to) => destinationOf(to).putObjectLegalHold({ ...replicaRef(to), legalHold }, to),
    });
  }
  return found;
}

/** Grants besides the owner's own, unless the replica gets another owner, whose list starts anew. @source §2 row 24 */
function grantsToWrite(run: Run): AccessControlList | undefined {
  const { acl } = run.source;
  if (acl === undefined || run.rule.destination.ownerOverride || run.destinationTraits.ownerEnforced === true) {
    return undefined;
  }
  const others = acl.grants.some(({ grantee }) => grantee.kind !== "user" || grantee.id !== acl.ownerId);
  return others ? acl : undefined;
}

/** Writes with everything that belongs to the version; where that is denied, without, and remembers what to bring. */
export async function withBelongings<R>(
  run: Run,
  step: Step,
  request: WriteRequest,
  write: (request: WriteRequest) => Promise<R>,
): Promise<R> {
  const all = belongingsOf(run);
  if (all.length === 0) {
    run.toBring = all;
    return await answered(step, write(request));
  }
  const late = lateBelongings(run, step);
  run.toBring = all.filter(({ name }) => late.has(name));
  let belongings = all.filter(({ name }) => !late.has(name));
  for (;;) {
    const members = Object.assign({}, ...belongings.map((one) => one.members)) as Belonging["members"];
    try {
      return await answered(step, write({ ...request, ...members }));
    } catch (error) {
      if (!(error instanceof StepFailure) || error.side !== "destination") throw error;
      if (error.error.code === ACL_NOT_SUPPORTED && members.acl !== undefined) {
        belongings = belongings.filter((one) => one.name !== "acl");
        continue;
      }
      if (error.error.status !== 403 || belongings.length === 0) throw error;
    }
    const reply = await answered(step, write(request));
    run.toBring = [...belongings, ...run.toBring];
    return reply;
  }
}

/**
 * What a store loses, or damages, when an upload or a copy of its own brings it.
 *
 * @source radosgw 16.2.15, `test/conformance/store-uploads.ts` and `store-copies.ts`
 */
function lateBelongings(run: Run, { name }: Step): ReadonlySet<Belonging["name"]> {
  const { tagsOnUploads, locksOnUploads } = run.destinationTraits;
  const isUpload = name === "createUpload";
  const late = new Set<Belonging["name"]>();
  if (tagsOnUploads === false && (isUpload || copiesWithin(run))) late.add("tags");
  if (locksOnUploads === false && isUpload) late.add("retention").add("legalHold");
  return late;
}

/** Leaves everything for after the write. */
export function bringAllLater(run: Run): void {
  run.toBring = belongingsOf(run);
}

/** Tells versions apart by what belongs to them. Plain data. */
export function belongingsSaid(run: Run): unknown {
  return belongingsOf(run).map((one) => one.members);
}

const LEFT_BEHIND: ReadonlySet<string> = new Set<FailureCode>([
  "SrcGetTaggingNotPermitted",
  ...(["writeTags", "writeAcl", "writeRetention", "writeLegalHold"] as const).map(
    (name) => METADATA_WRITES[name].deniedCode,
  ),
]);

/** Whether a version has failed only because its replica lacks something that belongs to it. */
export function isWithoutBelongings(failure: TaskFailure | undefined): boolean {
  return failure !== undefined && LEFT_BEHIND.has(failure.code);
}

/** Replaces the replica's list, where its bucket takes lists. @throws S3Error */
export async function putAcl(run: Run, acl: AccessControlList): Promise<void> {
  try {
    await destinationOf(run).putObjectAcl({ ...replicaRef(run), acl }, run);
  } catch (error) {
    if (!(error instanceof S3Error) || error.code !== ACL_NOT_SUPPORTED) throw error;
  }
}

/** A bucket whose owner owns every object takes no grants, and AWS replicates into it all the same. */
const ACL_NOT_SUPPORTED = "AccessControlListNotSupported";

/** Brings everything to a replica that an earlier try has written: who knows with what. */
export async function bringAllBelongings(run: Run, step: Step): Promise<void> {
  bringAllLater(run);
  await bringBelongings(run, step);
}

/** Brings what could not go along with the bytes. The first refusal is what the task has failed for. */
export async function bringBelongings(run: Run, step: Step): Promise<void> {
  for (const one of run.toBring ?? []) {
    try {
      await answered(step, one.bring(run), { side: "destination", deniedCode: one.deniedCode });
    } catch (error) {
      if (!(error instanceof StepFailure)) throw error;
      run.metadataFailure ??= error;
    }
  }
}

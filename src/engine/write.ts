/** What is said of a replica when it is written, in whatever way its bytes come, and what follows every such write. */
import { replicaEncryption } from "../core/encryption.ts";
import type { Encryption } from "../core/model.ts";
import type { Step } from "../core/plan.ts";
import type { ObjectHead, PutReply, WriteRequest } from "../s3/store.ts";
import { bringBelongings } from "./belongings.ts";
import { MARK, markOf } from "./mark.ts";
import { headOf, identityOf, type Run, target } from "./run.ts";

export function writeRequest(run: Run): WriteRequest {
  const head = headOf(run);
  const encryption = encryptionOf(run, head);
  const storageClass = storageClassOf(run, head);
  return {
    ...target(run),
    contentHeaders: head.contentHeaders,
    userMetadata: metadataOf(run, head),
    ...(storageClass === undefined ? {} : { storageClass }),
    ...(encryption === undefined ? {} : { encryption }),
    ...identityOf(run, head.lastModifiedMs),
  };
}

/** What a rule names is asked for, known or not; a class of the source's that the destination lacks becomes its default. */
function storageClassOf({ rule, destinationTraits }: Run, head: ObjectHead): string | undefined {
  const { storageClass } = rule.destination;
  if (storageClass !== undefined) return storageClass;
  return destinationTraits.storageClasses?.includes(head.storageClass) === false ? undefined : head.storageClass;
}

/** What a bucket elsewhere encrypts with is its own affair, unless the rule names a key of it. */
function encryptionOf({ rule, destinationTraits }: Run, head: ObjectHead): Encryption | undefined {
  if (destinationTraits.mintsVersionIds === true && rule.destination.replicaKmsKeyArn === undefined) return undefined;
  return replicaEncryption(head.encryption, rule);
}

function metadataOf({ task, destinationTraits }: Run, { userMetadata }: ObjectHead): WriteRequest["userMetadata"] {
  return destinationTraits.mintsVersionIds === true ? { ...userMetadata, [MARK]: markOf(task.version) } : userMetadata;
}

/** Remembers the replica's id, and brings what could not go along with the write. */
export async function finishWrite(run: Run, step: Step, reply: PutReply): Promise<void> {
  run.replicaVersionId = reply.versionId ?? run.task.version.versionId;
  run.sentBytes = headOf(run).sizeBytes;
  await bringBelongings(run, step);
}

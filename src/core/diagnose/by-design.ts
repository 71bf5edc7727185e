/**
 * What looks like a failure and is none: rules of S3 that people meet, with the documented way out. Notes are told beside
 * causes and never counted among them.
 *
 * @source aws-replication.md §2 rows 11, 17, 18, 20, 42; §3.3, §3.4; §11 rows 10, 49, 50, 53, 54, 56
 */
import type { Facts, VersionFacts } from "./facts.ts";
import type { Rules } from "./rules.ts";

export type NoteKind =
  | "permanentDelete"
  | "lifecycleActions"
  | "lifecycleMarker"
  | "lifecycleWaits"
  | "replicaNotReplicated"
  | "replicaDeleted"
  | "replicaIsThere"
  | "statusIsHistory"
  | "tagsDiffer"
  | "listLeftBehind";

export interface Note {
  readonly kind: NoteKind;
  readonly says: string;
  /** What leads where one wants to be all the same. */
  readonly instead: string;
}

const NOTES: Readonly<Record<NoteKind, Omit<Note, "kind">>> = {
  permanentDelete: {
    says: "The destination holds a replica of a version that is not at the source any more: deleting a version for good is never replicated",
    instead: "Delete the replica at the destination too, or put the same Lifecycle rules on both buckets",
  },
  lifecycleActions: {
    says: "What Lifecycle does to versions, expiring and moving them, is never replicated",
    instead: "Put the same Lifecycle rules on both buckets",
  },
  lifecycleMarker: {
    says: "Delete markers that Lifecycle makes are never replicated",
    instead: "Put the same Lifecycle rule on the destination bucket",
  },
  lifecycleWaits: {
    says: "Lifecycle neither expires nor moves versions while they are PENDING or FAILED",
    instead: "Replicate them again, or delete them explicitly",
  },
  replicaNotReplicated: {
    says: "The version is a replica: replicas are not replicated as objects, and with modification sync only their metadata goes back",
    instead: "Replicate from the first bucket to each destination, or use Batch Replication for replicas",
  },
  replicaDeleted: {
    says: "The version was replicated and is not at the destination: a replica that was deleted there for good is never written again",
    instead: "Copy the object in place at the source: the copy is a new version, and replicates",
  },
  replicaIsThere: {
    says: "The replica is at the destination: FAILED is its metadata, or a later change of it",
    instead: "Replicate the version again once the cause is gone: its bytes need not be sent for that",
  },
  statusIsHistory: {
    says: "No rule would take the version now: its status says what happened when it was written",
    instead: "Nothing is to be done; a new version of the object will not be replicated",
  },
  tagsDiffer: {
    says: "The version and its copy at the destination carry different tags: a change that is made on a replica stays there",
    instead: "Enable ReplicaModifications in the rules of both buckets, and tag the object once more",
  },
  listLeftBehind: {
    says: "The version's access control list gives others access, and its replica's does not: the rule gives replicas to the destination's owner, who alone decides",
    instead: "Give access to the replica at the destination, or take AccessControlTranslation out of the rule",
  },
};

export function note(kind: NoteKind): Note {
  return { kind, ...NOTES[kind] };
}

/** What is to be told of one version besides what is wrong with it. */
export function notesOf(rules: Rules, version: VersionFacts): NoteKind[] {
  const there = Object.values(version.replicas);
  const status = version.replicationStatus;
  const taken = rules.verdict(version)?.taken ?? [];
  const kinds: (NoteKind | false)[] = [
    (status === "FAILED" || status === "PENDING") && "lifecycleWaits",
    status === "FAILED" && there.includes("present") && "replicaIsThere",
    status === "REPLICA" && "replicaNotReplicated",
    status === "COMPLETED" && there.includes("absent") && "replicaDeleted",
    status === "COMPLETED" && taken.length === 0 && "statusIsHistory",
    version.differs?.includes("tags") === true && "tagsDiffer",
    version.differs?.includes("acl") === true &&
      taken.some((rule) => rule.destination.ownerOverride) &&
      "listLeftBehind",
    version.isDeleteMarker && isLostMarker(rules, version) && "lifecycleMarker",
  ];
  return kinds.filter((one) => one !== false);
}

/** No store tells who made a marker; one that no rule lost on its way may be Lifecycle's. */
function isLostMarker(rules: Rules, version: VersionFacts): boolean {
  if (version.byLifecycle === true) return true;
  if (version.failures.length > 0) return false;
  const taken = rules.verdict(version)?.taken ?? [];
  return taken.some((rule) => version.replicas[rule.destination.bucketArn] === "absent");
}

/** What is to be told of a key besides its versions. */
export function notesOfKey(facts: Facts, key: string): Note[] {
  const isStray = facts.strays?.some((one) => one.key === key) ?? false;
  return isStray ? [note("permanentDelete"), note("lifecycleActions")] : [];
}

/**
 * The IAM policies that Lockstep itself needs, none of them wider than it must be: for who looks (doctor), for who
 * also compares bytes (auditor), for who sends canaries (canary), for who changes what was found (fixer), and for the role by
 * which versions are replicated (engine).
 *
 * The last is made of the steps in `core/plan.ts`, the others of the tables in `permissions.ts`.
 */
import { bucketArn, objectArn } from "../core/arn.ts";
import type { Operation, Rule } from "../core/model.ts";
import { type Check, type PlanRequest, planReplication } from "../core/plan.ts";
import {
  BYTES,
  CANARY,
  EVIDENCE,
  FIGURES_AND_CHANGES,
  type Permission,
  type PermissionOn,
  READS,
  SHOWN_BY_HEAD,
  WRITES,
} from "./permissions.ts";

export const READERS = ["doctor", "auditor", "canary", "fixer", "engine"] as const;
export type Reader = (typeof READERS)[number];

/** What a policy is about; what is not named is everything of its kind. */
export interface PolicySubject {
  readonly bucket?: string;
  readonly destinations: readonly string[];
  readonly roleArn?: string;
  readonly keyArns: readonly string[];
  /** Names of buckets with logs, inventories and reports; without any nothing of the kind is allowed. */
  readonly evidence?: readonly string[];
  /** ARNs of queues with events; likewise. */
  readonly queueArns?: readonly string[];
}

export interface PolicyDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly {
    readonly Sid: string;
    readonly Effect: "Allow";
    readonly Action: readonly string[];
    readonly Resource: readonly string[];
  }[];
}

export function policyFor(reader: Reader, subject: PolicySubject): PolicyDocument {
  switch (reader) {
    case "doctor":
      return documentOf(LOOKS, subject);
    case "auditor":
      return documentOf([...LOOKS, ...BYTES], subject);
    case "canary":
      return documentOf(CANARY, subject);
    case "fixer":
      return documentOf([...LOOKS, ...Object.values(WRITES).flat()], subject);
    case "engine":
      return documentOf(replicationPermissions(), subject);
  }
}

const LOOKS: readonly Permission[] = [...Object.values(READS), ...SHOWN_BY_HEAD, ...FIGURES_AND_CHANGES, ...EVIDENCE];

/** One statement for all actions that are on the same things, in the order of the table. */
function documentOf(permissions: readonly Permission[], subject: PolicySubject): PolicyDocument {
  const byPlace = new Map<string, { readonly on: readonly PermissionOn[]; readonly actions: Set<string> }>();
  for (const { action, on } of permissions) {
    const place = on.join();
    const held = byPlace.get(place) ?? { on, actions: new Set<string>() };
    held.actions.add(action);
    byPlace.set(place, held);
  }
  return {
    Version: "2012-10-17",
    Statement: [...byPlace.values()].flatMap(({ on, actions }) => {
      const Resource = widest(on.flatMap((one) => resourcesOf(one, subject)));
      if (Resource.length === 0) return [];
      const Sid = on.map((one) => `${one[0]?.toUpperCase() ?? ""}${one.slice(1)}`).join("And");
      return [{ Sid, Effect: "Allow", Action: [...actions].sort(), Resource }];
    }),
  };
}

/** Beside every bucket no bucket needs to be named. */
function widest(resources: readonly string[]): string[] {
  const every = resources.filter((one) => /^arn:aws:s3:::\*(?:\/\*)?$/.test(one));
  return [...new Set(every.length > 0 ? every : resources)];
}

function resourcesOf(
  on: PermissionOn,
  { bucket = "*", destinations, roleArn, keyArns, evidence = [], queueArns = [] }: PolicySubject,
): readonly string[] {
  const others = destinations.length > 0 ? destinations : ["*"];
  switch (on) {
    case "source":
      return [bucketArn(bucket)];
    case "sourceObjects":
      return [objectArn(bucket, "*")];
    case "destination":
      return others.map(bucketArn);
    case "destinationObjects":
      return others.map((one) => objectArn(one, "*"));
    case "role":
      return [roleArn ?? "arn:aws:iam::*:role/*"];
    case "policy":
      return ["arn:aws:iam::*:policy/*"];
    case "key":
      return keyArns.length > 0 ? keyArns : ["arn:aws:kms:*:*:key/*"];
    case "evidence":
      return evidence.map(bucketArn);
    case "evidenceObjects":
      return evidence.map((one) => objectArn(one, "*"));
    case "queue":
      return queueArns;
    case "any":
      return ["*"];
  }
}

/** S3 reads the configuration as the role; it is no step of a version's. @source aws-replication.md §5.6 */
const READ_CONFIGURATION: Permission = { action: "s3:GetReplicationConfiguration", on: ["source"] };

/** Everything that the steps of any version may need, whose rule asks for everything there is. */
function replicationPermissions(): Permission[] {
  const operations: readonly Operation[] = ["put", "deleteMarker", "tags", "acl", "retention", "legalHold"];
  const steps = operations.flatMap((operation) =>
    [ENCRYPTED, UNENCRYPTED].flatMap((request) => planReplication({ ...request, operation })),
  );
  // The role is assumed by the service, which the role's trust policy lets in.
  const checks = steps.flatMap((step) => (step.by === "role" ? step.checks : []));
  return [READ_CONFIGURATION, ...checks.map(({ action, on }) => ({ action, on: [PLACES[on]] }))];
}

const PLACES: Readonly<Record<Check["on"], PermissionOn>> = {
  role: "role",
  sourceBucket: "source",
  sourceObject: "sourceObjects",
  sourceKey: "key",
  destinationObject: "destinationObjects",
  replicaKey: "key",
};

const KEY = "arn:aws:kms:us-east-1:111122223333:key/k";

const RULE: Rule = {
  id: "everything",
  enabled: true,
  prefix: "",
  tags: [],
  kmsObjects: true,
  replicaModifications: true,
  destination: { bucketArn: bucketArn("b"), ownerOverride: true, replicaKmsKeyArn: KEY, metrics: false },
};

const ENCRYPTED: Omit<PlanRequest, "operation"> = {
  version: {
    bucket: "b",
    key: "k",
    encryption: { kind: "SSE-KMS", kmsKeyArn: KEY, bucketKey: true },
    tagCount: 1,
    partsCount: 1,
    retained: true,
    held: true,
  },
  rule: RULE,
  roleArn: "arn:aws:iam::111122223333:role/r",
  sourceObjectLock: true,
};

/** Its replica is encrypted all the same, as the destination does by default. */
const UNENCRYPTED: Omit<PlanRequest, "operation"> = {
  ...ENCRYPTED,
  version: { ...ENCRYPTED.version, encryption: { kind: "SSE-S3" } },
  destinationDefault: ENCRYPTED.version.encryption,
};

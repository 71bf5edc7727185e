/**
 * The IAM policies that Lockstep itself needs, none of them wider than it must be: for who looks (doctor), for who changes
 * what was found (fixer), and for the role by which versions are replicated (engine).
 *
 * The first two are made of the table of calls in `permissions.ts`, the last of the steps in `core/plan.ts`.
 */
import { bucketArn, objectArn } from "../core/arn.ts";
import type { Operation, Rule } from "../core/model.ts";
import { type Check, type PlanRequest, planReplication } from "../core/plan.ts";
import { type Permission, type PermissionOn, READS, SHOWN_BY_HEAD, WRITES } from "./permissions.ts";

export type Reader = "doctor" | "fixer" | "engine";

/** What a policy is about; what is not named is everything of its kind. */
export interface PolicySubject {
  readonly bucket?: string;
  readonly destinations: readonly string[];
  readonly roleArn?: string;
  readonly keyArns: readonly string[];
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
      return documentOf([...Object.values(READS), ...SHOWN_BY_HEAD], subject);
    case "fixer":
      return documentOf([...Object.values(READS), ...SHOWN_BY_HEAD, ...Object.values(WRITES).flat()], subject);
    case "engine":
      return documentOf(replicationPermissions(), subject);
  }
}

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
    Statement: [...byPlace.values()].map(({ on, actions }) => ({
      Sid: on.map((one) => `${one[0]?.toUpperCase() ?? ""}${one.slice(1)}`).join("And"),
      Effect: "Allow",
      Action: [...actions].sort(),
      Resource: widest(on.flatMap((one) => resourcesOf(one, subject))),
    })),
  };
}

/** Beside every bucket no bucket needs to be named. */
function widest(resources: readonly string[]): string[] {
  const every = resources.filter((one) => /^arn:aws:s3:::\*(?:\/\*)?$/.test(one));
  return [...new Set(every.length > 0 ? every : resources)];
}

function resourcesOf(
  on: PermissionOn,
  { bucket = "*", destinations, roleArn, keyArns }: PolicySubject,
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

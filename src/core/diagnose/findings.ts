/**
 * From what a prediction or a verdict found to something that a person can change: the cause, its evidence and its
 * edits. Denials are `denials.ts`'s.
 */
import { bucketArn } from "../arn.ts";
import { unreachable } from "../assert.ts";
import type { DocumentValue } from "../config/document.ts";
import { failureEntry } from "../failures/catalogue.ts";
import type { Rule } from "../model.ts";
import { deniedFinding } from "./denials.ts";
import { type Finding, ruleMembers } from "./finding.ts";
import type { Edit } from "./patches.ts";
import type { Obstacle } from "./predict.ts";
import { replicaKeyEdits } from "./replica-keys.ts";
import type { World } from "./world.ts";

/** The finding behind an obstacle that a prediction met. */
export function obstacleFinding(world: World, obstacle: Obstacle, rule: Rule): Finding {
  const { facts } = world;
  const { code } = obstacle;
  const base = { code, remedy: failureEntry(code).remedy, resync: true, confidence: "proven" as const };
  switch (obstacle.kind) {
    case "denied":
      return deniedFinding(world, obstacle, rule);
    case "roleAbsent":
      return {
        ...base,
        key: `${code} ${obstacle.roleArn}`,
        action: "sts:AssumeRole",
        resource: obstacle.roleArn,
        evidence: [{ kind: "policy", source: obstacle.roleArn, says: "There is no such role" }],
        edits: [],
      };
    case "bucketAbsent":
      return {
        ...base,
        key: `${code} ${obstacle.bucket}`,
        ...ruleMembers(rule),
        resource: bucketArn(obstacle.bucket),
        evidence: [{ kind: "config", source: `bucket ${obstacle.bucket}`, says: "There is no such bucket" }],
        edits: [],
      };
    case "unversioned": {
      const { bucket, versioning } = obstacle;
      const before: DocumentValue = versioning === "Off" ? null : { Status: versioning };
      return {
        ...base,
        key: `${code} ${bucket.name}`,
        ...ruleMembers(rule),
        resource: bucket.arn,
        evidence: [
          { kind: "config", source: `versioning of bucket ${bucket.name}`, says: `Versioning is ${versioning}` },
        ],
        edits: [{ target: "versioning", resource: bucket.arn, before, change: () => ({ Status: "Enabled" }) }],
      };
    }
    case "keyAbsent":
      return {
        ...base,
        key: `${code} ${obstacle.keyArn}`,
        ...(obstacle.side === "replica" ? ruleMembers(rule) : {}),
        resource: obstacle.keyArn,
        evidence: [{ kind: "key", source: obstacle.keyArn, says: "There is no such key" }],
        edits: obstacle.side === "replica" ? replicaKeyEdits(facts, rule) : [],
      };
    case "keyState":
      return {
        ...base,
        key: `${code} ${obstacle.keyArn}`,
        resource: obstacle.keyArn,
        evidence: [{ kind: "key", source: obstacle.keyArn, says: `The key's state is ${obstacle.state}` }],
        edits: keyStateEdits(obstacle.keyArn, obstacle.state),
      };
    default:
      return unreachable(obstacle);
  }
}

function keyStateEdits(keyArn: string, state: string): Edit[] {
  if (state !== "Disabled" && state !== "PendingDeletion") return [];
  const before: DocumentValue = { KeyState: state };
  return [{ target: "kms-key-state", resource: keyArn, before, change: () => ({ KeyState: "Enabled" }) }];
}

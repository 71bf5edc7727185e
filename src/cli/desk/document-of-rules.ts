/** Rules as the document that would have made them, where only the rules are at hand: the JSON form of the AWS CLI. */
import type { DocumentValue } from "../../core/config/document.ts";
import type { Destination, ReplicationConfiguration, Rule, Tag } from "../../core/model.ts";

export function documentOfRules({ roleArn, rules }: ReplicationConfiguration): DocumentValue {
  return { Role: roleArn, Rules: rules.map(ruleOf) };
}

function ruleOf(rule: Rule): DocumentValue {
  const { id, priority, enabled, prefix, deleteMarkers, kmsObjects, replicaModifications, destination } = rule;
  const selected = {
    ...(kmsObjects ? { SseKmsEncryptedObjects: { Status: "Enabled" } } : {}),
    ...(replicaModifications ? { ReplicaModifications: { Status: "Enabled" } } : {}),
  };
  return {
    ID: id,
    ...(priority === undefined ? {} : { Priority: priority }),
    Status: statusOf(enabled),
    // Rules of the first generation have no filter.
    ...(priority === undefined ? { Prefix: prefix } : { Filter: filterOf(rule) }),
    ...(deleteMarkers === undefined ? {} : { DeleteMarkerReplication: { Status: statusOf(deleteMarkers) } }),
    ...(kmsObjects || replicaModifications ? { SourceSelectionCriteria: selected } : {}),
    Destination: destinationOf(destination),
  };
}

function filterOf({ prefix, tags }: Rule): DocumentValue {
  const [only, ...others] = tags.map(tagOf);
  if (only === undefined) return prefix === "" ? {} : { Prefix: prefix };
  if (others.length === 0 && prefix === "") return { Tag: only };
  return { And: { ...(prefix === "" ? {} : { Prefix: prefix }), Tags: [only, ...others] } };
}

function tagOf({ key, value }: Tag): DocumentValue {
  return { Key: key, Value: value };
}

function destinationOf(destination: Destination): DocumentValue {
  const { bucketArn, account, storageClass, ownerOverride, replicaKmsKeyArn, replicationTimeMinutes, metrics } =
    destination;
  const minutes = { Minutes: replicationTimeMinutes ?? 15 };
  return {
    Bucket: bucketArn,
    ...(account === undefined ? {} : { Account: account }),
    ...(storageClass === undefined ? {} : { StorageClass: storageClass }),
    ...(ownerOverride ? { AccessControlTranslation: { Owner: "Destination" } } : {}),
    ...(replicaKmsKeyArn === undefined ? {} : { EncryptionConfiguration: { ReplicaKmsKeyID: replicaKmsKeyArn } }),
    ...(replicationTimeMinutes === undefined ? {} : { ReplicationTime: { Status: "Enabled", Time: minutes } }),
    ...(metrics ? { Metrics: { Status: "Enabled", EventThreshold: minutes } } : {}),
  };
}

function statusOf(isEnabled: boolean): string {
  return isEnabled ? "Enabled" : "Disabled";
}

/**
 * A setup as it has to be for samples to be written: everybody may write, and every key is there and in use. Afterwards the
 * lab is given the setup as it is. In the world, too, versions were written before something broke.
 */
import type { BucketFacts, KeyFacts, Read, Setup } from "../../core/diagnose/facts.ts";
import type { Sample } from "../../doctor/rehearsal.ts";

const EVERYTHING = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: "*", Action: "*", Resource: "*" }],
});

/** The setup, and keys of samples that nobody has looked at: they are as if they could not be read. */
export function withKeysOf(setup: Setup, samples: readonly Sample[]): Setup {
  const keys: Record<string, Read<KeyFacts>> = { ...setup.keys };
  for (const { encryption } of samples) {
    if (encryption.kmsKeyArn !== undefined) keys[encryption.kmsKeyArn] ??= { state: "unreadable", because: "not read" };
  }
  return { ...setup, keys };
}

export function openSetup(setup: Setup): Setup {
  const keys = Object.entries(setup.keys).map(([arn, key]): [string, Read<KeyFacts>] => [arn, openKey(arn, key)]);
  return {
    ...setup,
    source: openBucket(setup.source),
    destinations: {},
    keys: Object.fromEntries(keys),
    organization: { state: "absent" },
  };
}

function openBucket(bucket: BucketFacts): BucketFacts {
  const { objectLock } = bucket;
  return {
    ...bucket,
    policy: { state: "read", value: EVERYTHING },
    defaultEncryption: { state: "read", value: { kind: "SSE-S3", blocked: ["NONE"] } },
    ownership: { state: "read", value: "ObjectWriter" },
    objectLock: objectLock.state === "read" ? { state: "read", value: {} } : objectLock,
    publicAccessBlock: { state: "absent" },
    requestPayer: { state: "read", value: "BucketOwner" },
  };
}

function openKey(arn: string, key: Read<KeyFacts>): Read<KeyFacts> {
  const known = key.state === "read" ? key.value : { arn, aliases: [], managedBy: "customer" as const };
  if (key.state !== "read" && arn.includes(":alias/")) return key;
  const policy = { state: "read", value: EVERYTHING } as const;
  return { state: "read", value: { ...known, state: "Enabled", policy, grants: { state: "absent" } } };
}

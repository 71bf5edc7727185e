/**
 * Applies patches through the services' own calls, and undoes them.
 *
 * Before the first write every document is read again: when one has changed since the facts were taken, nothing is
 * written. When a write fails, what was written before it is put back, and the error says which patch it was.
 */
import { AwsError } from "../aws/errors.ts";
import { roleName } from "../aws/iam.ts";
import { bucketOfArn, parseArn } from "../core/arn.ts";
import { unreachable } from "../core/assert.ts";
import { asObject, type DocumentValue, documentOfXml } from "../core/config/document.ts";
import { printReplication } from "../core/config/print.ts";
import type { Patch } from "../core/diagnose/report.ts";
import {
  encryptionDocumentOf,
  encryptionOfDocument,
  objectLockDocumentOf,
  objectLockOfDocument,
  ownershipDocumentOf,
  ownershipOfDocument,
} from "../core/diagnose/setting-documents.ts";
import { S3Error } from "../s3/errors.ts";
import type { Surroundings } from "./ports.ts";
import { isDenied } from "./read.ts";

/** A document is not as the patch expects it: nothing was written. */
export class ChangedError extends Error {
  override readonly name = "ChangedError";
  readonly patch: Patch;

  constructor(patch: Patch) {
    const what = `${patch.target} of ${patch.resource}${patch.name === undefined ? "" : ` (${patch.name})`}`;
    super(`${what} has changed since it was read: nothing was applied. Diagnose again.`);
    this.patch = patch;
  }
}

/** @throws ChangedError, S3Error, AwsError; nothing is left half-applied unless putting back failed too */
export async function applyPatches(surroundings: Surroundings, patches: readonly Patch[]): Promise<void> {
  for (const patch of patches) {
    const now = await readDocument(surroundings, patch).catch((error: unknown) => {
      throw withRemedy(surroundings, patch, error);
    });
    if (!sameDocument(now, patch.before)) throw new ChangedError(patch);
  }
  const written: Patch[] = [];
  for (const patch of patches) {
    try {
      await writeDocument(surroundings, patch, patch.before, patch.after);
    } catch (error) {
      for (const one of written.toReversed()) await writeDocument(surroundings, one, one.after, one.before);
      throw error;
    }
    written.push(patch);
  }
}

/** Who may not read a document is told whose credentials are needed. */
function withRemedy(surroundings: Surroundings, patch: Patch, error: unknown): unknown {
  const account = parseArn(patch.resource)?.account;
  const remedy = surroundings.remedyFor?.(account === "" ? undefined : account);
  if (remedy === undefined || !(error instanceof S3Error || error instanceof AwsError) || !isDenied(error))
    return error;
  const says = `${error.message}; ${remedy}`;
  return error instanceof S3Error
    ? new S3Error(says, error.fields, { cause: error })
    : new AwsError(says, error.fields, { cause: error });
}

/**
 * The patches that take these back, in the order in which they are to be applied. What a store never takes back is left
 * out: see `lastingOf`.
 */
export function undoOf(patches: readonly Patch[]): Patch[] {
  const lasting = new Set(lastingOf(patches));
  return patches
    .toReversed()
    .filter((patch) => !lasting.has(patch))
    .map((patch) => ({ ...patch, before: patch.after, after: patch.before }));
}

/** The patches that stay whatever is undone: a bucket that was given Object Lock keeps it. */
export function lastingOf(patches: readonly Patch[]): Patch[] {
  return patches.filter((patch) => patch.target === "object-lock" && patch.before === null);
}

async function readDocument(surroundings: Surroundings, patch: Patch): Promise<DocumentValue> {
  const { iam, kms, organizations } = surroundings;
  switch (patch.target) {
    case "organization-policy":
      return parse(await organizations.policy(patch.resource));
    case "iam-boundary-policy":
      return parse((await iam.managedPolicy(patch.resource)).document);
    case "iam-role":
      return parse((await iam.role(patch.resource))?.trust);
    case "iam-role-policy": {
      if (isManaged(patch)) return parse((await iam.managedPolicy(patch.name ?? "")).document);
      // A role that is made together with its policy has none yet.
      if ((await iam.role(patch.resource)) === undefined) return null;
      const policies = await iam.inlinePolicies(patch.resource);
      return parse(policies.find((one) => one.name === patch.name)?.document);
    }
    case "iam-trust-policy":
      return parse((await iam.role(patch.resource))?.trust);
    case "bucket-policy": {
      const { bucket, settings } = await bucketOf(surroundings, patch);
      return parse(await settings.getBucketPolicy(bucket));
    }
    case "replication": {
      const { bucket, settings } = await bucketOf(surroundings, patch);
      const element = await settings.getBucketReplication(bucket);
      return element === undefined ? null : documentOfXml(element);
    }
    case "versioning": {
      const { bucket, settings } = await bucketOf(surroundings, patch);
      const status = await settings.getBucketVersioning(bucket);
      return status === undefined ? null : { Status: status };
    }
    case "encryption": {
      const { bucket, settings } = await bucketOf(surroundings, patch);
      const encryption = await settings.getBucketEncryption(bucket);
      return encryption === undefined ? null : encryptionDocumentOf(encryption);
    }
    case "ownership": {
      const { bucket, settings } = await bucketOf(surroundings, patch);
      const ownership = await settings.getBucketOwnership(bucket);
      return ownership === undefined ? null : ownershipDocumentOf(ownership);
    }
    case "object-lock": {
      const { bucket, settings } = await bucketOf(surroundings, patch);
      const lock = await settings.getObjectLock(bucket);
      return lock === undefined ? null : objectLockDocumentOf(lock);
    }
    case "request-payment": {
      const { bucket, settings } = await bucketOf(surroundings, patch);
      return { Payer: await settings.getRequestPayment(bucket) };
    }
    case "kms-key-policy":
      return parse(await kms.policy(patch.resource));
    case "kms-key-state":
      return { KeyState: (await kms.key(patch.resource))?.state ?? "" };
    default:
      return unreachable(patch.target);
  }
}

async function writeDocument(
  surroundings: Surroundings,
  patch: Patch,
  from: DocumentValue,
  to: DocumentValue,
): Promise<void> {
  const { iam, kms, organizations } = surroundings;
  const text = JSON.stringify(to);
  switch (patch.target) {
    case "organization-policy":
      return await organizations.updatePolicy(patch.resource, text);
    case "iam-boundary-policy":
      return await iam.setManagedPolicy(patch.resource, text);
    case "iam-role":
      if (to === null) return await iam.deleteRole(patch.resource);
      return void (await iam.createRole(roleName(patch.resource), text));
    case "iam-role-policy":
      if (isManaged(patch)) return await iam.setManagedPolicy(patch.name ?? "", text);
      if (to === null) return await iam.deleteInlinePolicy(patch.resource, patch.name ?? "");
      return await iam.putInlinePolicy(patch.resource, patch.name ?? "", text);
    case "iam-trust-policy":
      return await iam.setTrustPolicy(patch.resource, text);
    case "bucket-policy": {
      const { bucket, settings } = await bucketOf(surroundings, patch);
      return to === null ? await settings.deleteBucketPolicy(bucket) : await settings.putBucketPolicy(bucket, text);
    }
    case "replication": {
      const { bucket, settings } = await bucketOf(surroundings, patch);
      if (to === null) return await settings.deleteBucketReplication(bucket);
      return await settings.putBucketReplication(bucket, printReplication(to));
    }
    case "versioning": {
      const { bucket, settings } = await bucketOf(surroundings, patch);
      // Versioning can be suspended again but never taken away.
      const status = asObject(to)?.["Status"] === "Enabled" ? "Enabled" : "Suspended";
      return await settings.putBucketVersioning(bucket, status);
    }
    case "encryption": {
      const { bucket, settings } = await bucketOf(surroundings, patch);
      if (to === null) return await settings.deleteBucketEncryption(bucket);
      return await settings.putBucketEncryption(bucket, encryptionOfDocument(to));
    }
    case "ownership": {
      const { bucket, settings } = await bucketOf(surroundings, patch);
      const ownership = ownershipOfDocument(to);
      if (ownership === undefined) return await settings.deleteBucketOwnership(bucket);
      return await settings.putBucketOwnership(bucket, ownership);
    }
    case "object-lock": {
      // Back to none is only asked for after another write has failed, and cannot be had.
      if (to === null) return;
      const { bucket, settings } = await bucketOf(surroundings, patch);
      return await settings.putObjectLock(bucket, objectLockOfDocument(to));
    }
    case "request-payment": {
      const { bucket, settings } = await bucketOf(surroundings, patch);
      const payer = asObject(to)?.["Payer"] === "Requester" ? "Requester" : "BucketOwner";
      return await settings.putRequestPayment(bucket, payer);
    }
    case "kms-key-policy":
      return await kms.setPolicy(patch.resource, text);
    case "kms-key-state":
      return await kms.setState(patch.resource, stateIn(from), stateIn(to));
    default:
      return unreachable(patch.target);
  }
}

function isManaged(patch: Patch): boolean {
  return patch.name?.startsWith("arn:") ?? false;
}

function stateIn(document: DocumentValue): string {
  const state = asObject(document)?.["KeyState"];
  return typeof state === "string" ? state : "";
}

async function bucketOf(surroundings: Surroundings, patch: Patch) {
  const bucket = bucketOfArn(patch.resource) ?? patch.resource;
  const { settings } = await surroundings.bucket(bucket);
  return { bucket, settings };
}

function parse(text: string | undefined): DocumentValue {
  return text === undefined || text === "" ? null : (JSON.parse(text) as DocumentValue);
}

/** The order of members says nothing, that of lists may. */
function sameDocument(a: DocumentValue, b: DocumentValue): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: DocumentValue): DocumentValue {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((one: DocumentValue) => sorted(one));
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]));
}

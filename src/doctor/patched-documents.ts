/** The documents that patches are of, read and written through the services' own calls. */
import { roleName } from "../aws/iam.ts";
import { bucketOfArn } from "../core/arn.ts";
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
import type { Surroundings } from "./ports.ts";

/** The document of a patch as it is now; null when there is none. @throws S3Error, AwsError */
export async function readDocument(surroundings: Surroundings, patch: Patch): Promise<DocumentValue> {
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

/** Writes it through the service's own call. @throws S3Error, AwsError */
export async function writeDocument(
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

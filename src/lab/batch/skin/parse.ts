/**
 * CreateJob's document, read into a request. What is missing, not allowed or contradicts itself is refused with
 * InvalidRequest, and what the lab does not emulate with 501.
 *
 * @source aws-replication.md §6.1; limits from the service's model
 */

import type { Tag } from "../../../core/model.ts";
import { child, childText, type XmlElement } from "../../../core/xml.ts";
import { parseXml, XmlError } from "../../../s3/xml.ts";
import { s3Error } from "../../s3/errors.ts";
import { invalidRequest, notEmulated } from "../errors.ts";
import {
  type EncryptionFilter,
  type JobRequest,
  MANIFEST_FIELDS,
  type Manifest,
  type ManifestFilter,
  type ManifestGenerator,
  type ManifestOutput,
  REPLICATE_OPERATION,
  type Report,
  STATUS_FILTERS,
} from "../model.ts";

const ROLE_ARN = /^arn:[^:]+:iam::\d{12}:role\/.+$/;
const S3_ARN = /^arn:[^:]+:s3:.+$/;
const ACCOUNT = /^\d{12}$/;
const PRIORITY_MAX = 2 ** 31 - 1;
const TAGS_MAX = 50;
const STORAGE_CLASSES = [
  "STANDARD",
  "STANDARD_IA",
  "ONEZONE_IA",
  "GLACIER",
  "INTELLIGENT_TIERING",
  "DEEP_ARCHIVE",
  "GLACIER_IR",
] as const;
const ENCRYPTIONS = ["SSE-S3", "SSE-KMS", "DSSE-KMS", "SSE-C", "NOT-SSE"] as const;

/** @throws ServiceError MalformedXML, InvalidRequest, NotImplemented */
export function parseJobRequest(body: string): JobRequest {
  const root = documentOf(body);
  checkOperation(root);
  const [manifest, generator] = [child(root, "Manifest"), child(root, "ManifestGenerator")];
  if ((manifest === undefined) === (generator === undefined)) {
    throw invalidRequest("A job has either a Manifest or a ManifestGenerator");
  }
  const priority = required(root, "Priority", /^\d{1,10}$/);
  if (Number(priority) > PRIORITY_MAX) throw invalidRequest(`Priority is greater than ${PRIORITY_MAX}`);
  return {
    clientRequestToken: required(root, "ClientRequestToken", { max: 64 }),
    priority: Number(priority),
    roleArn: required(root, "RoleArn", ROLE_ARN),
    confirmationRequired: flag(root, "ConfirmationRequired") ?? false,
    ...member("description", optional(root, "Description", { max: 256 })),
    tags: tagsOf(child(root, "Tags")),
    manifest: manifest === undefined ? generatorOf(generator ?? root) : manifestOf(manifest),
    report: reportOf(child(root, "Report")),
  };
}

function documentOf(body: string): XmlElement {
  let root: XmlElement;
  try {
    root = parseXml(body);
  } catch (error) {
    if (error instanceof XmlError) throw s3Error("MalformedXML");
    throw error;
  }
  if (root.name !== "CreateJobRequest") throw s3Error("MalformedXML");
  return root;
}

function checkOperation(root: XmlElement): void {
  const operations = child(root, "Operation")?.children ?? [];
  const [operation] = operations;
  if (operation === undefined || operations.length > 1) throw invalidRequest("A job has exactly one Operation");
  if (operation.name !== REPLICATE_OPERATION) throw notEmulated(`Batch Operations' ${operation.name}`);
}

function manifestOf(element: XmlElement): Manifest {
  const spec = section(element, "Spec");
  const location = section(element, "Location");
  const format = required(spec, "Format", /^S3BatchOperations_CSV_20180820$|^S3InventoryReport_CSV_20161130$/);
  if (format !== "S3BatchOperations_CSV_20180820") throw notEmulated(`Batch Operations' manifests of format ${format}`);
  const fields = listOf(spec, "Fields", MANIFEST_FIELDS) ?? [];
  for (const field of ["Bucket", "Key"] as const) {
    if (!fields.includes(field)) throw invalidRequest(`Fields of a manifest must have ${field}`);
  }
  return {
    kind: "csv",
    fields,
    objectArn: required(location, "ObjectArn", S3_ARN),
    ...member("objectVersionId", optional(location, "ObjectVersionId", { max: 2000 })),
    etag: required(location, "ETag", { max: 1024 }),
  };
}

function generatorOf(element: XmlElement): ManifestGenerator {
  const generator = section(element, "S3JobManifestGenerator");
  const isOutputEnabled = flag(generator, "EnableManifestOutput");
  if (isOutputEnabled === undefined) throw invalidRequest("EnableManifestOutput is missing");
  const output = child(generator, "ManifestOutputLocation");
  if (isOutputEnabled && output === undefined) throw invalidRequest("ManifestOutputLocation is missing");
  const filter = child(generator, "Filter");
  return {
    kind: "generator",
    ...member("expectedBucketOwner", optional(generator, "ExpectedBucketOwner", ACCOUNT)),
    sourceBucketArn: required(generator, "SourceBucket", S3_ARN),
    ...(output === undefined ? {} : { output: outputOf(output) }),
    isOutputEnabled,
    filter: filter === undefined ? {} : filterOf(filter),
  };
}

function outputOf(element: XmlElement): ManifestOutput {
  const kms = child(child(element, "ManifestEncryption") ?? element, "SSE-KMS");
  return {
    ...member("expectedBucketOwner", optional(element, "ExpectedManifestBucketOwner", ACCOUNT)),
    bucketArn: required(element, "Bucket", S3_ARN),
    ...member("prefix", optional(element, "ManifestPrefix", { max: 512 })),
    format: required(element, "ManifestFormat", /^S3InventoryReport_CSV_20211130$/),
    ...(kms === undefined ? {} : { kmsKeyId: required(kms, "KeyId", { max: 2000 }) }),
  };
}

function filterOf(element: XmlElement): ManifestFilter {
  const names = child(element, "KeyNameConstraint");
  const encryptions = child(element, "MatchAnyObjectEncryption")?.children.map(encryptionOf);
  return {
    ...member("eligibleForReplication", flag(element, "EligibleForReplication")),
    ...member("createdAfterMs", time(element, "CreatedAfter")),
    ...member("createdBeforeMs", time(element, "CreatedBefore")),
    ...member("statuses", listOf(element, "ObjectReplicationStatuses", STATUS_FILTERS)),
    ...member("prefixes", nameOf(names, "MatchAnyPrefix")),
    ...member("suffixes", nameOf(names, "MatchAnySuffix")),
    ...member("substrings", nameOf(names, "MatchAnySubstring")),
    ...member("sizeGreaterThanBytes", size(element, "ObjectSizeGreaterThanBytes")),
    ...member("sizeLessThanBytes", size(element, "ObjectSizeLessThanBytes")),
    ...member("storageClasses", listOf(element, "MatchAnyStorageClass", STORAGE_CLASSES)),
    ...member("encryptions", encryptions),
  };
}

/** Each of these lists takes exactly one text. @source aws-replication.md §6.1 */
function nameOf(names: XmlElement | undefined, list: string): readonly string[] | undefined {
  const element = names === undefined ? undefined : child(names, list);
  if (element === undefined) return undefined;
  const [only = "", ...more] = element.children.map((one) => one.text);
  if (more.length > 0 || only === "" || only.length > 1024) {
    throw invalidRequest(`${list} takes exactly one text of 1 to 1024 characters`);
  }
  return [only];
}

function encryptionOf(element: XmlElement): EncryptionFilter {
  const [first] = element.children;
  const kind = ENCRYPTIONS.find((one) => one === first?.name);
  if (first === undefined || kind === undefined) throw invalidRequest("ObjectEncryption names no kind of encryption");
  return {
    kind,
    ...member("kmsKeyArn", optional(first, "KmsKeyArn", { max: 2048 })),
    ...member("bucketKey", flag(first, "BucketKeyEnabled")),
  };
}

function reportOf(element: XmlElement | undefined): Report {
  const isEnabled = element === undefined ? undefined : flag(element, "Enabled");
  if (element === undefined || isEnabled === undefined) throw invalidRequest("Report must say whether it is Enabled");
  const scope = optional(element, "ReportScope", /^AllTasks$|^FailedTasksOnly$/);
  const report: Report = {
    isEnabled,
    ...member("bucketArn", optional(element, "Bucket", S3_ARN)),
    ...member("prefix", optional(element, "Prefix", { max: 512 })),
    ...member("format", optional(element, "Format", /^Report_CSV_20180820$/)),
    scope: scope === "FailedTasksOnly" ? scope : "AllTasks",
    ...member("expectedBucketOwner", optional(element, "ExpectedBucketOwner", ACCOUNT)),
  };
  if (isEnabled && (report.bucketArn === undefined || report.format === undefined || scope === undefined)) {
    throw invalidRequest("A Report that is enabled has a Bucket, a Format and a ReportScope");
  }
  return report;
}

function tagsOf(element: XmlElement | undefined): Tag[] {
  const tags = (element?.children ?? []).map((one) => ({
    key: required(one, "Key", { max: 128 }),
    value: childText(one, "Value") ?? "",
  }));
  if (tags.length > TAGS_MAX) throw invalidRequest(`A job has at most ${TAGS_MAX} tags`);
  return tags;
}

type TextRule = RegExp | { readonly max: number };

function optional(element: XmlElement, name: string, rule: TextRule): string | undefined {
  const text = childText(element, name);
  if (text === undefined) return undefined;
  const isFine = rule instanceof RegExp ? rule.test(text) : text.length >= 1 && text.length <= rule.max;
  if (!isFine) throw invalidRequest(`${name} is not valid`);
  return text;
}

function required(element: XmlElement, name: string, rule: TextRule): string {
  const text = optional(element, name, rule);
  if (text === undefined) throw invalidRequest(`${name} is missing`);
  return text;
}

function section(element: XmlElement, name: string): XmlElement {
  const found = child(element, name);
  if (found === undefined) throw invalidRequest(`${name} is missing`);
  return found;
}

function flag(element: XmlElement, name: string): boolean | undefined {
  const text = optional(element, name, /^true$|^false$/i);
  return text === undefined ? undefined : text.toLowerCase() === "true";
}

function size(element: XmlElement, name: string): number | undefined {
  const text = optional(element, name, /^\d{1,15}$/);
  return text === undefined ? undefined : Number(text);
}

/** ISO 8601, or seconds since 1970. */
function time(element: XmlElement, name: string): number | undefined {
  const text = childText(element, name);
  if (text === undefined) return undefined;
  const ms = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isNaN(ms)) throw invalidRequest(`${name} is not a time`);
  return ms;
}

/** The texts in a list; each has to be one of the allowed ones. */
function listOf<T extends string>(element: XmlElement, name: string, allowed: readonly T[]): readonly T[] | undefined {
  return child(element, name)?.children.map((one) => {
    const value = allowed.find((known) => known === one.text);
    if (value === undefined) throw invalidRequest(`${name} cannot have ${one.text}`);
    return value;
  });
}

/** A member for an object literal; none when there is no value. */
function member<Name extends string, T>(name: Name, value: T | undefined): { readonly [Key in Name]?: T } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [Key in Name]: T });
}

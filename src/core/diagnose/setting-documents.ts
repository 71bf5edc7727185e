/**
 * Settings of a bucket as documents, in the JSON form of the AWS CLI: what patches of them show before and after, and what
 * is written back from them.
 */
import { asArray, asObject, asString, type DocumentValue } from "../config/document.ts";
import type { Encryption } from "../model.ts";

/** Default encryption with the kinds that the bucket refuses. */
export interface EncryptionSetting extends Encryption {
  readonly blocked?: readonly string[];
}

const ALGORITHMS = { "SSE-S3": "AES256", "SSE-KMS": "aws:kms", "DSSE-KMS": "aws:kms:dsse" } as const;

/** Nothing blocked is written NONE, however the store says it. */
export function encryptionDocumentOf(setting: EncryptionSetting): DocumentValue {
  const { kind, kmsKeyArn, bucketKey } = setting;
  const SSEAlgorithm = kind === "NOT-SSE" || kind === "SSE-C" ? ALGORITHMS["SSE-S3"] : ALGORITHMS[kind];
  const refused = blockedKinds(setting);
  return {
    Rules: [
      {
        ApplyServerSideEncryptionByDefault: {
          SSEAlgorithm,
          ...(kmsKeyArn === undefined ? {} : { KMSMasterKeyID: kmsKeyArn }),
        },
        ...(bucketKey === undefined ? {} : { BucketKeyEnabled: bucketKey }),
        BlockedEncryptionTypes: { EncryptionType: refused.length === 0 ? [NOTHING] : refused },
      },
    ],
  };
}

const NOTHING = "NONE";

/** The kinds that are refused; none for NONE. */
export function blockedKinds(setting: Pick<EncryptionSetting, "blocked">): string[] {
  return (setting.blocked ?? []).filter((one) => one !== NOTHING);
}

/** Reads what `encryptionDocumentOf` wrote; members that are not there are left to the store. */
export function encryptionOfDocument(document: DocumentValue): EncryptionSetting {
  const rule = asObject(asArray(asObject(document)?.["Rules"])[0]);
  const byDefault = asObject(rule?.["ApplyServerSideEncryptionByDefault"]);
  const algorithm = asString(byDefault?.["SSEAlgorithm"]);
  const kmsKeyArn = asString(byDefault?.["KMSMasterKeyID"]);
  const bucketKey = rule?.["BucketKeyEnabled"];
  const blocked = asArray(asObject(rule?.["BlockedEncryptionTypes"])?.["EncryptionType"]);
  return {
    kind: algorithm === "aws:kms" ? "SSE-KMS" : algorithm === "aws:kms:dsse" ? "DSSE-KMS" : "SSE-S3",
    ...(kmsKeyArn === undefined ? {} : { kmsKeyArn }),
    ...(typeof bucketKey === "boolean" ? { bucketKey } : {}),
    blocked: blocked.filter((one) => typeof one === "string"),
  };
}

export function ownershipDocumentOf(ownership: string): DocumentValue {
  return { Rules: [{ ObjectOwnership: ownership }] };
}

/** Undefined for a document that names none. */
export function ownershipOfDocument(document: DocumentValue): string | undefined {
  return asString(asObject(asArray(asObject(document)?.["Rules"])[0])?.["ObjectOwnership"]);
}

/** Object Lock of a bucket: that it has it, and what versions get when their writer does not say. */
export interface ObjectLockSetting {
  readonly defaultRetention?: {
    readonly mode: "GOVERNANCE" | "COMPLIANCE";
    readonly days?: number;
    readonly years?: number;
  };
}

export function objectLockDocumentOf({ defaultRetention }: ObjectLockSetting): DocumentValue {
  if (defaultRetention === undefined) return { ObjectLockEnabled: "Enabled" };
  const { mode, days, years } = defaultRetention;
  const period = { ...(days === undefined ? {} : { Days: days }), ...(years === undefined ? {} : { Years: years }) };
  return { ObjectLockEnabled: "Enabled", Rule: { DefaultRetention: { Mode: mode, ...period } } };
}

/** Reads what `objectLockDocumentOf` wrote. */
export function objectLockOfDocument(document: DocumentValue): ObjectLockSetting {
  const retention = asObject(asObject(asObject(document)?.["Rule"])?.["DefaultRetention"]);
  const mode = retention?.["Mode"];
  if (mode !== "GOVERNANCE" && mode !== "COMPLIANCE") return {};
  const { Days: days, Years: years } = retention ?? {};
  return {
    defaultRetention: {
      mode,
      ...(typeof days === "number" ? { days } : {}),
      ...(typeof years === "number" ? { years } : {}),
    },
  };
}

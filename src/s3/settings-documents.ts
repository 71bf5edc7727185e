/** Documents of a bucket's settings, read and written. Which call carries which is `bucket-settings.ts`'s. */
import { assert } from "../core/assert.ts";
import type { Encryption } from "../core/model.ts";
import { child, childrenNamed, childText, printXml, type XmlElement, type XmlNode } from "../core/xml.ts";
import { optional } from "./answers.ts";
import { S3_NAMESPACE } from "./requests.ts";
import type { BucketEncryption, ObjectLock, Payer, PublicAccessBlock, VersioningStatus } from "./settings.ts";

export function versioningDocument(status: VersioningStatus): string {
  return printXml(["VersioningConfiguration", [["Status", status]]], S3_NAMESPACE);
}

export function encryptionDocument(encryption: BucketEncryption): string {
  const algorithm = { "SSE-S3": "AES256", "SSE-KMS": "aws:kms", "DSSE-KMS": "aws:kms:dsse" }[
    assertDefault(encryption.kind)
  ];
  const byDefault: XmlNode = [
    "ApplyServerSideEncryptionByDefault",
    [
      ["SSEAlgorithm", algorithm],
      ["KMSMasterKeyID", encryption.kmsKeyArn],
    ],
  ];
  const blocked: XmlNode[] =
    encryption.blocked === undefined
      ? []
      : [["BlockedEncryptionTypes", encryption.blocked.map((one): XmlNode => ["EncryptionType", one])]];
  const rule: XmlNode = ["Rule", [byDefault, ["BucketKeyEnabled", encryption.bucketKey], ...blocked]];
  return printXml(["ServerSideEncryptionConfiguration", [rule]], S3_NAMESPACE);
}

function assertDefault(kind: Encryption["kind"]): "SSE-S3" | "SSE-KMS" | "DSSE-KMS" {
  assert(kind !== "NOT-SSE" && kind !== "SSE-C", `${kind} cannot be a bucket's default`);
  return kind;
}

export function readBucketEncryption(root: XmlElement): BucketEncryption | undefined {
  const rule = child(root, "Rule");
  if (rule === undefined) return undefined;
  const byDefault = child(rule, "ApplyServerSideEncryptionByDefault");
  const types = child(rule, "BlockedEncryptionTypes");
  const blocked = types === undefined ? undefined : childrenNamed(types, "EncryptionType").map((one) => one.text);
  if (byDefault === undefined && blocked === undefined) return undefined;
  const algorithm = byDefault && childText(byDefault, "SSEAlgorithm");
  if (byDefault === undefined || (algorithm !== "aws:kms" && algorithm !== "aws:kms:dsse")) {
    return { kind: "SSE-S3", ...optional("blocked", blocked) };
  }
  const bucketKey = childText(rule, "BucketKeyEnabled");
  return {
    kind: algorithm === "aws:kms" ? "SSE-KMS" : "DSSE-KMS",
    ...optional("kmsKeyArn", childText(byDefault, "KMSMasterKeyID")),
    ...optional("bucketKey", bucketKey === undefined ? undefined : bucketKey === "true"),
    ...optional("blocked", blocked),
  };
}

export function ownershipDocument(ownership: string): string {
  return printXml(["OwnershipControls", [["Rule", [["ObjectOwnership", ownership]]]]], S3_NAMESPACE);
}

export function requestPaymentDocument(payer: Payer): string {
  return printXml(["RequestPaymentConfiguration", [["Payer", payer]]], S3_NAMESPACE);
}

export function readPayer(root: XmlElement): Payer {
  return childText(root, "Payer") === "Requester" ? "Requester" : "BucketOwner";
}

export function objectLockDocument({ defaultRetention }: ObjectLock): string {
  const rule: XmlNode[] =
    defaultRetention === undefined
      ? []
      : [
          [
            "Rule",
            [
              [
                "DefaultRetention",
                [
                  ["Mode", defaultRetention.mode],
                  ["Days", defaultRetention.days],
                  ["Years", defaultRetention.years],
                ],
              ],
            ],
          ],
        ];
  return printXml(["ObjectLockConfiguration", [["ObjectLockEnabled", "Enabled"], ...rule]], S3_NAMESPACE);
}

export function readObjectLock(root: XmlElement): ObjectLock | undefined {
  if (childText(root, "ObjectLockEnabled") !== "Enabled") return undefined;
  const rule = child(root, "Rule");
  const retention = rule && child(rule, "DefaultRetention");
  const mode = retention && childText(retention, "Mode");
  if (retention === undefined || (mode !== "GOVERNANCE" && mode !== "COMPLIANCE")) return {};
  const period = (name: string) => {
    const text = childText(retention, name);
    return text === undefined ? undefined : Number(text);
  };
  return { defaultRetention: { mode, ...optional("days", period("Days")), ...optional("years", period("Years")) } };
}

export function readPublicAccessBlock(root: XmlElement): PublicAccessBlock {
  const is = (name: string) => childText(root, name) === "true";
  return {
    blockPublicAcls: is("BlockPublicAcls"),
    ignorePublicAcls: is("IgnorePublicAcls"),
    blockPublicPolicy: is("BlockPublicPolicy"),
    restrictPublicBuckets: is("RestrictPublicBuckets"),
  };
}

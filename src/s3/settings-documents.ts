/** Documents of a bucket's settings, read and written. Which call carries which is `bucket-settings.ts`'s. */
import { assert } from "../core/assert.ts";
import type { Encryption, InventorySetting, NotificationTarget } from "../core/model.ts";
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

/** The elements by the kind of target, and the one inside that names it. */
const TARGETS = [
  { kind: "queue", element: "QueueConfiguration", named: "Queue" },
  { kind: "topic", element: "TopicConfiguration", named: "Topic" },
  { kind: "function", element: "CloudFunctionConfiguration", named: "CloudFunction" },
] as const;

/** @source https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketNotificationConfiguration.html */
export function readNotification(root: XmlElement): NotificationTarget[] {
  const found = TARGETS.flatMap(({ kind, element, named }) =>
    childrenNamed(root, element).map((one): NotificationTarget => {
      const filter = child(one, "Filter");
      const key = filter && child(filter, "S3Key");
      const rule = (name: string) => {
        const rules = key === undefined ? [] : childrenNamed(key, "FilterRule");
        const held = rules.find((each) => childText(each, "Name")?.toLowerCase() === name);
        return held && childText(held, "Value");
      };
      return {
        kind,
        ...optional("arn", childText(one, named)),
        events: childrenNamed(one, "Event").map((each) => each.text),
        ...optional("prefix", rule("prefix")),
        ...optional("suffix", rule("suffix")),
      };
    }),
  );
  const bridge = child(root, "EventBridgeConfiguration");
  return bridge === undefined ? found : [...found, { kind: "eventBridge", events: [] }];
}

/** @source https://docs.aws.amazon.com/AmazonS3/latest/API/API_InventoryConfiguration.html */
export function readInventory(element: XmlElement): InventorySetting {
  const at = (...path: readonly string[]) =>
    path.reduce<XmlElement | undefined>((found, name) => found && child(found, name), element);
  const textAt = (...path: readonly string[]) => at(...path)?.text;
  const fields = at("OptionalFields");
  const place = ["Destination", "S3BucketDestination"];
  return {
    id: textAt("Id") ?? "",
    isEnabled: textAt("IsEnabled") === "true",
    ...optional("prefix", textAt("Filter", "Prefix")),
    versions: textAt("IncludedObjectVersions") === "All" ? "All" : "Current",
    frequency: textAt("Schedule", "Frequency") ?? "",
    fields: fields === undefined ? [] : childrenNamed(fields, "Field").map((one) => one.text),
    destinationArn: textAt(...place, "Bucket") ?? "",
    ...optional("destinationPrefix", textAt(...place, "Prefix")),
    format: textAt(...place, "Format") ?? "",
  };
}

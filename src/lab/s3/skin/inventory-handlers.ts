/** Handlers of inventory configurations. */
import { child, childrenNamed, childText, type XmlElement, type XmlNode } from "../../../core/xml.ts";
import type { ServiceAnswer } from "../../model.ts";
import { invalidArgument, s3Error } from "../errors.ts";
import {
  deleteInventory,
  getInventory,
  INVENTORY_FIELDS,
  type InventoryConfiguration,
  type InventoryDestination,
  listInventories,
  putInventory,
} from "../inventory.ts";
import type { S3Service } from "../service.ts";
import { emptyAnswer, xmlAnswer } from "./print.ts";
import { readXml, type S3Request } from "./request.ts";

const ID = /^[A-Za-z0-9._-]{1,64}$/;
const FORMATS = ["CSV", "ORC", "Parquet"] as const;

export function handleGetBucketInventory(s3: S3Service, request: S3Request): ServiceAnswer {
  const configuration = getInventory(s3, request.call, request.bucket, idOf(request));
  return xmlAnswer(["InventoryConfiguration", nodesOf(configuration)]);
}

export function handleListBucketInventories(s3: S3Service, request: S3Request): ServiceAnswer {
  const token = request.query.get("continuation-token");
  const after = token === undefined ? "" : Buffer.from(token, "base64url").toString();
  const { page, next } = listInventories(s3, request.call, request.bucket, after);
  return xmlAnswer([
    "ListInventoryConfigurationsResult",
    [
      ["ContinuationToken", token],
      ...page.map((one): XmlNode => ["InventoryConfiguration", nodesOf(one)]),
      ["IsTruncated", next !== undefined],
      ["NextContinuationToken", next === undefined ? undefined : Buffer.from(next).toString("base64url")],
    ],
  ]);
}

export async function handlePutBucketInventory(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const root = await readXml(request, "InventoryConfiguration");
  const configuration = configurationOf(root);
  const id = idOf(request);
  if (configuration.id !== id) throw invalidArgument("Id", configuration.id, "The Id does not match the parameter id.");
  await putInventory(s3, request.call, request.bucket, configuration);
  return emptyAnswer();
}

export async function handleDeleteBucketInventory(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  await deleteInventory(s3, request.call, request.bucket, idOf(request));
  return emptyAnswer(204);
}

function idOf({ query }: S3Request): string {
  const id = query.get("id") ?? "";
  if (!ID.test(id)) throw invalidArgument("id", id, "An id has 1 to 64 letters, digits, '.', '_' and '-'.");
  return id;
}

function configurationOf(root: XmlElement): InventoryConfiguration {
  const destination = child(child(root, "Destination") ?? root, "S3BucketDestination");
  if (destination === undefined) throw s3Error("MalformedXML");
  const prefix = childText(child(root, "Filter") ?? root, "Prefix");
  const wanted = new Set(
    childrenNamed(child(root, "OptionalFields") ?? { name: "", children: [], text: "" }, "Field").map(
      (one) => one.text,
    ),
  );
  const fields = INVENTORY_FIELDS.filter((one) => wanted.has(one));
  if (fields.length !== wanted.size) throw s3Error("MalformedXML");
  return {
    id: oneOf(root, "Id", undefined),
    isEnabled: oneOf(root, "IsEnabled", ["true", "false"] as const) === "true",
    ...(prefix === undefined || prefix === "" ? {} : { prefix }),
    versions: oneOf(root, "IncludedObjectVersions", ["All", "Current"] as const),
    frequency: oneOf(child(root, "Schedule") ?? root, "Frequency", ["Daily", "Weekly"] as const),
    fields,
    destination: destinationOf(destination),
  };
}

function destinationOf(element: XmlElement): InventoryDestination {
  const accountId = childText(element, "AccountId");
  const prefix = childText(element, "Prefix");
  const encryption = child(element, "Encryption");
  const kmsKeyId =
    encryption === undefined ? undefined : childText(child(encryption, "SSE-KMS") ?? encryption, "KeyId");
  return {
    bucketArn: oneOf(element, "Bucket", undefined),
    ...(accountId === undefined ? {} : { accountId }),
    format: oneOf(element, "Format", FORMATS),
    ...(prefix === undefined || prefix === "" ? {} : { prefix }),
    ...(encryption === undefined
      ? {}
      : { encryption: kmsKeyId === undefined ? { kind: "SSE-S3" } : { kind: "SSE-KMS", kmsKeyId } }),
  };
}

/** @throws ServiceError MalformedXML when the element is not there, or says something else */
function oneOf(parent: XmlElement, name: string, values: undefined): string;
function oneOf<T extends string>(parent: XmlElement, name: string, values: readonly T[]): T;
function oneOf(parent: XmlElement, name: string, values: readonly string[] | undefined): string {
  const text = childText(parent, name) ?? "";
  if (values === undefined ? text === "" : !values.includes(text)) throw s3Error("MalformedXML");
  return text;
}

function nodesOf(configuration: InventoryConfiguration): XmlNode[] {
  const { id, isEnabled, prefix, versions, frequency, fields, destination } = configuration;
  const { bucketArn, accountId, format, encryption } = destination;
  return [
    [
      "Destination",
      [
        [
          "S3BucketDestination",
          [
            ["AccountId", accountId],
            ["Bucket", bucketArn],
            ["Format", format],
            ["Prefix", destination.prefix],
            encryption === undefined
              ? undefined
              : [
                  "Encryption",
                  [encryption.kind === "SSE-S3" ? ["SSE-S3", ""] : ["SSE-KMS", [["KeyId", encryption.kmsKeyId]]]],
                ],
          ],
        ],
      ],
    ],
    ["IsEnabled", isEnabled],
    prefix === undefined ? undefined : ["Filter", [["Prefix", prefix]]],
    ["Id", id],
    ["IncludedObjectVersions", versions],
    fields.length === 0 ? undefined : ["OptionalFields", fields.map((one): XmlNode => ["Field", one])],
    ["Schedule", [["Frequency", frequency]]],
  ];
}

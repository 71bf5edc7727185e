/**
 * The manifest of an S3 Inventory report: which files it has, and which columns they have. Pure and total.
 *
 * Columns go by the names that Parquet gives them, whatever the format; a name that is not known keeps its place.
 *
 * @source aws-replication.md §8.2, §8.3
 */
import { asArray, asObject, asString, type DocumentValue } from "../config/document.ts";
import { jsonIn } from "../json.ts";

export interface InventoryManifest {
  readonly sourceBucket: string;
  /** Name of the bucket that holds the files. */
  readonly destinationBucket: string;
  /** When the walk through the bucket began: what was written since is not in it. */
  readonly takenAtMs: number;
  readonly format: InventoryFormat;
  /** In the order in which CSV has them. */
  readonly columns: readonly string[];
  readonly files: readonly InventoryFile[];
}

export type InventoryFormat = "CSV" | "ORC" | "Parquet";

export interface InventoryFile {
  readonly key: string;
  readonly sizeBytes: number;
  /** In hexadecimal digits, lower case. */
  readonly md5: string;
}

export type ReadManifest =
  | { readonly manifest: InventoryManifest; readonly problem?: undefined }
  | { readonly problem: string };

const FORMATS: readonly InventoryFormat[] = ["CSV", "ORC", "Parquet"];
const FILES_MAX = 100_000;

/** @param text of `manifest.json` */
export function readInventoryManifest(text: string): ReadManifest {
  const root = asObject(jsonIn(text));
  if (root === undefined) return { problem: "it is not a JSON object" };
  const sourceBucket = asString(root["sourceBucket"]);
  const destination = asString(root["destinationBucket"]);
  const format = FORMATS.find((one) => one === root["fileFormat"]);
  const schema = asString(root["fileSchema"]);
  const takenAtMs = Number(asString(root["creationTimestamp"]) ?? Number.NaN);
  if (sourceBucket === undefined || sourceBucket === "") return { problem: "it names no sourceBucket" };
  if (destination === undefined) return { problem: "it names no destinationBucket" };
  if (format === undefined) return { problem: "its fileFormat is none of CSV, ORC and Parquet" };
  if (schema === undefined) return { problem: "it has no fileSchema" };
  if (!Number.isSafeInteger(takenAtMs) || takenAtMs < 0 || takenAtMs > TIME_MS_MAX)
    return { problem: "its creationTimestamp is no time in milliseconds" };
  const listed = asArray(root["files"]);
  if (listed.length > FILES_MAX) return { problem: `it names more than ${FILES_MAX} files` };
  const files = listed.map(readFile);
  const wrong = files.indexOf(undefined);
  if (wrong >= 0) return { problem: `file ${wrong + 1} has no key, size or MD5checksum` };
  return {
    manifest: {
      sourceBucket,
      destinationBucket: destination.replace(/^arn:[^:]*:s3:::/, ""),
      takenAtMs,
      format,
      columns: format === "CSV" ? schema.split(",").map((one) => columnName(one.trim())) : schemaColumns(schema),
      files: files.filter((one) => one !== undefined),
    },
  };
}

/** The latest time that a date can hold. */
const TIME_MS_MAX = 8.64e15;

function readFile(value: DocumentValue): InventoryFile | undefined {
  const file = asObject(value);
  const key = asString(file?.["key"]);
  const md5 = asString(file?.["MD5checksum"])?.toLowerCase();
  const sizeBytes = file?.["size"];
  if (key === undefined || key === "" || md5 === undefined || !/^[0-9a-f]{32}$/.test(md5)) return undefined;
  if (typeof sizeBytes !== "number" || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0) return undefined;
  return { key, sizeBytes, md5 };
}

/** `message s3.inventory { required binary bucket (UTF8); … }`; ORC's `struct<bucket:string,…>`. */
function schemaColumns(schema: string): string[] {
  const struct = /^\s*struct<(.*)>\s*$/s.exec(schema)?.[1];
  if (struct !== undefined) return [...struct.matchAll(/(\w+):\w+/g)].map(([, name = ""]) => name.toLowerCase());
  return [...schema.matchAll(/\b(?:required|optional)\s+\w+\s+(\w+)/g)].map(([, name = ""]) => name.toLowerCase());
}

/** `LastModifiedDate` → `last_modified_date`. */
function columnName(name: string): string {
  return name.replace(/(?<=[a-z])(?=[A-Z])|^E(?=Tag$)/g, (one) => `${one}_`).toLowerCase();
}

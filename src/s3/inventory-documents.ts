/** Inventory configurations of a bucket, as far as somebody needs them who looks for its reports. */
import { child, childrenNamed, childText, type XmlElement } from "../core/xml.ts";
import { optional } from "./answers.ts";

/** One inventory of a bucket: what is reported how often, and where to. */
export interface InventorySetting {
  readonly id: string;
  readonly isEnabled: boolean;
  readonly prefix?: string;
  readonly versions: "All" | "Current";
  /** `Daily` or `Weekly`. */
  readonly frequency: string;
  /** `ReplicationStatus` and the like. */
  readonly fields: readonly string[];
  readonly destinationArn: string;
  readonly destinationPrefix?: string;
  /** `CSV`, `ORC` or `Parquet`. */
  readonly format: string;
}

/** @source https://docs.aws.amazon.com/AmazonS3/latest/API/API_InventoryConfiguration.html */
export function readInventory(element: XmlElement): InventorySetting {
  const inside = (name: string) => child(element, name) ?? NOTHING;
  const destination = child(inside("Destination"), "S3BucketDestination") ?? NOTHING;
  return {
    id: childText(element, "Id") ?? "",
    isEnabled: childText(element, "IsEnabled") === "true",
    ...optional("prefix", childText(inside("Filter"), "Prefix")),
    versions: childText(element, "IncludedObjectVersions") === "All" ? "All" : "Current",
    frequency: childText(inside("Schedule"), "Frequency") ?? "",
    fields: childrenNamed(inside("OptionalFields"), "Field").map((one) => one.text),
    destinationArn: childText(destination, "Bucket") ?? "",
    ...optional("destinationPrefix", childText(destination, "Prefix")),
    format: childText(destination, "Format") ?? "",
  };
}

const NOTHING: XmlElement = { name: "", children: [], text: "" };

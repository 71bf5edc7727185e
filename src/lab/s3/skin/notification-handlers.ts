/** Handlers of notification configurations. @source Amazon S3 API Reference, PutBucketNotificationConfiguration */
import { randomUUID } from "node:crypto";
import { child, childrenNamed, childText, type XmlElement, type XmlNode } from "../../../core/xml.ts";
import type { ServiceAnswer } from "../../model.ts";
import { s3Error } from "../errors.ts";
import type { EventRoute } from "../events/configuration.ts";
import { getBucketNotification, putBucketNotification } from "../notification.ts";
import type { S3Service } from "../service.ts";
import { emptyAnswer, xmlAnswer } from "./print.ts";
import { readXml, type S3Request } from "./request.ts";

export function handleGetBucketNotification(s3: S3Service, request: S3Request): ServiceAnswer {
  const { queues, eventBridge } = getBucketNotification(s3, request.call, request.bucket);
  return xmlAnswer([
    "NotificationConfiguration",
    [...queues.map(routeNode), eventBridge ? ["EventBridgeConfiguration", []] : undefined],
  ]);
}

function routeNode({ id, targetArn, events, prefix, suffix }: EventRoute): XmlNode {
  const rules = [
    ["Prefix", prefix],
    ["Suffix", suffix],
  ] as const;
  const shown = rules.flatMap(([name, value]): XmlNode[] =>
    value === undefined
      ? []
      : [
          [
            "FilterRule",
            [
              ["Name", name],
              ["Value", value],
            ],
          ],
        ],
  );
  return [
    "QueueConfiguration",
    [
      ["Id", id],
      ["Queue", targetArn],
      ...events.map((event): XmlNode => ["Event", event]),
      shown.length === 0 ? undefined : ["Filter", [["S3Key", shown]]],
    ],
  ];
}

export async function handlePutBucketNotification(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const root = await readXml(request, "NotificationConfiguration");
  const otherTargets = [
    ...childrenNamed(root, "TopicConfiguration").map((one) => childText(one, "Topic") ?? ""),
    ...childrenNamed(root, "CloudFunctionConfiguration").map((one) => childText(one, "CloudFunction") ?? ""),
  ];
  const configuration = {
    queues: childrenNamed(root, "QueueConfiguration").map(routeOf),
    eventBridge: child(root, "EventBridgeConfiguration") !== undefined,
  };
  const skipsValidation = request.headers["x-amz-skip-destination-validation"]?.toLowerCase() === "true";
  await putBucketNotification(s3, request.call, request.bucket, configuration, { otherTargets, skipsValidation });
  return emptyAnswer();
}

function routeOf(element: XmlElement): EventRoute {
  const targetArn = childText(element, "Queue");
  if (targetArn === undefined) throw s3Error("MalformedXML");
  const id = childText(element, "Id") ?? "";
  return {
    // S3 gives an id to every configuration that has none.
    id: id === "" ? randomUUID() : id,
    targetArn,
    events: childrenNamed(element, "Event").map(({ text }) => text),
    ...filterOf(element),
  };
}

function filterOf(element: XmlElement): Pick<EventRoute, "prefix" | "suffix"> {
  const filter = child(element, "Filter");
  const key = filter === undefined ? undefined : child(filter, "S3Key");
  const found: { prefix?: string; suffix?: string } = {};
  for (const rule of key === undefined ? [] : childrenNamed(key, "FilterRule")) {
    const name = childText(rule, "Name")?.toLowerCase();
    if (name !== "prefix" && name !== "suffix") {
      throw s3Error("InvalidArgument", { message: "filter rule name must be either prefix or suffix" });
    }
    if (found[name] !== undefined) {
      throw s3Error("InvalidArgument", { message: `Cannot specify more than one ${name} rule in a filter.` });
    }
    found[name] = childText(rule, "Value") ?? "";
  }
  return found;
}

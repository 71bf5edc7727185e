/** Notifications of a gateway of Ceph: a topic that pushes over HTTP, and a bucket whose events go to it. */
import assert from "node:assert/strict";
import { S3 } from "@aws-sdk/client-s3";
import type { Credentials } from "../../src/core/model.ts";
import { hashPayload, signHeaders } from "../../src/s3/sigv4.ts";
import type { End, TwoStores } from "../e2e/two-stores.ts";
import { REGION } from "./rgw.ts";

/** All events of the bucket go to the address. */
export async function notify(stores: TwoStores, end: End, bucket: string, url: string): Promise<void> {
  const of = (variable: string) => stores.environment[`${end.toUpperCase()}${variable}`] ?? "";
  const endpoint = of("");
  const credentials = { accessKeyId: of("_KEY"), secretAccessKey: of("_SECRET") };
  const name = `${bucket}-${end}`;
  await createTopic(endpoint, credentials, name, url);
  const s3 = new S3({ endpoint, region: REGION, credentials, forcePathStyle: true });
  const topic = {
    Id: name,
    TopicArn: `arn:aws:sns:group-${end === "here" ? "a" : "b"}::${name}`,
    Events: ["s3:ObjectCreated:*" as const, "s3:ObjectRemoved:*" as const],
  };
  await s3.putBucketNotificationConfiguration({
    Bucket: bucket,
    NotificationConfiguration: { TopicConfigurations: [topic] },
  });
  s3.destroy();
}

/** SNS's own call, which the gateway takes at its root. */
async function createTopic(endpoint: string, credentials: Credentials, name: string, url: string): Promise<void> {
  const body = new URLSearchParams({
    Action: "CreateTopic",
    Name: name,
    "Attributes.entry.1.key": "push-endpoint",
    "Attributes.entry.1.value": url,
  }).toString();
  const headers = { host: new URL(endpoint).host, "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  const request = { method: "POST", rawPath: "/", rawQuery: "", headers };
  const context = { credentials, region: REGION, service: "s3", nowMs: Date.now() };
  const signed = signHeaders(request, hashPayload(Buffer.from(body)), context);
  const response = await fetch(endpoint, { method: "POST", headers: { ...headers, ...signed }, body });
  assert.equal(response.status, 200, await response.text());
}

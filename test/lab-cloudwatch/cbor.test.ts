/** CloudWatch over Smithy's RPC protocol with CBOR, as newer clients speak it, signed and sent by hand. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { decodeCbor, encodeCbor } from "../../src/lab/cbor.ts";
import { hashPayload, signHeaders } from "../../src/s3/sigv4.ts";
import { REGION, TestLab } from "../lab-s3/lab.ts";

describe("CloudWatch over CBOR", () => {
  let lab: TestLab;
  before(async () => {
    lab = await TestLab.start();
    await lab.bucket("measured");
  });
  after(() => lab.stop());

  async function call(operation: string, input: object, body: Uint8Array = encodeCbor(input)): Promise<Response> {
    const url = new URL(`/service/GraniteServiceVersion20100801/operation/${operation}`, lab.endpoint);
    const headers = { host: url.host, "content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor" };
    const context = { credentials: lab.alice, region: REGION, service: "monitoring", nowMs: Date.now() };
    const request = { method: "POST", rawPath: url.pathname, rawQuery: "", headers };
    const signed = signHeaders(request, hashPayload(body), context);
    const { host: _, ...sent } = headers;
    return await fetch(url, { method: "POST", headers: { ...sent, ...signed }, body: Buffer.from(body) });
  }

  const membersOf = async (answer: Response) => decodeCbor(new Uint8Array(await answer.arrayBuffer()));

  it("answers in CBOR, with instants as numbers of seconds", async () => {
    const Dimensions = [
      { Name: "BucketName", Value: "measured" },
      { Name: "StorageType", Value: "AllStorageTypes" },
    ];
    const nowMs = Date.now();
    const answer = await call("GetMetricStatistics", {
      Namespace: "AWS/S3",
      MetricName: "NumberOfObjects",
      Dimensions,
      StartTime: new Date(nowMs - 86_400_000),
      EndTime: new Date(nowMs + 1000),
      Period: 86_400,
      Statistics: ["Maximum"],
    });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("smithy-protocol"), "rpc-v2-cbor");
    const Timestamp = Math.floor(nowMs / 86_400_000) * 86_400;
    assert.deepEqual(await membersOf(answer), {
      Label: "NumberOfObjects",
      Datapoints: [{ Timestamp, Maximum: 0, Unit: "Count" }],
    });
  });

  it("refuses in CBOR, and tells the name of the query protocol in a header", async () => {
    const refused = await call("ListMetrics", { RecentlyActive: "PT9H" });
    assert.equal(refused.status, 400);
    assert.equal(refused.headers.get("x-amzn-query-error"), "InvalidParameterValue;Sender");
    const { __type } = (await membersOf(refused)) as { __type: string };
    assert.equal(__type, "com.amazonaws.cloudwatch#InvalidParameterValueException");
    const unreadable = await call("ListMetrics", {}, Uint8Array.of(0x9f));
    const { __type: type } = (await membersOf(unreadable)) as { __type: string };
    assert.equal(type, "com.amazonaws.cloudwatch#SerializationException");
  });
});

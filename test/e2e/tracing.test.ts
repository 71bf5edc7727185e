/** Traces of `lockstep run`, as a receiver of OTLP gets them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, afterEach, before, describe, it } from "node:test";
import { replication, TwoStores } from "./two-stores.ts";

const METADATA = { contentHeaders: {}, userMetadata: {} };

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number | string; readonly doubleValue?: number };
}

/** A span as OTLP's JSON has it. */
interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code: number; readonly message?: string };
}

interface Posted {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
}

/** Takes everything, or answers that it takes nothing. */
class Receiver {
  readonly posted: { readonly body: Posted; readonly authorization: string | undefined }[] = [];
  status = 200;
  readonly #server: Server = createServer((request, response) => void this.#take(request, response));

  async open(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/traces`;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Posted;
    if (this.status === 200) this.posted.push({ body, authorization: request.headers.authorization });
    response.writeHead(this.status, { "content-type": "application/json" }).end("{}");
  }

  get spans(): readonly Span[] {
    const resources = this.posted.flatMap(({ body }) => body.resourceSpans);
    return resources.flatMap((one) => one.scopeSpans).flatMap((one) => one.spans);
  }

  spanOf(key: string): Span {
    const found = this.spans.filter((one) => attributeOf(one.attributes, "aws.s3.key") === key);
    assert.equal(found.length, 1, `spans of ${key}`);
    return found[0] as Span;
  }

  async close(): Promise<void> {
    this.#server.close();
    await once(this.#server, "close");
  }
}

function attributeOf(attributes: readonly Attribute[], name: string): string | undefined {
  const value = attributes.find((one) => one.key === name)?.value;
  return value === undefined ? undefined : String(value.stringValue ?? value.intValue ?? value.doubleValue);
}

describe("traces of run", () => {
  const receiver = new Receiver();
  let stores: TwoStores;
  let endpoint: string;
  before(async () => {
    stores = await TwoStores.open();
    endpoint = await receiver.open();
  });
  afterEach(() => {
    receiver.posted.length = 0;
    receiver.status = 200;
  });
  after(async () => {
    await stores.close();
    await receiver.close();
  });

  async function written(bucket: string, keys: readonly string[]): Promise<void> {
    await stores.bucket(bucket);
    const policy = {
      Version: "2012-10-17",
      Statement: [
        { Effect: "Deny", Principal: "*", Action: "s3:PutObject", Resource: `arn:aws:s3:::${bucket}/denied/*` },
      ],
    };
    await stores.there.putBucketPolicy(bucket, JSON.stringify(policy));
    for (const key of keys) await stores.here.putObject({ bucket, key, body: Buffer.from("four"), ...METADATA });
  }

  async function ranOnce(bucket: string, section: string): Promise<string> {
    Object.assign(stores.environment, { OTLP: endpoint, OTLP_AUTHORIZATION: "Bearer of-traces" });
    const path = stores.configure(bucket, replication(bucket), section);
    const { stderr } = await stores.run(path, "--once");
    return stderr;
  }

  it("sends a span for each try, with what failed and why", async () => {
    await written("traced", ["denied/one", "plain"]);
    const section = `tracing: {endpoint: "\${OTLP}", headers: {authorization: "\${OTLP_AUTHORIZATION}"}}`;
    await ranOnce("traced", section);
    assert.equal(receiver.spans.length, 2);
    assert.deepEqual([...new Set(receiver.posted.map((one) => one.authorization))], ["Bearer of-traces"]);
    const resource = receiver.posted[0]?.body.resourceSpans[0]?.resource.attributes ?? [];
    assert.equal(attributeOf(resource, "service.name"), "lockstep");

    const plain = receiver.spanOf("plain");
    assert.equal(plain.name, "replicate put");
    assert.equal(plain.status.code, 1);
    assert.equal(attributeOf(plain.attributes, "aws.s3.bucket"), "traced-here");
    assert.equal(attributeOf(plain.attributes, "lockstep.destination"), "arn:aws:s3:::traced-there");
    assert.equal(attributeOf(plain.attributes, "lockstep.rule"), "all");
    assert.equal(attributeOf(plain.attributes, "lockstep.sent_bytes"), "4");
    assert.equal(attributeOf(plain.attributes, "error.type"), undefined);
    const [startMs, endMs] = [plain.startTimeUnixNano, plain.endTimeUnixNano].map((one) =>
      Number(BigInt(one) / 1_000_000n),
    );
    assert.ok(
      startMs !== undefined && endMs !== undefined && startMs <= endMs && Math.abs(Date.now() - endMs) < 600_000,
    );

    const denied = receiver.spanOf("denied/one");
    assert.equal(denied.status.code, 2);
    assert.match(denied.status.message ?? "", /^[A-Z]\w+: /);
    assert.match(attributeOf(denied.attributes, "error.type") ?? "", /^Dst/);
    assert.equal(attributeOf(denied.attributes, "http.response.status_code"), "403");
    assert.equal(attributeOf(denied.attributes, "lockstep.error_code"), "AccessDenied");
    assert.ok(attributeOf(denied.attributes, "lockstep.destination_request_id"));
    assert.notEqual(denied.traceId, plain.traceId);
  });

  it("has one trace for all tries of a version, also of different runs", async () => {
    await written("again", ["denied/one"]);
    const section = `tracing: {endpoint: "\${OTLP}"}`;
    await ranOnce("again", section);
    const first = receiver.spanOf("denied/one").traceId;
    receiver.posted.length = 0;
    await stores.there.deleteBucketPolicy("again");
    // The same work with a ledger that knows nothing of the first try.
    const path = stores.configure("again-anew", replication("again"), section);
    await stores.run(path, "--once");
    const second = receiver.spanOf("denied/one");
    assert.equal(second.status.code, 1);
    assert.equal(second.traceId, first);
  });

  it("sends failures only where nothing is sampled", async () => {
    await written("sampled", ["denied/one", "plain"]);
    await ranOnce("sampled", `tracing: {endpoint: "\${OTLP}", sample: 0}`);
    assert.deepEqual(
      receiver.spans.map((one) => attributeOf(one.attributes, "aws.s3.key")),
      ["denied/one"],
    );
  });

  it("replicates as well when the receiver takes nothing, and says so once", async () => {
    await written("refused", ["one", "two"]);
    receiver.status = 400;
    const says = await ranOnce("refused", `tracing: {endpoint: "\${OTLP}"}`);
    assert.equal(says.match(/traces are not taken by 127\.0\.0\.1:\d+/g)?.length, 1);
    assert.equal((await stores.there.listObjectVersions({ bucket: "refused" })).versions.length, 2);
  });
});

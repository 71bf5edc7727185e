/** Webhooks over real HTTP: who is let in, what is answered, and that nothing is answered before it is done. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request as tlsRequest } from "node:https";
import { afterEach, describe, it } from "node:test";
import { systemClock } from "../../src/cli/clock.ts";
import type { WebhookSettings } from "../../src/cli/config/settings.ts";
import { AccessError } from "../../src/cli/errors.ts";
import { openWebhooks, type Webhooks } from "../../src/cli/run/webhooks.ts";
import { NotTakenError } from "../../src/engine/notifications/dirty-keys.ts";
import { NotificationReceiver } from "../../src/engine/notifications/receiver.ts";
import { S3Error } from "../../src/s3/errors.ts";

const TOKEN = "a-token";
const CEPH: WebhookSettings = { site: "ceph", host: "127.0.0.1", port: 0, path: "/ceph", token: TOKEN };
const MINIO: WebhookSettings = { ...CEPH, site: "minio", path: "/minio", token: "another" };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const basic = (user: string, token: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${token}`).toString("base64")}`,
});

function notification(bucket: string, key: string, name = "ObjectCreated:Put"): string {
  const s3 = { bucket: { name: bucket }, object: { key, versionId: "v1" } };
  return JSON.stringify({ Records: [{ eventSource: "aws:s3", eventName: name, s3 }] });
}

describe("webhooks", () => {
  let webhooks: Webhooks | undefined;
  const marked: string[] = [];
  const troubles: string[] = [];
  let onMark: (key: string) => Promise<void> = async () => undefined;
  afterEach(async () => {
    await webhooks?.close();
    marked.length = 0;
    troubles.length = 0;
    onMark = async () => undefined;
  });

  async function open(...settings: WebhookSettings[]): Promise<readonly string[]> {
    const receiver = new NotificationReceiver({
      changes: {
        mark: async (bucket, key, metadata) => {
          await onMark(key);
          marked.push([bucket, key, ...(metadata === undefined ? [] : Object.values(metadata))].join(" "));
        },
      },
      nameOf: (site, bucket) => (bucket === "photos" ? `photos-${site}` : undefined),
      onTrouble: (says) => troubles.push(says),
    });
    const clock = systemClock(() => Date.now());
    webhooks = await openWebhooks({ webhooks: settings, receiver, clock, onTrouble: (says) => troubles.push(says) });
    return webhooks.urls;
  }

  async function post(url: string, body: string, headers: Record<string, string> = bearer(TOKEN)) {
    const response = await fetch(url, { method: "POST", body, headers });
    return { status: response.status, value: (await response.json()) as Record<string, unknown>, response };
  }

  it("take a notification, and call the bucket by its name in the configuration", async () => {
    const [url = ""] = await open(CEPH);
    const { status, value } = await post(url, notification("photos", "a+b"));
    assert.deepEqual([status, value], [200, { changes: 1, ignored: 0, problems: [] }]);
    const tags = await post(url, notification("photos", "c", "ObjectTagging:Put"));
    assert.equal(tags.status, 200);
    assert.deepEqual(marked, ["photos-ceph a b", "photos-ceph c tags v1"]);
  });

  it("let nobody in without the token: as a bearer, as a password, or as the last part of the path", async () => {
    const [ceph = "", minio = ""] = await open(CEPH, MINIO);
    const body = notification("photos", "k");
    for (const headers of [
      bearer(TOKEN),
      basic("ceph", TOKEN),
      basic("", TOKEN),
      { authorization: `bearer  ${TOKEN}` },
    ]) {
      assert.equal((await post(ceph, body, headers)).status, 200, JSON.stringify(headers));
    }
    assert.equal((await post(`${ceph}/${TOKEN}`, body, {})).status, 200);
    assert.equal((await post(minio, body, bearer("another"))).status, 200);
    assert.equal(marked.length, 6);
    for (const headers of [{}, bearer("another"), bearer(""), basic(TOKEN, "no"), { authorization: TOKEN }]) {
      const { status, response } = await post(ceph, body, headers);
      assert.deepEqual([status, response.headers.get("www-authenticate")], [401, 'Basic realm="lockstep"']);
    }
    assert.equal((await post(`${ceph}/wrong`, body, {})).status, 404);
    assert.equal((await post(ceph.replace("/ceph", "/"), body)).status, 404);
    assert.equal((await post(ceph.replace("/ceph", "/cephalopod"), body)).status, 404);
    assert.equal(marked.length, 6);
  });

  it("answer those who only try whether somebody is there", async () => {
    const [url = ""] = await open(CEPH);
    for (const method of ["HEAD", "GET"]) {
      assert.equal((await fetch(url, { method, headers: bearer(TOKEN) })).status, 200);
      assert.equal((await fetch(url, { method })).status, 401);
    }
    assert.equal((await post(url, "")).status, 200);
    assert.equal((await fetch(url, { method: "DELETE", headers: bearer(TOKEN) })).status, 405);
    assert.deepEqual(troubles, []);
  });

  it("answer only when everything is durable", async () => {
    const [url = ""] = await open(CEPH);
    let release: () => void = () => undefined;
    let begun: () => void = () => undefined;
    const waits = new Promise<void>((resolve) => {
      begun = resolve;
    });
    onMark = async (key) => {
      if (key !== "slow") return;
      begun();
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    };
    let isAnswered = false;
    const slow = post(url, notification("photos", "slow")).then((one) => {
      isAnswered = true;
      return one;
    });
    await waits;
    assert.equal((await post(url, notification("photos", "quick"))).status, 200);
    assert.equal(isAnswered, false);
    release();
    assert.equal((await slow).status, 200);
  });

  it("answer 503 when that cannot be done now, so that the sender sends it again", async () => {
    const [url = ""] = await open(CEPH);
    const errors = [
      new NotTakenError("too many"),
      new S3Error("the store is away", { operation: "ListObjectVersions", network: "refused" }),
      new Error("the disk is gone"),
    ];
    for (const error of errors) {
      onMark = async () => {
        throw error;
      };
      const { status, response, value } = await post(url, notification("photos", "k"));
      assert.deepEqual([status, response.headers.get("retry-after"), value["error"]], [503, "5", error.message]);
    }
    assert.deepEqual(troubles, ["webhook /ceph: the disk is gone"], "what is no answer of a store is told");
  });

  it("tell and count what nobody understands, and go on", async () => {
    const [url = ""] = await open(CEPH);
    for (let count = 0; count < 12; count++) {
      const { status, value } = await post(url, "<Event/>");
      assert.deepEqual([status, value["problems"]], [400, ["not a JSON object: <Event/>"]]);
    }
    assert.deepEqual(troubles, [
      "webhook /ceph: not understood: not a JSON object: <Event/>",
      "webhook /ceph: not understood (10 times so far): not a JSON object: <Event/>",
    ]);
    assert.equal((await post(url, notification("photos", "k"))).status, 200);
  });

  it("take events of buckets that nothing is replicated from, and do nothing", async () => {
    const [url = ""] = await open(CEPH);
    const { status, value } = await post(url, notification("music", "k"));
    assert.deepEqual([status, value["changes"], value["ignored"], marked], [200, 0, 1, []]);
  });

  it("refuse a body that is too long, and go on", async () => {
    const [url = ""] = await open(CEPH);
    assert.equal((await post(url, "x".repeat(4 * 1024 * 1024 + 1))).status, 413);
    assert.equal((await post(url, notification("photos", "k"))).status, 200);
  });

  it("listen with TLS when they are given a certificate", async () => {
    const tls = {
      certificate: readFileSync("test/fixtures/tls/self-signed.pem", "utf8"),
      key: readFileSync("test/fixtures/tls/key.pem", "utf8"),
    };
    const [url = ""] = await open({ ...CEPH, tls });
    assert.match(url, /^https:/);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const options = { method: "POST", headers: bearer(TOKEN), rejectUnauthorized: false };
      const request = tlsRequest(url, options, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on("error", reject);
      request.end(notification("photos", "k"));
    });
    assert.deepEqual([status, marked], [200, ["photos-ceph k"]]);
  });

  it("say that a port is taken, and let go of the others", async () => {
    const [url = ""] = await open(CEPH);
    const taken = { ...MINIO, port: Number(new URL(url).port) };
    const first = webhooks;
    await assert.rejects(open({ ...MINIO, path: "/other" }, taken), (error) => {
      assert.ok(error instanceof AccessError);
      assert.match(error.message, /is in use: choose another one under intake\.webhooks/);
      return true;
    });
    webhooks = first;
  });
});

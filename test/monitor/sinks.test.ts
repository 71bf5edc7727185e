/** Sinks against real listeners on the loopback interface: what goes over the wire, and what their answers mean. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from "node:net";
import { after, before, beforeEach, describe, it } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import type { Alert, Message } from "../../src/monitor/alerts/model.ts";
import { emailSink } from "../../src/monitor/sinks/email.ts";
import { pagerDutySink } from "../../src/monitor/sinks/pagerduty.ts";
import { SinkError } from "../../src/monitor/sinks/sink.ts";
import { slackSink } from "../../src/monitor/sinks/slack.ts";
import { snsSink } from "../../src/monitor/sinks/sns.ts";
import { webhookSink } from "../../src/monitor/sinks/webhook.ts";
import { hashPayload, signHeaders } from "../../src/s3/sigv4.ts";

const NOW = Date.UTC(2026, 2, 1, 12);
const clock = () => NOW;
const SIGNAL = new AbortController().signal;

const ALERT: Alert = {
  id: "0123456789ab",
  condition: "newCause",
  conditions: ["newCause"],
  state: "firing",
  severity: "critical",
  title: "photos → photos-dr: The role may not write <replicas> & more",
  says: '1,204 versions FAILED (DstPutObjectNotPermitted, rule "all")',
  counts: { failed: 1204 },
  command: "lockstep fix s3://photos",
  subject: "photos",
  bucket: "photos",
  ruleId: "all",
  destinationArn: "arn:aws:s3:::photos-dr",
  code: "DstPutObjectNotPermitted",
  exampleKey: "<!channel> a&b.jpg",
  sinceMs: NOW - 60_000,
  firedAtMs: NOW - 30_000,
};

const FIRING: Message = {
  id: "c0ffee00-7",
  status: "firing",
  kind: "alert",
  thread: ALERT.id,
  severity: "critical",
  atMs: NOW,
  alerts: [ALERT],
  more: 0,
};
const RESOLVED: Message = {
  ...FIRING,
  id: "c0ffee00-8",
  status: "resolved",
  alerts: [{ ...ALERT, state: "resolved", resolvedAtMs: NOW }],
};
const DIGEST: Message = {
  ...FIRING,
  id: "c0ffee00-9",
  kind: "digest",
  thread: "digest 5",
  alerts: Array(10).fill(ALERT),
  more: 485,
};

interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

describe("sinks over HTTP", () => {
  const asked: Asked[] = [];
  let answer: { status: number; headers?: Record<string, string>; body?: string } = { status: 200 };
  let server: Server;
  let url = "";

  before(async () => {
    server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on("end", () => {
        asked.push({ method: request.method, url: request.url, headers: request.headers, body });
        response.writeHead(answer.status, answer.headers);
        response.end(answer.body);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hidden-path`;
  });
  beforeEach(() => {
    asked.length = 0;
    answer = { status: 200 };
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const only = (): Asked => {
    assert.equal(asked.length, 1);
    return asked[0] ?? assert.fail();
  };
  const json = <T>(one: Asked): T => JSON.parse(one.body) as T;

  it("a webhook gets what Alertmanager posts, with a token and a signature", async () => {
    const sink = webhookSink({ name: "hook", url, token: "t0ken", hmacKey: "k3y", clock });
    await sink.send(FIRING, SIGNAL);
    const one = only();
    assert.equal(one.headers.authorization, "Bearer t0ken");
    assert.equal(one.headers["x-lockstep-message"], FIRING.id);
    const timestamp = String(one.headers["x-lockstep-timestamp"]);
    const expected = createHmac("sha256", "k3y").update(`${timestamp}.${one.body}`).digest("hex");
    assert.equal(one.headers["x-lockstep-signature"], `sha256=${expected}`);
    assert.deepEqual(json(one), {
      version: "4",
      groupKey: "lockstep/0123456789ab",
      truncatedAlerts: 0,
      status: "firing",
      receiver: "hook",
      groupLabels: { job: "lockstep" },
      commonLabels: { job: "lockstep", kind: "alert", severity: "critical" },
      commonAnnotations: { summary: `[FIRING] ${ALERT.title}` },
      externalURL: "",
      alerts: [
        {
          status: "firing",
          labels: {
            alertname: "LockstepNewCause",
            severity: "critical",
            replication: "photos",
            bucket: "photos",
            rule: "all",
            destination: "arn:aws:s3:::photos-dr",
            reason: "DstPutObjectNotPermitted",
          },
          annotations: {
            summary: ALERT.title,
            description: ALERT.says,
            command: "lockstep fix s3://photos",
            example: "<!channel> a&b.jpg",
            counts: '{"failed":1204}',
            alert: ALERT.id,
          },
          startsAt: "2026-03-01T11:59:30.000Z",
          endsAt: "0001-01-01T00:00:00Z",
          generatorURL: "",
          fingerprint: ALERT.id,
        },
      ],
    });
    asked.length = 0;
    await sink.send(RESOLVED, SIGNAL);
    const { alerts } = json<{ alerts: { status: string; endsAt: string }[] }>(only());
    assert.deepEqual([alerts[0]?.status, alerts[0]?.endsAt], ["resolved", "2026-03-01T12:00:00.000Z"]);
  });

  it("Slack gets blocks in which nobody is mentioned and nothing is a link", async () => {
    await slackSink({ url, clock }).send(FIRING, SIGNAL);
    const one = only();
    assert.doesNotMatch(one.body, /<!channel>/);
    const { text, blocks } = json<{ text: string; blocks: { type: string; text: { text: string } }[] }>(one);
    assert.equal(text, "[FIRING] photos → photos-dr: The role may not write &lt;replicas&gt; &amp; more");
    assert.deepEqual(
      blocks.map((block) => block.type),
      ["header", "section"],
    );
    assert.match(blocks[1]?.text.text ?? "", /\n1,204 versions FAILED .*\nFor example: &lt;!channel&gt; a&amp;b.jpg\n/);
    assert.match(blocks[1]?.text.text ?? "", /\nWhat to do: `lockstep fix s3:\/\/photos`\n/);
  });

  it("Slack's limits of blocks and texts are kept for the longest messages", async () => {
    const long = { ...ALERT, title: "t".repeat(5000), says: "s".repeat(5000) };
    await slackSink({ url, clock }).send({ ...FIRING, alerts: Array(50).fill(long) as Alert[], more: 7 }, SIGNAL);
    const { blocks } = json<{ blocks: { type: string; text: { text: string } }[] }>(only());
    assert.ok(blocks.length <= 50);
    assert.ok((blocks[0]?.text.text.length ?? 0) <= 150);
    assert.ok(blocks.every((block) => block.text.text.length <= 3000));
    assert.match(blocks.at(-1)?.text.text ?? "", /^and 37 more causes/);
  });

  it("PagerDuty gets one incident for each alert, resolved by the same key, and one for a digest", async () => {
    const sink = pagerDutySink({ routingKey: "r0uting", url, clock });
    for (const one of [FIRING, RESOLVED, DIGEST, { ...DIGEST, status: "resolved", alerts: [], more: 0 } as const]) {
      await sink.send(one, SIGNAL);
    }
    type Event = { routing_key: string; event_action: string; dedup_key: string; payload?: Record<string, unknown> };
    const events = asked.map((one) => json<Event>(one));
    assert.deepEqual(
      events.map((one) => [one.routing_key, one.event_action, one.dedup_key]),
      [
        ["r0uting", "trigger", "lockstep/c0ffee00/0123456789ab"],
        ["r0uting", "resolve", "lockstep/c0ffee00/0123456789ab"],
        ["r0uting", "trigger", "lockstep/c0ffee00/digest 5"],
        ["r0uting", "resolve", "lockstep/c0ffee00/digest 5"],
      ],
    );
    assert.equal(events[0]?.payload?.["severity"], "critical");
    assert.equal(events[0]?.payload?.["class"], "DstPutObjectNotPermitted");
    assert.equal(events[2]?.payload?.["summary"], "[FIRING] Lockstep: 495 more causes");
  });

  it("SNS gets a signed request of its query protocol; topics that keep order know what comes twice", async () => {
    const credentials = { accessKeyId: "AKID", secretAccessKey: "s3cret" };
    const topicArn = "arn:aws:sns:eu-west-1:111122223333:alerts.fifo";
    const endpoint = new URL(url).origin;
    await snsSink({ topicArn, endpoint, credentials: async () => credentials, clock }).send(FIRING, SIGNAL);
    const one = only();
    const form = Object.fromEntries(new URLSearchParams(one.body));
    assert.deepEqual([one.method, one.url, form["Action"], form["TopicArn"]], ["POST", "/", "Publish", topicArn]);
    assert.equal(form["MessageDeduplicationId"], FIRING.id);
    assert.match(form["Subject"] ?? "", /^\[FIRING\] photos -> photos-dr/);
    assert.match(form["Subject"] ?? "", /^[\x20-\x7e]{1,99}$/);
    assert.match(form["Message"] ?? "", /What to do: lockstep fix s3:\/\/photos\n/);
    // As whoever receives it computes it: over the headers that arrived.
    const headers = { host: String(one.headers.host), "content-type": String(one.headers["content-type"]) };
    const again = signHeaders(
      { method: "POST", rawPath: "/", rawQuery: "", headers },
      hashPayload(Buffer.from(one.body)),
      { credentials, region: "eu-west-1", service: "sns", nowMs: NOW },
    );
    assert.equal(one.headers.authorization, again["authorization"]);
    assert.match(again["authorization"] ?? "", /AKID\/20260301\/eu-west-1\/sns\/aws4_request/);
  });

  const refusal = async (): Promise<SinkError> => {
    try {
      await slackSink({ url, clock }).send(FIRING, SIGNAL);
    } catch (error) {
      assert.ok(error instanceof SinkError);
      return error;
    }
    return assert.fail("it was taken");
  };

  it("an answer says whether to try again, and when; and what is said of it holds no secret", async () => {
    answer = { status: 429, headers: { "retry-after": "120" } };
    assert.deepEqual([(await refusal()).isFinal, (await refusal()).retryAfterMs], [false, 120_000]);
    answer = { status: 503, headers: { "retry-after": new Date(NOW + 5000).toUTCString() } };
    assert.equal((await refusal()).retryAfterMs, 5000);
    answer = { status: 400, body: "invalid_\nblocks" };
    const { isFinal, message } = await refusal();
    assert.equal(isFinal, true);
    assert.match(message, /^127\.0\.0\.1:\d+ answers 400: invalid_ blocks$/);
    // Somebody has to correct the address: that may come.
    for (const status of [301, 401, 403, 404, 500]) {
      answer = { status };
      assert.equal((await refusal()).isFinal, false);
    }
  });

  it("nobody there is a failure that passes", async () => {
    const gone = createTcpServer().listen(0, "127.0.0.1");
    await once(gone, "listening");
    const { port } = gone.address() as AddressInfo;
    gone.close();
    await once(gone, "close");
    await assert.rejects(slackSink({ url: `http://127.0.0.1:${port}/hidden`, clock }).send(FIRING, SIGNAL), (error) => {
      assert.ok(error instanceof SinkError);
      assert.equal(error.message, `127.0.0.1:${port} does not answer (ECONNREFUSED)`);
      return !error.isFinal;
    });
  });
});

interface Mail {
  readonly said: readonly string[];
  readonly data: string;
}

/** As much of a mail server as one client needs. `refuse` answers a command by its first word. */
class MailServer {
  readonly mails: Mail[] = [];
  refuse: Readonly<Record<string, string>> = {};
  readonly #server: TcpServer;
  readonly #sockets = new Set<Socket>();

  constructor(tls?: { readonly cert: string; readonly key: string }) {
    const serve = (socket: Socket) => this.#serve(socket);
    this.#server = tls === undefined ? createTcpServer(serve) : createTlsServer(tls, serve);
  }

  async listen(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const one of this.#sockets) one.destroy();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    const said: string[] = [];
    let data: string[] | undefined;
    let text = "";
    const say = (line: string) => socket.write(`${line}\r\n`);
    say("220 mail.test ESMTP");
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      for (let end = text.indexOf("\r\n"); end >= 0; end = text.indexOf("\r\n")) {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        if (data !== undefined) {
          if (line !== ".") data.push(line);
          else {
            this.mails.push({ said: [...said], data: data.join("\n") });
            data = undefined;
            say("250 taken");
          }
          continue;
        }
        said.push(line);
        const word = line.split(/[ :]/)[0]?.toUpperCase() ?? "";
        const refused = this.refuse[word];
        if (refused !== undefined) say(refused);
        else if (word === "EHLO") socket.write("250-mail.test\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n");
        else if (word === "STARTTLS") say("502 not here");
        else if (word === "AUTH") say("235 welcome");
        else if (word === "DATA") {
          data = [];
          say("354 go on");
        } else if (word === "QUIT") socket.end("221 bye\r\n");
        else say("250 well");
      }
    });
  }
}

describe("mail", () => {
  const TLS = {
    cert: readFileSync("test/fixtures/tls/self-signed.pem", "utf8"),
    key: readFileSync("test/fixtures/tls/key.pem", "utf8"),
  };
  const plain = new MailServer();
  const secure = new MailServer(TLS);
  let port = 0;
  let securePort = 0;
  before(async () => {
    [port, securePort] = await Promise.all([plain.listen(), secure.listen()]);
  });
  beforeEach(() => {
    plain.mails.length = 0;
    plain.refuse = {};
  });
  after(() => {
    plain.close();
    secure.close();
  });
  const options = {
    host: "127.0.0.1",
    tls: "none",
    from: "lockstep@example.org",
    to: ["a@example.org", "b@example.org"],
  } as const;

  it("goes to everybody, and all of one alert is one conversation", async () => {
    const sink = emailSink({ ...options, port });
    await sink.send(FIRING, SIGNAL);
    await sink.send(RESOLVED, SIGNAL);
    const [mail, end] = plain.mails;
    assert.deepEqual(
      mail?.said.filter((one) => /^(MAIL|RCPT)/.test(one)).map((one) => one.replace(/>.*$/, ">")),
      ["MAIL FROM:<lockstep@example.org>", "RCPT TO:<a@example.org>", "RCPT TO:<b@example.org>"],
    );
    assert.match(mail?.data ?? "", /^Message-ID: <c0ffee00-7@lockstep>$/m);
    assert.match(mail?.data ?? "", /^Auto-Submitted: auto-generated$/m);
    assert.match(mail?.data ?? "", /What to do: lockstep fix s3:\/\/photos/);
    const conversation = (one: Mail | undefined) => /^References: (<.+>)$/m.exec(one?.data ?? "")?.[1];
    assert.ok(conversation(mail));
    assert.equal(conversation(end), conversation(mail));
  });

  it("a title cannot add headers", async () => {
    const alerts = [{ ...ALERT, title: "a\r\nBcc: everybody@example.org" }];
    await emailSink({ ...options, port }).send({ ...FIRING, alerts }, SIGNAL);
    assert.doesNotMatch(plain.mails[0]?.data.split("\n\n")[0] ?? "", /^Bcc/m);
    assert.equal(
      plain.mails[0]?.said.some((one) => one.includes("everybody")),
      false,
    );
  });

  it("goes over TLS with a user and a password", async () => {
    const sink = emailSink({
      ...options,
      tls: "always",
      ca: TLS.cert,

      port: securePort,
      user: "u",
      password: "p4ss",
    });
    await sink.send(FIRING, SIGNAL);
    const auth = secure.mails[0]?.said.find((one) => one.startsWith("AUTH PLAIN "));
    assert.equal(Buffer.from(auth?.slice(11) ?? "", "base64").toString(), "\0u\0p4ss");
  });

  it("is not sent in plain text unless that is said, and not to a server that is not trusted", async () => {
    await assert.rejects(emailSink({ ...options, tls: "required", port }).send(FIRING, SIGNAL), SinkError);
    await assert.rejects(emailSink({ ...options, tls: "always", port: securePort }).send(FIRING, SIGNAL), SinkError);
    assert.equal(plain.mails.length, 0);
  });

  it("a mail that is put off is tried again, one that is refused is not for ever, and no password is repeated", async () => {
    const sink = emailSink({ ...options, port, user: "u", password: "p4ss" });
    const failed = async (refuse: Readonly<Record<string, string>>) => {
      plain.refuse = refuse;
      return await sink.send(FIRING, SIGNAL).then(
        () => assert.fail("it was taken"),
        (error: unknown) => (error instanceof SinkError ? error : assert.fail(String(error))),
      );
    };
    assert.equal((await failed({ MAIL: "451 later" })).isFinal, false);
    assert.equal((await failed({ MAIL: "550 never" })).isFinal, true);
    const denied = await failed({ AUTH: "535 p4ss is wrong" });
    assert.equal(denied.isFinal, false);
    assert.equal(denied.message, "the mail server 127.0.0.1 does not take it (EAUTH 535)");
  });
});

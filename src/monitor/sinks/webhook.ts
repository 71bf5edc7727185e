/**
 * Posts what Alertmanager posts to its webhook receivers, so that whatever takes those takes these.
 *
 * @source https://prometheus.io/docs/alerting/latest/configuration/#webhook_config (version 4)
 */
import { createHmac } from "node:crypto";
import type { Alert, Message } from "../alerts/model.ts";
import { post } from "./post.ts";
import type { Sink } from "./sink.ts";
import { subjectOf } from "./text.ts";

export interface WebhookOptions {
  /** The sink's. */
  readonly name: string;
  readonly url: string;
  /** Shown as a bearer token. */
  readonly token?: string;
  /** Signs `TIMESTAMP.BODY` with HMAC-SHA-256, so that the receiver knows who sent it and when. */
  readonly hmacKey?: string;
  readonly clock: () => number;
}

/** Alertmanager's way to say that there is no end yet. */
const NO_TIME = "0001-01-01T00:00:00Z";

export function webhookSink({ name, url, token, hmacKey, clock }: WebhookOptions): Sink {
  return {
    send: async (message, signal) => {
      const body = JSON.stringify(webhookBody(message, name));
      const timestamp = String(Math.floor(clock() / 1000));
      const headers = {
        "content-type": "application/json",
        "user-agent": "lockstep",
        "x-lockstep-message": message.id,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(hmacKey === undefined
          ? {}
          : {
              "x-lockstep-timestamp": timestamp,
              "x-lockstep-signature": `sha256=${createHmac("sha256", hmacKey).update(`${timestamp}.${body}`).digest("hex")}`,
            }),
      };
      await post({ url, headers, body }, clock(), signal);
    },
  };
}

function webhookBody(message: Message, receiver: string) {
  const { kind, thread, status, severity, more, alerts } = message;
  const shown = alerts.map(alertBody);
  return {
    version: "4",
    groupKey: `lockstep/${thread}`,
    truncatedAlerts: more,
    status,
    receiver,
    groupLabels: { job: "lockstep" },
    commonLabels: { job: "lockstep", kind, severity },
    commonAnnotations: { summary: subjectOf(message) },
    externalURL: "",
    alerts: shown,
  };
}

function alertBody(alert: Alert) {
  const { id, condition, state, severity, subject, bucket, ruleId, destinationArn, code } = alert;
  const { title, says, command, exampleKey, counts, firedAtMs, sinceMs, resolvedAtMs } = alert;
  const given = (labels: Readonly<Record<string, string | undefined>>) =>
    Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== undefined));
  return {
    status: state === "resolved" ? "resolved" : "firing",
    labels: given({
      alertname: `Lockstep${condition.charAt(0).toUpperCase()}${condition.slice(1)}`,
      severity,
      replication: subject,
      bucket,
      rule: ruleId,
      destination: destinationArn,
      reason: code,
    }),
    annotations: given({
      summary: title,
      description: says,
      command,
      example: exampleKey,
      counts: JSON.stringify(counts),
      alert: id,
    }),
    startsAt: new Date(firedAtMs ?? sinceMs).toISOString(),
    endsAt: state === "resolved" && resolvedAtMs !== undefined ? new Date(resolvedAtMs).toISOString() : NO_TIME,
    generatorURL: "",
    fingerprint: id,
  };
}

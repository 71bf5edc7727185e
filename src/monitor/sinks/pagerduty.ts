/**
 * Sends events to PagerDuty: each alert is an incident of its own, and a digest is one. Sent twice it is the same incident.
 *
 * @source https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
 */
import type { Alert, Message } from "../alerts/model.ts";
import { post } from "./post.ts";
import type { Sink } from "./sink.ts";
import { bodyOf, subjectOf } from "./text.ts";

export interface PagerDutyOptions {
  /** The integration's key: a secret. */
  readonly routingKey: string;
  /** Default: PagerDuty's own address. */
  readonly url?: string;
  readonly clock: () => number;
}

const URL_DEFAULT = "https://events.pagerduty.com/v2/enqueue";
const SUMMARY_MAX = 1024;

export function pagerDutySink({ routingKey, url = URL_DEFAULT, clock }: PagerDutyOptions): Sink {
  return {
    send: async (message, signal) => {
      for (const event of eventsOf(message)) {
        const body = JSON.stringify({ routing_key: routingKey, client: "Lockstep", ...event });
        await post(
          { url, headers: { "content-type": "application/json" }, body, secrets: [routingKey] },
          clock(),
          signal,
        );
      }
    },
  };
}

function eventsOf(message: Message): readonly object[] {
  const { kind, id, thread, status, atMs, severity } = message;
  // The instance stands at the front of each message's id: several Locksteps may share a service.
  const instance = id.split("-")[0] ?? "";
  if (kind === "alert") return message.alerts.map((one) => eventOf(one, instance));
  const dedup_key = `lockstep/${instance}/${thread}`;
  if (status === "resolved") return [{ event_action: "resolve", dedup_key }];
  const timestamp = new Date(atMs).toISOString();
  const payload = { summary: subjectOf(message), source: "lockstep", severity, timestamp, class: kind };
  return [{ event_action: "trigger", dedup_key, payload: { ...payload, custom_details: { causes: bodyOf(message) } } }];
}

function eventOf(alert: Alert, instance: string): object {
  const dedup_key = `lockstep/${instance}/${alert.id}`;
  if (alert.state === "resolved") return { event_action: "resolve", dedup_key };
  const { title, says, severity, subject, condition, counts, command, exampleKey, code, sinceMs, firedAtMs } = alert;
  return {
    event_action: "trigger",
    dedup_key,
    payload: {
      summary: title.slice(0, SUMMARY_MAX),
      source: subject,
      severity,
      timestamp: new Date(firedAtMs ?? sinceMs).toISOString(),
      component: alert.destinationArn ?? alert.bucket ?? subject,
      group: subject,
      class: code ?? condition,
      custom_details: { says, counts, command, ...(exampleKey === undefined ? {} : { example: exampleKey }) },
    },
  };
}

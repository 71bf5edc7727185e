/** Alerts, put together wherever an engine runs: sinks of their settings, and the loop that judges and sends. */
import { Alerting, type ConfiguredSink, type SinkTest } from "../../monitor/alerts/alerting.ts";
import type { ReadDigests } from "../../monitor/alerts/drift.ts";
import { DEFAULT_ALERT_SETTINGS } from "../../monitor/alerts/settings.ts";
import { emailSink } from "../../monitor/sinks/email.ts";
import { pagerDutySink } from "../../monitor/sinks/pagerduty.ts";
import type { Sink } from "../../monitor/sinks/sink.ts";
import { slackSink } from "../../monitor/sinks/slack.ts";
import { snsSink } from "../../monitor/sinks/sns.ts";
import { webhookSink } from "../../monitor/sinks/webhook.ts";
import { systemClock } from "../clock.ts";
import type { AlertsSettings, SinkSettings } from "../config/alerts-section.ts";
import type { Context } from "../context.ts";
import { type MonitoringParts, observe } from "../monitoring.ts";
import { siteCredentials } from "../run/credentials.ts";

export interface AlertingParts extends MonitoringParts {
  readonly environment: Context["environment"];
  /** The engine's. */
  readonly name: string;
  /** As they are at the time. */
  readonly settings: () => AlertsSettings;
  readonly digests?: ReadDigests;
  readonly onTrouble: (says: string) => void;
  readonly onBroken: (error: unknown) => void;
}

export interface OpenAlerting {
  readonly test: (sink?: string) => Promise<readonly SinkTest[]>;
  close(): Promise<void>;
}

/** What `up` judges by: nobody is told, and all of it is shown. */
export const UP_ALERTS: AlertsSettings = { settings: DEFAULT_ALERT_SETTINGS, sinks: [] };

export function openAlerting(parts: AlertingParts): OpenAlerting {
  const { ledger, clock, name, settings, digests, onTrouble, onBroken } = parts;
  const built = new Map<string, ConfiguredSink>();
  const alerting = new Alerting({
    ledger,
    observe: () => observe(parts),
    clock: systemClock(clock),
    name,
    settings: () => settings().settings,
    // A sink keeps what it has as long as its settings stay.
    sinks: () =>
      settings().sinks.map((one) => {
        const text = JSON.stringify(one);
        const found = built.get(text) ?? { name: one.name, severity: one.severity, sink: sinkOf(one, parts) };
        built.set(text, found);
        return found;
      }),
    ...(digests === undefined ? {} : { digests }),
    onTrouble,
  });
  const over = new AbortController();
  const running = alerting.run(over.signal).catch(onBroken);
  return {
    test: (sink) => alerting.test(sink),
    close: async () => {
      over.abort();
      await running;
    },
  };
}

function sinkOf(settings: SinkSettings, { clock, environment }: AlertingParts): Sink {
  switch (settings.kind) {
    case "webhook":
      return webhookSink({ ...settings, clock });
    case "slack":
      return slackSink({ ...settings, clock });
    case "pagerduty":
      return pagerDutySink({ ...settings, clock });
    case "sns":
      return snsSink({
        ...settings,
        credentials: siteCredentials(settings.name, settings.credentials, { environment, clock }),
        clock,
      });
    case "email":
      return emailSink(settings);
  }
}

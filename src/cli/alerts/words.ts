/** Alerts in words, for people at a terminal. */
import type { AlertsAnswer } from "../../console/routes/alerts.ts";
import type { SinkTest } from "../../monitor/alerts/alerting.ts";
import type { Alert } from "../../monitor/alerts/model.ts";
import type { Style } from "../context.ts";
import { momentWords, spanWords } from "../moments.ts";

type Styled = (style: Style, text: string) => string;

const STATE_STYLES = { firing: "red", pending: "yellow", resolved: "green" } as const;

export function alertsWords({ alerts, outbox }: AlertsAnswer, nowMs: number, styled: Styled): string {
  const shown = alerts.map((one) => alertWords(one, nowMs, styled));
  const isAnything = alerts.some((one) => one.state !== "resolved");
  return [
    ...(isAnything ? [] : [styled("green", "Nothing is wrong.")]),
    ...shown,
    ...(outbox.waiting === 0
      ? []
      : [
          `${outbox.waiting} messages wait to be sent${outbox.lastError === undefined ? "" : ` (${outbox.lastError})`}`,
        ]),
    ...(outbox.givenUp === 0 ? [] : [`${outbox.givenUp} messages were refused and given up`]),
  ].join("\n\n");
}

function alertWords(alert: Alert, nowMs: number, styled: Styled): string {
  const { id, state, severity, title, says, exampleKey, command, sinceMs, resolvedAtMs, silencedUntilMs } = alert;
  const head = `${styled(STATE_STYLES[state], state)} ${styled("bold", title)} (${severity}, ${id})`;
  if (state === "resolved") return `${head}\n   ${styled("dim", `over since ${momentWords(resolvedAtMs ?? nowMs)}`)}`;
  return [
    head,
    `   ${says}`,
    ...(exampleKey === undefined ? [] : [`   for example ${exampleKey}`]),
    `   ${styled("cyan", command)}`,
    `   ${styled("dim", `for ${spanWords(nowMs - sinceMs)}`)}`,
    ...(silencedUntilMs === undefined ? [] : [`   silenced until ${momentWords(silencedUntilMs)}`]),
  ].join("\n");
}

export function testWords(tests: readonly SinkTest[], styled: Styled): string {
  return tests
    .map(({ sink, ok, says }) =>
      ok ? `${sink}: ${styled("green", "taken")}` : `${sink}: ${styled("red", says ?? "")}`,
    )
    .join("\n");
}

export function silencedWords({ title, id, silencedUntilMs }: Alert): string {
  return silencedUntilMs === undefined
    ? `${id} is silenced no more: ${title}`
    : `${id} is silenced until ${momentWords(silencedUntilMs)}: ${title}`;
}

export function acceptedWords(accepted: number): string {
  return accepted === 0
    ? "Nothing had changed: configuration and policies are as they were known to be good."
    : `${accepted} documents are taken for good as they are now.`;
}

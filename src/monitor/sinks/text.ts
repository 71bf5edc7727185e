/** Messages in plain words, for mails and topics, and as the summary of every other kind. */
import type { Alert, Message } from "../alerts/model.ts";
import { counted, oneLine, spanOf, timeOf } from "../alerts/words.ts";

const TITLE_MAX = 200;

/** One line: what it is, and how much of it. */
export function subjectOf({ status, kind, alerts, more }: Message): string {
  const [first] = alerts;
  if (kind === "test") return "Lockstep: this is a test";
  const word = status === "firing" ? "FIRING" : "RESOLVED";
  if (kind === "digest") {
    const count = alerts.length + more;
    return status === "firing"
      ? `[${word}] Lockstep: ${counted(count, "more cause")}`
      : `[${word}] Lockstep: the other causes are over`;
  }
  const rest = alerts.length + more - 1;
  const others = rest > 0 ? ` and ${counted(rest, "more cause")}` : "";
  return oneLine(`[${word}] ${first?.title ?? "Lockstep"}${others}`, TITLE_MAX);
}

/** The whole message; lines end in a line feed. */
export function bodyOf(message: Message): string {
  const { kind, alerts, more, status } = message;
  if (kind === "test") return "Alerts of Lockstep arrive here.\n";
  const digest =
    kind === "digest" && status === "firing"
      ? ["These have no message of their own, because there are so many at once.", ""]
      : [];
  const rest = more > 0 ? [`and ${counted(more, "more cause")}: lockstep alerts lists them`] : [];
  return `${[...digest, ...alerts.flatMap((one) => [...alertLines(one), ""]), ...rest].join("\n").trimEnd()}\n`;
}

/** An alert, one fact a line. */
export function alertLines(alert: Alert): string[] {
  const { title, says, exampleKey, command, id, state, firedAtMs, resolvedAtMs, sinceMs } = alert;
  const isOver = state === "resolved";
  const times =
    isOver && resolvedAtMs !== undefined
      ? `Resolved at ${timeOf(resolvedAtMs)}, after ${spanOf(resolvedAtMs - (firedAtMs ?? sinceMs))}`
      : `Since ${timeOf(sinceMs)}`;
  return [
    `${isOver ? "Resolved: " : ""}${title}`,
    ...(isOver ? [] : [says]),
    ...(exampleKey === undefined || isOver ? [] : [`For example: ${oneLine(exampleKey, 1024)}`]),
    times,
    ...(isOver ? [] : [`What to do: ${command}`]),
    `Alert ${id}, ${alert.severity}, ${alert.subject}`,
  ];
}

/**
 * Posts to an incoming webhook of Slack.
 *
 * @source https://api.slack.com/messaging/webhooks, https://api.slack.com/reference/block-kit/blocks (limits)
 */
import type { Alert, Message } from "../alerts/model.ts";
import { counted } from "../alerts/words.ts";
import { post } from "./post.ts";
import type { Sink } from "./sink.ts";
import { alertLines, bodyOf, subjectOf } from "./text.ts";

export interface SlackOptions {
  /** Whoever has it may post: a secret. */
  readonly url: string;
  readonly clock: () => number;
}

const HEADER_MAX = 150;
const SECTION_MAX = 3000;
/** Of 50 blocks that a message may have. */
const ALERTS_MAX = 20;

export function slackSink({ url, clock }: SlackOptions): Sink {
  return {
    send: async (message, signal) => {
      const body = JSON.stringify(slackBody(message));
      await post({ url, headers: { "content-type": "application/json" }, body }, clock(), signal);
    },
  };
}

function slackBody(message: Message) {
  const { alerts, more, kind } = message;
  const subject = subjectOf(message);
  const left = more + Math.max(0, alerts.length - ALERTS_MAX);
  const rest = left > 0 ? [section(`and ${counted(left, "more cause")}: \`lockstep alerts\` lists them`)] : [];
  const said = kind === "test" ? [section(escaped(bodyOf(message)))] : [];
  return {
    text: escaped(subject),
    unfurl_links: false,
    blocks: [
      // Plain text is not marked up, and needs no escapes.
      { type: "header", text: { type: "plain_text", text: subject.slice(0, HEADER_MAX), emoji: false } },
      ...said,
      ...alerts.slice(0, ALERTS_MAX).map((one) => section(alertText(one))),
      ...rest,
    ],
  };
}

function alertText(alert: Alert): string {
  const command = `What to do: ${alert.command}`;
  return alertLines(alert)
    .map((line, index) =>
      line === command
        ? `What to do: \`${escaped(alert.command).replaceAll("`", "'")}\``
        : index === 0
          ? `*${escaped(line).replaceAll("*", "∗")}*`
          : escaped(line),
    )
    .join("\n");
}

function section(text: string) {
  return { type: "section", text: { type: "mrkdwn", text: text.slice(0, SECTION_MAX), verbatim: true } };
}

/** The three characters by which Slack knows links, mentions and entities. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Sends mails over SMTP. Mails of one alert are one conversation. */
import { createHash } from "node:crypto";
import type { Message } from "../alerts/model.ts";
import { oneLine } from "../alerts/words.ts";
import { type Sink, SinkError } from "./sink.ts";
import { bodyOf, subjectOf } from "./text.ts";

export interface EmailOptions {
  readonly host: string;
  readonly port: number;
  /**
   * `always`: from the first byte (SMTPS); `required`: STARTTLS, or nothing is sent; `none`: never, also where it is
   * offered.
   */
  readonly tls: "always" | "required" | "none";
  readonly user?: string;
  readonly password?: string;
  /** PEM of authorities to trust in place of the well-known ones. */
  readonly ca?: string;
  readonly from: string;
  readonly to: readonly string[];
}

const ANSWER_MS_MAX = 10_000;

export function emailSink(options: EmailOptions): Sink {
  const { host, port, tls, user, password, from, to, ca } = options;
  return {
    send: async (message, signal) => {
      // Takes a tenth of a second to load, which nobody without mails should wait for.
      const { createTransport } = await import("nodemailer");
      const transport = createTransport({
        host,
        port,
        secure: tls === "always",
        requireTLS: tls === "required",
        ignoreTLS: tls === "none",
        ...(ca === undefined ? {} : { tls: { ca } }),
        ...(user === undefined ? {} : { auth: { user, pass: password ?? "" } }),
        connectionTimeout: ANSWER_MS_MAX,
        greetingTimeout: ANSWER_MS_MAX,
        socketTimeout: ANSWER_MS_MAX,
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      const cut = () => transport.close();
      signal.addEventListener("abort", cut);
      try {
        await transport.sendMail({ from, to: [...to], ...mailOf(message) });
      } catch (error) {
        throw refusalOf(error, host);
      } finally {
        signal.removeEventListener("abort", cut);
        transport.close();
      }
    },
  };
}

function mailOf(message: Message) {
  const { id, thread, atMs, severity, status } = message;
  const conversation = `<${createHash("sha256")
    .update(`${id.split("-")[0]} ${thread}`)
    .digest("hex")
    .slice(0, 24)}@lockstep>`;
  return {
    subject: oneLine(subjectOf(message), 250),
    text: bodyOf(message),
    date: new Date(atMs),
    messageId: `<${id}@lockstep>`,
    references: conversation,
    inReplyTo: conversation,
    headers: { "Auto-Submitted": "auto-generated", "X-Lockstep-Severity": severity, "X-Lockstep-Status": status },
  };
}

/** What the server said is kept without its words: they may repeat what it was sent. */
function refusalOf(error: unknown, host: string): SinkError {
  const { code = "unknown", responseCode } = error as { readonly code?: string; readonly responseCode?: number };
  const said = responseCode === undefined ? "" : ` ${responseCode}`;
  // Codes of 5xx are for good, but for a login, which somebody may correct.
  const isFinal = responseCode !== undefined && responseCode >= 550 && code !== "EAUTH";
  return new SinkError(`the mail server ${host} does not take it (${code}${said})`, { isFinal }, { cause: error });
}

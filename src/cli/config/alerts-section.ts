/** `alerts:` of `lockstep.yaml`: what stands in it, and the settings that it makes. */
import { z } from "zod";
import type { JsonPath } from "../../core/iam/json-members.ts";
import { type ConditionName, SEVERITIES, type Severity } from "../../monitor/alerts/model.ts";
import {
  type AlertSettings,
  CONDITION_DEFAULTS,
  type ConditionSettings,
  DEFAULT_ALERT_SETTINGS,
} from "../../monitor/alerts/settings.ts";
import type { EmailOptions } from "../../monitor/sinks/email.ts";
import { type CredentialsForm, credentials, duration, millisecondsOf, named, reference } from "./forms.ts";
import { type FoundIssue, received } from "./issues.ts";
import { address, members, path, text } from "./parts.ts";
import type { CredentialSource } from "./settings.ts";

export interface AlertsSettings {
  readonly settings: AlertSettings;
  readonly sinks: readonly SinkSettings[];
}

/** Where messages go; secrets are resolved. */
export type SinkSettings = { readonly name: string; readonly severity: Severity } & SinkPlace;

export type SinkPlace =
  | { readonly kind: "webhook"; readonly url: string; readonly token?: string; readonly hmacKey?: string }
  | { readonly kind: "slack"; readonly url: string }
  | { readonly kind: "pagerduty"; readonly routingKey: string; readonly url?: string }
  | {
      readonly kind: "sns";
      readonly topicArn: string;
      readonly endpoint?: string;
      readonly credentials: CredentialSource;
    }
  | ({ readonly kind: "email" } & EmailOptions);

const severity = z.enum(SEVERITIES, { error: `one of ${SEVERITIES.join(", ")}\nChoose one of them` }).optional();

const span = text(/^(?:0|[1-9][0-9]{0,8})(?:s|m|h|d)$/, "a duration", "Write a number and s, m, h or d: 15m, or 0s");

const common = {
  severity: severity.describe("How much it matters"),
  for: span.optional().describe("It must hold for so long before anybody is told"),
  keep: span.optional().describe("It must be over for so long before it is resolved"),
  repeat: span.optional().describe("It is told again after so long; 0s: never"),
};

const whole = z
  .int({ error: "a number from 1\nWrite a whole number" })
  .min(1, { error: "a number from 1\nWrite 1 or more" });

function condition<Value extends z.ZodType>(value: Value, what: string) {
  const over = value.optional().describe(`From here on it holds; ${what}`);
  const below = value.optional().describe("Below this it is over; in between one that holds goes on");
  return z.union(
    [
      z.literal(false, { error: "false\nWrite false to switch it off" }),
      members({ over, below, ...common }, "a condition"),
    ],
    { error: "an object, or false\nLeave it out for the default, write false to switch it off" },
  );
}

function plain() {
  return z.union([z.literal(false, { error: "false\nWrite false to switch it off" }), members(common, "a condition")], {
    error: "an object, or false\nLeave it out for the default, write false to switch it off",
  });
}

const conditions = members(
  {
    newCause: plain().optional().describe("Versions are FAILED for a reason that was not there before"),
    failed: condition(whole, "versions of one cause; default 1000")
      .optional()
      .describe("So many versions are FAILED for one cause"),
    redriven: condition(whole, "redrives; default 5")
      .optional()
      .describe("A version failed again and again though it was tried again by hand"),
    lag: condition(duration, "default 15m").optional().describe("99 of 100 versions were not replicated in this time"),
    backlogGrowing: condition(whole, "versions in half an hour; default 1000")
      .optional()
      .describe("The backlog has not drained for half an hour, and grew by so much"),
    oldestPending: condition(duration, "default 1h").optional().describe("A version has been PENDING for so long"),
    breakerOpen: plain().optional().describe("A source or a destination does not answer"),
    canaryFailed: plain().optional().describe("A canary did not arrive, or a probe found something"),
    auditDifferences: plain().optional().describe("An audit found differences"),
    checkFailed: plain().optional().describe("A scheduled rehearsal or lint found something"),
    drift: plain().optional().describe("Configuration or policies are not as they were last known to be good"),
  },
  "the conditions",
);

const from = { severity: severity.describe("Only what is as severe, or more; default info: everything") };

const sink = z.union(
  [
    members(
      {
        webhook: address("a receiver").describe("Takes what Alertmanager posts"),
        token: reference("the bearer token").optional(),
        hmacKey: reference("the key that signs the body").optional(),
        ...from,
      },
      "a webhook",
    ),
    members({ slack: reference("the URL of an incoming webhook of Slack"), ...from }, "Slack"),
    members(
      {
        pagerduty: reference("the key of an Events API v2 integration"),
        url: address("PagerDuty").optional(),
        ...from,
      },
      "PagerDuty",
    ),
    members(
      {
        sns: text(
          /^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+$/,
          "the ARN of a topic",
          "Write it as SNS shows it",
        ),
        endpoint: address("SNS").optional(),
        credentials: credentials.optional().describe("Default: environment"),
        ...from,
      },
      "a topic of SNS",
    ),
    members(
      {
        email: text(
          /^smtps?:\/\/[^\s/@:]+(?::[0-9]{1,5})?$/,
          "the URL of a mail server",
          "Write smtp://HOST:PORT or smtps://HOST:PORT, without user and password",
        ),
        from: text(/^[^\r\n]+@[^\r\n]+$/, "an address of mail", "Write name@example.org"),
        to: z
          .array(text(/^[^\r\n]+@[^\r\n]+$/, "an address of mail", "Write name@example.org"), {
            error: "a list of addresses\nBegin each with a dash",
          })
          .min(1, { error: "at least one address\nSay who gets the mail" }),
        user: text(/^.+$/, "a user of the mail server", `Write the name, or \${NAME}`).optional(),
        password: reference("the user's password").optional(),
        tls: z
          .enum(["required", "none"], { error: "required or none\nLeave it out: nothing is sent without TLS" })
          .optional()
          .describe("none: in plain text, as between programs of one machine; default required"),
        ca: path("a file of certificates in PEM").optional(),
        ...from,
      },
      "mail",
    ),
  ],
  { error: "a sink: webhook, slack, pagerduty, sns or email\nWrite one of these with what belongs to it" },
);

export const alertsSection = members(
  {
    every: duration.optional().describe("From one look to the next; default 15s"),
    conditions: conditions.optional().describe("What is looked for; those that are left out have their defaults"),
    sinks: z
      .record(named("a sink"), sink, { error: 'sinks by name\nWrite "name:" and its members, indented' })
      .optional()
      .describe("Where messages go, by names of your choice"),
  },
  "alerts",
);

export type AlertsForm = z.infer<typeof alertsSection>;

/** What reads the rest of a configuration. */
export interface AlertsReader {
  readonly resolved: (text: string) => string;
  /** Undefined when it cannot be read, which is told. */
  readonly text: (path: JsonPath, file: string) => string | undefined;
  readonly credentials: (given: CredentialsForm) => CredentialSource;
  readonly issue: (found: FoundIssue) => void;
}

export function alertsSettingsOf(given: AlertsForm | undefined, reader: AlertsReader): AlertsSettings {
  return {
    settings: {
      everyMs: given?.every === undefined ? DEFAULT_ALERT_SETTINGS.everyMs : millisecondsOf(given.every),
      conditions: conditionsOf(given?.conditions ?? {}, reader),
    },
    sinks: Object.entries(given?.sinks ?? {}).map(([name, one]) => ({
      name,
      severity: one.severity ?? "info",
      ...placeOf(one, ["alerts", "sinks", name], reader),
    })),
  };
}

type ConditionForm = NonNullable<NonNullable<AlertsForm["conditions"]>[ConditionName]>;

function conditionsOf(
  given: Readonly<Partial<Record<ConditionName, ConditionForm | undefined>>>,
  reader: AlertsReader,
): AlertSettings["conditions"] {
  const settings: Partial<Record<ConditionName, ConditionSettings>> = {};
  for (const [name, usual] of Object.entries(CONDITION_DEFAULTS) as [ConditionName, ConditionSettings][]) {
    const form = given[name];
    if (form === false) continue;
    settings[name] = form === undefined ? usual : conditionOf(form, usual, ["alerts", "conditions", name], reader);
  }
  return settings;
}

function conditionOf(
  form: Exclude<ConditionForm, false>,
  usual: ConditionSettings,
  at: JsonPath,
  { issue }: AlertsReader,
): ConditionSettings {
  const over = "over" in form && form.over !== undefined ? boundOf(form.over) : usual.over;
  // The bounds keep their distance where only one of them is given.
  const below =
    "below" in form && form.below !== undefined
      ? boundOf(form.below)
      : Math.max(1, Math.round((over * usual.below) / usual.over));
  if (below > over) {
    const remedy = "Write a smaller one, or leave it out";
    issue({ path: [...at, "below"], expected: "a bound that is not above over", received: "a larger one", remedy });
  }
  const ms = (text_: string | undefined, otherwise: number) =>
    text_ === undefined ? otherwise : millisecondsOf(text_);
  return {
    severity: form.severity ?? usual.severity,
    over,
    below,
    forMs: ms(form.for, usual.forMs),
    keepMs: ms(form.keep, usual.keepMs),
    repeatMs: ms(form.repeat, usual.repeatMs),
  };
}

function boundOf(given: string | number): number {
  return typeof given === "number" ? given : millisecondsOf(given);
}

type SinkForm = NonNullable<AlertsForm["sinks"]>[string];

const SMTP_PORT = 587;
const SMTPS_PORT = 465;

function placeOf(one: SinkForm, at: JsonPath, reader: AlertsReader): SinkPlace {
  const { resolved } = reader;
  const url = (member: string, given: string) => urlOf(resolved(given), [...at, member], reader);
  const secret = (name: "token" | "hmacKey" | "password", given: string | undefined) =>
    given === undefined ? {} : { [name]: resolved(given) };
  if ("webhook" in one) {
    const secrets = { ...secret("token", one.token), ...secret("hmacKey", one.hmacKey) };
    return { kind: "webhook", url: url("webhook", one.webhook), ...secrets };
  }
  if ("slack" in one) return { kind: "slack", url: url("slack", one.slack) };
  if ("pagerduty" in one) {
    const elsewhere = one.url === undefined ? {} : { url: url("url", one.url) };
    return { kind: "pagerduty", routingKey: resolved(one.pagerduty), ...elsewhere };
  }
  if ("sns" in one) {
    const elsewhere = one.endpoint === undefined ? {} : { endpoint: url("endpoint", one.endpoint) };
    const whose = reader.credentials(one.credentials ?? "environment");
    return { kind: "sns", topicArn: one.sns, credentials: whose, ...elsewhere };
  }
  const server = mailServerOf(one.email, [...at, "email"], reader);
  const isTls = server.protocol === "smtps:";
  const ca = one.ca === undefined ? undefined : reader.text([...at, "ca"], one.ca);
  return {
    kind: "email",
    host: server.hostname,
    port: server.port === "" ? (isTls ? SMTPS_PORT : SMTP_PORT) : Number(server.port),
    tls: isTls ? "always" : (one.tls ?? "required"),
    ...(one.user === undefined ? {} : { user: resolved(one.user) }),
    ...secret("password", one.password),
    ...(ca === undefined ? {} : { ca }),
    from: one.from,
    to: one.to,
  };
}

const PORT_MAX = 65_535;

function mailServerOf(given: string, at: JsonPath, { issue }: AlertsReader): URL {
  const isUrl = URL.canParse(given) && new URL(given).port !== "0";
  if (isUrl) return new URL(given);
  const remedy = `Write smtp://HOST:PORT or smtps://HOST:PORT with a port from 1 to ${PORT_MAX}`;
  issue({ path: at, expected: "the URL of a mail server", received: received(given, at), remedy });
  return new URL("smtp://localhost");
}

/** What a reference leads to is seen only here; it is not repeated, for it may be a secret. */
function urlOf(given: string, at: JsonPath, { issue }: AlertsReader): string {
  const isUrl = URL.canParse(given) && /^https?:$/.test(new URL(given).protocol);
  if (isUrl && (new URL(given).username !== "" || new URL(given).password !== "")) {
    const remedy = "Take them out: a webhook takes a token, a reference to the environment";
    issue({ path: at, expected: "a URL without user and password", received: "one with them, not shown here", remedy });
  }
  // What is not set at all is told elsewhere.
  if (!isUrl && given !== "") {
    issue({ path: at, expected: "a URL", received: "other text, not shown here", remedy: "Write http[s]://HOST" });
  }
  return given;
}

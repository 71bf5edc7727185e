/**
 * `lockstep.yaml` as a schema: what stands in the file, member by member. Editors get it as JSON Schema (`schema.ts`).
 *
 * Every part says in its error what is expected and, behind a line break, what to do. What one part means for another
 * one (a site that is named and not there) is looked at in `check.ts`.
 */
import { z } from "zod";
import { PASSWORD_HASH } from "../../console/auth/passwords.ts";
import { PROFILES } from "../../s3/profiles.ts";
import { alertsSection } from "./alerts-section.ts";
import { credentials, duration, named, reference } from "./forms.ts";
import { metricsSection } from "./metrics-section.ts";
import { BUCKETS, bucketName, listening, members, path, text } from "./parts.ts";
import { schedulesSection } from "./schedules-section.ts";
import { tracingSection } from "./tracing-section.ts";
import { watchedSection } from "./watched-section.ts";

const PROVIDERS = ["auto", ...(Object.keys(PROFILES) as (keyof typeof PROFILES)[])] as const;

const site = members(
  {
    endpoint: text(
      /^(?:https?:\/\/[^\s/]+\S*|\$\{[A-Za-z_][A-Za-z0-9_]*\})$/,
      "the URL of an S3 store",
      "Write it with http:// or https://; leave it out for AWS",
    )
      .optional()
      .describe("Where the store is; AWS's own address when it is left out"),
    region: text(/^[A-Za-z0-9_-]{1,64}$/, "the name of a Region", "Leave it out for us-east-1").optional(),
    addressing: z
      .enum(["path", "virtual"], { error: "path or virtual\nLeave it out to take the provider's" })
      .optional()
      .describe("path: http://host/bucket/key, virtual: http://bucket.host/key; default: the provider's"),
    provider: z
      .enum(PROVIDERS, { error: `one of ${PROVIDERS.join(", ")}\nUse generic for a store that is not named here` })
      .optional()
      .describe("Whose store it is; auto tells by the endpoint"),
    credentials: credentials.optional(),
    ca: path("a file of certificates in PEM")
      .optional()
      .describe("Certificates to trust in place of the well-known ones"),
  },
  "a site",
);

const place = members({ site: named("a site"), bucket: bucketName }, "a bucket and its site");

const configuration = z
  .union(
    [
      members({ fromBucket: z.literal(true, { error: "true\nWrite fromBucket: true" }) }, "the source's own"),
      members({ file: path("a replication configuration in JSON, YAML or XML") }, "a file"),
      z
        .looseObject(
          { Rules: z.array(z.unknown(), { error: "a list of rules\nBegin each rule with a dash" }) },
          { error: "an object with Rules\nWrite AWS's replication configuration here" },
        )
        .describe("AWS's replication configuration as the AWS CLI takes it; Role may be left out"),
    ],
    { error: "Rules, {file} or {fromBucket: true}\nSay where the replication configuration comes from" },
  )
  .describe("AWS's replication configuration: here, in a file, or the one that the source bucket has");

const replication = members(
  {
    source: members(
      {
        site: named("a site"),
        bucket: bucketName,
        as: text(BUCKETS, "a name for the bucket", "Use letters, digits, dots and dashes")
          .optional()
          .describe("What the bucket is called in commands and in the ledger, where another site has one of its name"),
      },
      "the source",
    ),
    configuration,
    destinations: z
      .record(
        text(/^arn:[a-z-]+:s3:::[^/]+$/, "the ARN of a bucket", "Write it as in the rule: arn:aws:s3:::NAME"),
        place,
        { error: "the bucket behind each ARN\nWrite arn:aws:s3:::NAME: {site: …, bucket: …}" },
      )
      .describe("Where the destinations of the rules are"),
    role: text(
      /^arn:[a-z-]+:iam::[0-9]{12}:role\/.+$/,
      "the ARN of a role",
      "Write arn:aws:iam::ACCOUNT:role/NAME, or leave it out to use the sites' own credentials",
    )
      .optional()
      .describe("Assumed with each AWS site's credentials; its trust policy must allow them to"),
    propagateDeletes: z
      .boolean({ error: "true or false\nLeave it out: AWS never removes a replica because its source was removed" })
      .optional()
      .describe(
        "Removes replicas for good when their source versions are removed for good, by whomever and by Lifecycle too; " +
          "AWS never does that. Default false",
      ),
  },
  "a replication",
);

const count = (what: string) =>
  z
    .int({ error: `${what}, from 1\nWrite a whole number` })
    .min(1, { error: `${what}, from 1\nLeave it out for no limit` });

const limits = members(
  {
    requestsPerSecond: count("requests in a second").optional(),
    bytesPerSecond: count("bytes in a second").optional(),
    inFlight: count("requests at once").optional(),
  },
  "limits",
);

const record = (what: string) => ({ error: `${what} by name\nWrite "name:" and its members, indented` });

const tls = members(
  { certificate: path("a file of certificates in PEM"), key: path("the file of its private key in PEM") },
  "a certificate and its key",
);

const console_ = members(
  {
    ...listening,
    tokenFile: path("the file that holds the console's token")
      .optional()
      .describe("Made when it is not there; default: lockstep.token beside the configuration"),
    tls: tls.optional().describe("Serves the console with TLS; needed to listen anywhere but on this machine"),
    insecure: z
      .boolean({ error: "true or false\nLeave it out" })
      .optional()
      .describe("Listens without TLS where others on the network could read along. Default false"),
    names: z
      .array(text(/^[A-Za-z0-9.-]{1,253}$/, "a name of this machine", "Write it without a scheme and a port"), {
        error: "a list of names\nBegin each with a dash",
      })
      .optional()
      .describe("Names that the console is asked by, besides localhost and addresses; others are refused"),
    users: z
      .record(
        named("a user").refine((name) => name !== "token", {
          error: "a name of a user\nChoose another one: the audit log calls whoever shows the token so",
        }),
        members(
          {
            role: z.enum(["viewer", "operator"], { error: "viewer or operator\nViewers change nothing" }),
            passwordHash: text(
              PASSWORD_HASH,
              "the hash of a password",
              "Write what `lockstep hash-password` prints: passwords do not stand in this file",
            ),
          },
          "a user",
        ),
        record("users"),
      )
      .optional()
      .describe("Who may log in with a password, by name; the token lets in without"),
  },
  "the console",
);

const webhook = members(
  {
    site: named("a site").describe("Whose buckets the notifications are of"),
    ...listening,
    path: text(/^\/[A-Za-z0-9._~/-]*$/, "a path of a URL", "Begin it with a slash, and use letters, digits and dashes")
      .optional()
      .describe("Default: / and the site's name"),
    token: reference("the token that senders show").describe(
      "Shown as a bearer token, as a password, or as the last part of the path",
    ),
    tls: tls.optional().describe("Listens with TLS"),
  },
  "a webhook",
);

const queue = members(
  {
    site: named("a site").describe("Whose buckets the notifications are of"),
    url: text(
      /^(?:https?:\/\/\S+|\$\{[A-Za-z_][A-Za-z0-9_]*\})$/,
      "the URL of an SQS queue",
      "Write it as SQS shows it",
    ),
    region: text(/^[A-Za-z0-9_-]{1,64}$/, "the name of a Region", "Leave it out to take the one in the URL").optional(),
    credentials: credentials.optional().describe("Default: the site's"),
  },
  "a queue",
);

const intake = members(
  {
    scan: members(
      {
        every: duration.optional().describe("From the end of a scan to the next one; default 15m"),
        metadata: z
          .enum(["tags", "all"], { error: "tags or all\nLeave it out to compare versions only" })
          .optional()
          .describe(
            "What scans compare of every version besides: no listing tells of it, so each version costs 2 requests for tags, 2 to 4 for all (tags, retention, legal hold)",
          ),
      },
      "scans",
    ).optional(),
    webhooks: z
      .array(webhook, { error: "a list of webhooks\nBegin each with a dash" })
      .optional()
      .describe("Where stores send notifications to, so that changes need not wait for a scan"),
    queues: z
      .array(queue, { error: "a list of queues\nBegin each with a dash" })
      .optional()
      .describe("SQS queues that stores send notifications to"),
  },
  "the ways in",
);

/** The whole file. */
export const DOCUMENT = members(
  {
    sites: z.record(named("a site"), site, record("sites")).describe("The stores, by names of your choice"),
    replications: z
      .record(named("a replication"), replication, record("replications"))
      .default({})
      .describe("What is replicated to where, by names of your choice"),
    watched: watchedSection
      .optional()
      .describe("Buckets that AWS replicates itself: metrics and alerts of them, as CloudWatch tells it"),
    intake: intake.optional().describe("How it comes to be known what there is to do"),
    limits: z.record(named("a site"), limits, record("limits")).optional().describe("What a site is asked at most"),
    ledger: text(
      /^(?:sqlite|postgres|postgresql):.+$/,
      "the ledger's URL",
      "Write sqlite:PATH; a relative path starts at the configuration file",
    )
      .optional()
      .describe("Where the record of undone work is kept; default sqlite:lockstep.db"),
    alerts: alertsSection.optional().describe("When somebody is told that something is wrong, and where"),
    console: console_.optional().describe("The API that status, resync and diagnose ask; none when it is left out"),
    metrics: metricsSection
      .optional()
      .describe("Who may read metrics, and where; default: at the console, with its token"),
    tracing: tracingSection.optional().describe("Where traces of what is tried are sent; nowhere when it is left out"),
    schedules: schedulesSection.optional().describe("What is looked at by the clock; nothing when it is left out"),
  },
  "the configuration",
);

export type ConfigDocument = z.infer<typeof DOCUMENT>;

/** What several parts of `lockstep.yaml` name: secrets, credentials, durations. */
import { z } from "zod";
import { members, path, text } from "./parts.ts";

/** `${NAME}` and nothing else: what is secret does not stand in the file. */
export const REFERENCE = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/;

const NAMES = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** A name of somebody's choice. */
export const named = (what: string) =>
  text(NAMES, `a name of ${what}`, "Use letters, digits, dots, dashes and underscores");

/** `${NAME}` for something secret. */
export const reference = (what: string) =>
  text(
    REFERENCE,
    `a reference to an environment variable that holds ${what}`,
    `Write \${NAME}, and set NAME in the environment: secrets do not stand in this file`,
  );

/** Where credentials come from. */
export const credentials = z
  .union(
    [
      z.literal("environment", { error: `"environment"\nWrite environment, or one of the other forms` }),
      members({ profile: named("a profile of the AWS configuration files") }, "a profile"),
      members(
        {
          file: path("a file in the form of ~/.aws/credentials"),
          profile: named("a profile in that file").optional(),
        },
        "a file",
      ),
      members(
        {
          accessKeyId: reference("the access key id"),
          secretAccessKey: reference("the secret access key"),
          sessionToken: reference("the session token").optional(),
        },
        "keys",
      ),
    ],
    {
      error:
        "environment, {profile}, {file, profile}, or {accessKeyId, secretAccessKey}\nChoose one of the forms of credentials",
    },
  )
  .describe(
    "Whose calls these are: `environment` (AWS_ACCESS_KEY_ID and so on), a profile, a file, or references to variables",
  );

/** What stands where credentials are. */
export type CredentialsForm = z.infer<typeof credentials>;

/** `15m` */
export const duration = text(/^[1-9][0-9]{0,8}(?:s|m|h|d)$/, "a duration", "Write a number and s, m, h or d: 15m");

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Of a `duration`. */
export function millisecondsOf(text_: string): number {
  return Number(text_.slice(0, -1)) * (UNITS[text_.slice(-1)] ?? 0);
}

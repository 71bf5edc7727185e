/** What sections of `lockstep.yaml` are made of: objects, texts, paths, addresses, with what is expected of them in words. */
import { z } from "zod";

/** An object without unknown members. */
export function members<Shape extends z.core.$ZodShape>(shape: Shape, what: string) {
  const known = Object.keys(shape).join(", ");
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `one of ${known}\nCorrect the name, or take it out`
        : `${what}: an object with ${known}\nWrite it indented, as "name: value" lines`,
  });
}

/** A text of this form. */
export function text(pattern: RegExp, expected: string, remedy: string) {
  const error = `${expected}\n${remedy}`;
  return z.string({ error }).regex(pattern, { error });
}

/** Of a bucket, as stores may call one. */
export const BUCKETS = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;
export const bucketName = text(
  BUCKETS,
  "the name of a bucket",
  "Write the name alone, without s3:// and without a key",
);

/** Of a file; a relative one starts at the configuration. */
export const path = (what: string) =>
  text(/^.+$/s, `the path of ${what}`, "A relative path starts at the configuration file");

/** Where something listens. */
export const listening = {
  host: text(/^[A-Za-z0-9.:_-]+$/, "an address to listen on", "Write 127.0.0.1 for this machine only")
    .optional()
    .describe("Where it listens; default 127.0.0.1"),
  port: z.int({ error: "a port number\nWrite 0 to 65535" }).min(0).max(65535, {
    error: "a port number\nWrite 0 to 65535",
  }),
};

/** Of a server that something is sent to, or a reference to it. */
export const address = (what: string) =>
  text(
    /^(?:https?:\/\/[^\s/]+\S*|\$\{[A-Za-z_][A-Za-z0-9_]*\})$/,
    `the URL of ${what}`,
    "Write it with http:// or https://",
  );

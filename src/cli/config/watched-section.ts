/** The section `watched` of `lockstep.yaml`: buckets that AWS replicates itself, of which CloudWatch is asked. */
import { z } from "zod";
import type { PublishedBucket } from "../../monitor/published.ts";
import { duration, millisecondsOf, named } from "./forms.ts";
import { type FoundIssue, received } from "./issues.ts";
import { bucketName, members } from "./parts.ts";

const watched = members(
  {
    site: named("a site").describe("Whose credentials ask; a site of AWS"),
    bucket: bucketName,
    every: duration
      .optional()
      .describe(
        "From one look to the next, 1m or more; default 5m. CloudWatch charges for each rule's 5 figures each time",
      ),
  },
  "a bucket that AWS replicates",
);

export const watchedSection = z.record(named("a watched bucket"), watched, {
  error: 'watched buckets by name\nWrite "name:" and its members, indented',
});

type WatchedDocument = z.infer<typeof watchedSection>;

export interface WatchedSettings extends PublishedBucket {
  readonly site: string;
}

const EVERY_MS = 5 * 60_000;
/** CloudWatch's figures are of whole minutes. */
const EVERY_MS_MIN = 60_000;

/** The section as the engine runs by it, defaults filled in. */
export function watchedSettings(section: WatchedDocument | undefined): readonly WatchedSettings[] {
  return Object.entries(section ?? {}).map(([name, { site, bucket, every }]) => {
    return { name, site, bucket, everyMs: every === undefined ? EVERY_MS : millisecondsOf(every) };
  });
}

/** What the form does not tell: sites that are not AWS, names that a replication has, figures that are not there so often. */
export function watchedIssues(
  document: {
    readonly watched?: WatchedDocument | undefined;
    readonly replications: Readonly<Record<string, unknown>>;
  },
  isAws: (site: string) => boolean,
): FoundIssue[] {
  return Object.entries(document.watched ?? {}).flatMap(([name, { site, every }]) => {
    const at = ["watched", name];
    const issue = (path: readonly string[], expected: string, value: unknown, remedy: string): FoundIssue => {
      return { path, expected, received: received(value, path), remedy };
    };
    return [
      ...(isAws(site)
        ? []
        : [
            issue(
              [...at, "site"],
              "a site of AWS",
              site,
              "Other stores tell nothing by CloudWatch: write a replication",
            ),
          ]),
      ...(Object.hasOwn(document.replications, name)
        ? [issue(at, "a name that no replication has", name, "Give it another name")]
        : []),
      ...(every !== undefined && millisecondsOf(every) < EVERY_MS_MIN
        ? [issue([...at, "every"], "1m or more", every, "CloudWatch's figures are of whole minutes: write every: 5m")]
        : []),
    ];
  });
}

/** The Markdown and the HTML of a diagnosis. `UPDATE=1` writes the golden files anew. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Diagnosis } from "../core/diagnose/report.ts";
import { diagnosisHtml } from "./report-html.ts";
import { diagnosisMarkdown } from "./report-markdown.ts";

const DIRECTORY = "test/fixtures/reports";

const DIAGNOSIS: Diagnosis = {
  bucket: "photos",
  takenAt: "2026-01-02T00:00:00.000Z",
  scanned: {
    versions: 12,
    completed: 8,
    failed: 3,
    pending: 0,
    replica: 0,
    none: 1,
    unreadable: 0,
    silent: { notSelected: 1, beforeRule: 0, unreadableClass: 0, replicaSource: 0 },
  },
  sources: [
    { kind: "inventory", name: "s3://reports/manifest.json", takenAt: "2026-01-01T00:00:00.000Z", says: "12 rows" },
  ],
  causes: [
    {
      id: "c-1",
      code: "DstPutObjectNotPermitted",
      class: "permission",
      title: "The role may not write objects at the destination",
      rule: "all | <b>",
      destination: "arn:aws:s3:::photos-replica",
      action: "s3:ReplicateObject",
      resource: "arn:aws:s3:::photos-replica/*",
      confidence: "proven",
      since: "2025-12-31T00:00:00.000Z",
      affected: {
        versions: 3,
        bytes: 4096,
        samples: [{ key: "a`b|<script>alert(1)</script>.jpg", versionId: "v1" }],
      },
      evidence: [
        { kind: "policy", source: "the bucket policy of photos-replica", says: 'Statement "Deny" & others deny it' },
      ],
      fix: {
        summary: "Take the role out of the statement",
        resync: true,
        patches: [
          {
            id: "p-1",
            target: "bucket-policy",
            resource: "arn:aws:s3:::photos-replica",
            before: { Statement: ["<old>"] },
            after: { Statement: ["<new>"] },
          },
        ],
      },
    },
  ],
  unexplained: [{ key: "x", versionId: "v2", status: "FAILED", missing: "tags_are_not in an inventory" }],
  notes: [],
};

function golden(name: string, text: string): void {
  const path = `${DIRECTORY}/${name}`;
  if (process.env["UPDATE"] === "1") {
    mkdirSync(DIRECTORY, { recursive: true });
    writeFileSync(path, `${text}\n`);
  }
  assert.equal(`${text}\n`, readFileSync(path, "utf8"));
}

describe("a diagnosis for people who were not there", () => {
  it("is the same Markdown as ever", () => {
    golden("diagnosis.md", diagnosisMarkdown(DIAGNOSIS));
  });

  it("is the same HTML as ever", () => {
    golden("diagnosis.html", diagnosisHtml(DIAGNOSIS));
  });

  it("loads nothing and runs nothing", () => {
    const text = diagnosisHtml(DIAGNOSIS);
    assert.doesNotMatch(text, /<script|<link|<img|\bsrc=|url\(|@import|\bon\w+=/);
    assert.match(text, /default-src 'none'/);
  });

  it("escapes whatever a key holds", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("<", ">", "&", '"', "'", "`", "|", "\n", "a", "=") }), (key) => {
        const [cause] = DIAGNOSIS.causes;
        assert.ok(cause !== undefined);
        const affected = { ...cause.affected, samples: [{ key: `K${key}K`, versionId: "v" }] };
        const text = diagnosisHtml({ ...DIAGNOSIS, causes: [{ ...cause, affected }] });
        const inside = /<code>K([\s\S]*?)K<\/code>/.exec(text)?.[1] ?? "<";
        assert.doesNotMatch(inside, /[<>"']|&(?!amp;|lt;|gt;|quot;|#39;)/);
        const lines = diagnosisMarkdown({ ...DIAGNOSIS, causes: [{ ...cause, affected }] }).split("\n");
        assert.equal(lines.filter((one) => one.startsWith("- such as ")).length, 1);
      }),
    );
  });
});

/** One cause: in a sentence, how much it holds back, what changed, the evidence, and the way to remove it. */
import type { Cause, Evidence } from "../../../../core/diagnose/report.ts";
import type { DeskBucket, DeskDiagnosis } from "../../../desk.ts";
import { Badge, type Tone } from "../../parts/badge.tsx";
import { Code } from "../../parts/diff.tsx";
import { Icon, type IconName } from "../../parts/icon.tsx";
import { Ago } from "../../parts/when.tsx";
import { placeOf } from "../../route.ts";
import { bucketName, plural, sizeWords } from "../../words.ts";
import { Mending } from "./mending.tsx";
import { Patches } from "./patches.tsx";
import { decidingPolicy } from "./policy.ts";

interface CauseDetailProps {
  readonly bucket: DeskBucket;
  readonly cause: Cause;
  readonly diagnosis: DeskDiagnosis;
  readonly onApplied: () => void;
}

const CONFIDENCE: Readonly<Record<Cause["confidence"], { readonly tone: Tone; readonly icon: IconName }>> = {
  proven: { tone: "good", icon: "check" },
  likely: { tone: "info", icon: "info" },
  possible: { tone: "warn", icon: "info" },
};

export function CauseDetail({ bucket, cause, diagnosis, onApplied }: CauseDetailProps) {
  const { code, title, confidence, affected, since, onset } = cause;
  const policy = decidingPolicy(cause);
  return (
    <article class="card cause" aria-labelledby="cause">
      <header class="cause-head">
        <h2 id="cause">{title}</h2>
        <p class="cause-line">
          <code>{code}</code>
          <Badge {...CONFIDENCE[confidence]}>{confidence}</Badge>
          <span>
            <strong>{plural(affected.versions, "version")}</strong>, {sizeWords(affected.bytes)}
          </span>
          {since === undefined ? null : (
            <span class="dim">
              the oldest written <Ago atMs={Date.parse(since)} />
            </span>
          )}
        </p>
      </header>
      <div class="cause-body">
        {onset === undefined ? null : (
          <section class="changed" aria-labelledby="changed">
            <Icon name="clock" />
            <div>
              <h3 id="changed">What changed</h3>
              <p>{onset.says}</p>
            </div>
          </section>
        )}
        <section aria-labelledby="evidence">
          <h3 id="evidence">Why we think so</h3>
          <ul class="evidence">
            {cause.evidence.map((one) => (
              <Piece key={`${one.kind} ${one.source} ${one.says}`} piece={one} />
            ))}
          </ul>
          {policy === undefined ? null : (
            <>
              <h4 class="document-title">{policy.title}</h4>
              <Code text={policy.text} label={policy.title} marked={policy.marked} />
            </>
          )}
        </section>
        <section aria-labelledby="fix">
          <h3 id="fix">What to do</h3>
          <p class="fix-says">{cause.fix.summary}.</p>
          <Patches patches={cause.fix.patches} shown={diagnosis.patches} />
          <Mending bucket={bucket} cause={cause} diagnosis={diagnosis} onApplied={onApplied} />
        </section>
        <Particulars cause={cause} bucket={bucket.bucket} />
      </div>
    </article>
  );
}

function Piece({ piece: { kind, source, says } }: { readonly piece: Evidence }) {
  return (
    <li>
      <span class="piece-kind">{kind}</span>
      <span class="piece-says">
        {says} <span class="dim">[{source}]</span>
      </span>
    </li>
  );
}

function Particulars({ cause, bucket }: { readonly cause: Cause; readonly bucket: string }) {
  const { rule, destination, action, resource, affected } = cause;
  const rows = [
    ["Rule", rule],
    ["Destination", destination === undefined ? undefined : bucketName(destination)],
    ["Action", action],
    ["On", resource],
  ] as const;
  return (
    <section aria-labelledby="particulars">
      <h3 id="particulars">Particulars</h3>
      <dl class="particulars">
        {rows.flatMap(([name, value]) =>
          value === undefined
            ? []
            : [
                <dt key={name}>{name}</dt>,
                <dd key={`${name} is`}>
                  <code>{value}</code>
                </dd>,
              ],
        )}
        <dt>Such as</dt>
        <dd>
          <ul>
            {affected.samples.map((one) => (
              <li key={`${one.key} ${one.versionId}`}>
                <a href={placeOf("objects", { bucket, key: one.key })}>{one.key}</a>
              </li>
            ))}
          </ul>
        </dd>
      </dl>
    </section>
  );
}

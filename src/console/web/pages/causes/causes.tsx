/** Causes of one bucket: found, shown one by one with their evidence, and removed. */

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { DeskBucket, DeskDiagnosis } from "../../../desk.ts";
import { applicationsOf, beginWork, cancelWork, diagnosisOf } from "../../api.ts";
import { latestWork, takeWork } from "../../live.ts";
import { Badge } from "../../parts/badge.tsx";
import { OfBucket } from "../../parts/bucket-picker.tsx";
import { Button } from "../../parts/button.tsx";
import { Progress } from "../../parts/progress.tsx";
import { Empty, Failed, Loaded } from "../../parts/states.tsx";
import { Ago } from "../../parts/when.tsx";
import { useAction, useResource } from "../../resource.ts";
import { placeOf, route } from "../../route.ts";
import { countWords, plural, shortCount, sizeWords } from "../../words.ts";
import { Applications } from "./applications.tsx";
import { CauseDetail } from "./cause-detail.tsx";
import "./causes.css";

export function Causes() {
  return (
    <OfBucket page="causes">
      {(bucket, picker) => <OfOne key={bucket.bucket} bucket={bucket} picker={picker} />}
    </OfBucket>
  );
}

function OfOne({ bucket, picker }: { readonly bucket: DeskBucket; readonly picker: ComponentChildren }) {
  const known = useResource(bucket.bucket, (signal) => diagnosisOf(bucket.bucket, signal));
  const applied = useResource(`applied ${bucket.bucket}`, (signal) => applicationsOf(bucket.bucket, signal));
  const work = latestWork({ kind: "diagnose", bucket: bucket.bucket });
  const ended = work?.state === "running" ? undefined : work?.id;
  const [reload, reloadApplied] = [known.reload, applied.reload];
  // Whoever began it: what is shown is the last diagnosis.
  useEffect(() => {
    if (ended !== undefined) reload();
  }, [ended, reload]);
  const begin = useAction(async () => takeWork(await beginWork({ kind: "diagnose", bucket: bucket.bucket })));
  const stop = useAction(async () => {
    if (work !== undefined) takeWork(await cancelWork(work.id));
  });
  const isRunning = work?.state === "running";
  const diagnosis = known.state === "ready" ? known.value.diagnosis : null;
  return (
    <>
      <div class="page-bar">
        {picker}
        <Button
          kind={diagnosis === null ? "primary" : "plain"}
          icon="search"
          isBusy={begin.isRunning || isRunning}
          reason={bucket.cannot.diagnose}
          onPress={() => void begin.run()}
        >
          {diagnosis === null ? "Diagnose" : "Diagnose again"}
        </Button>
        {diagnosis === null ? null : (
          <span class="dim">
            looked at <Ago atMs={Date.parse(diagnosis.takenAt)} />
          </span>
        )}
      </div>
      <div class="stack">
        {isRunning ? (
          <div class="card card-body diagnosing">
            <Progress {...work.progress} />
            <Button size="small" icon="stop" isBusy={stop.isRunning} onPress={() => void stop.run()}>
              Stop
            </Button>
          </div>
        ) : null}
        {work?.state === "failed" ? (
          <div class="card">
            <Failed
              error={new Error(work.error ?? "It says nothing about why.")}
              what="The diagnosis could not be made"
            />
          </div>
        ) : null}
        <Loaded resource={known} loading="Loading the last diagnosis" failed="The diagnosis could not be loaded">
          {({ diagnosis: found }) =>
            found === null ? (
              <NotYet isRunning={isRunning} />
            ) : (
              <Found bucket={bucket} diagnosis={found} onApplied={reloadApplied} />
            )
          }
        </Loaded>
        {applied.state === "ready" ? (
          <Applications
            bucket={bucket.bucket}
            applications={applied.value.applications}
            patches={diagnosis?.patches ?? {}}
            onUndone={reloadApplied}
          />
        ) : null}
      </div>
    </>
  );
}

function NotYet({ isRunning }: { readonly isRunning: boolean }) {
  if (isRunning) return null;
  return (
    <div class="card">
      <Empty title="Not diagnosed yet" icon="search">
        A diagnosis reads settings, policies and statuses, and says why versions are not at their destination. It
        changes nothing.
      </Empty>
    </div>
  );
}

interface FoundProps {
  readonly bucket: DeskBucket;
  readonly diagnosis: DeskDiagnosis;
  readonly onApplied: () => void;
}

function Found({ bucket, diagnosis, onApplied }: FoundProps) {
  const { causes } = diagnosis;
  const asked = route.value.query["cause"];
  const shown = causes.find((one) => one.id === asked) ?? causes[0];
  return (
    <>
      <Scanned diagnosis={diagnosis} />
      {shown === undefined ? (
        <div class="card">
          <Empty title="Nothing is held back" icon="check" tone="good">
            No version of {bucket.bucket} is FAILED, stuck, or left out by mistake.
          </Empty>
        </div>
      ) : (
        <div class="causes">
          <nav aria-label="Causes">
            <ol class="cause-list">
              {causes.map((one) => (
                <li key={one.id}>
                  <a
                    class="cause-item"
                    href={placeOf("causes", { bucket: bucket.bucket, cause: one.id })}
                    aria-current={one.id === shown.id ? "true" : undefined}
                  >
                    <span class="cause-title">{one.title}</span>
                    <span class="cause-says">
                      <strong>{plural(one.affected.versions, "version")}</strong>, {sizeWords(one.affected.bytes)}
                    </span>
                  </a>
                </li>
              ))}
            </ol>
          </nav>
          <CauseDetail key={shown.id} bucket={bucket} cause={shown} diagnosis={diagnosis} onApplied={onApplied} />
        </div>
      )}
      <Rest diagnosis={diagnosis} />
    </>
  );
}

function Scanned({ diagnosis: { scanned, causes } }: { readonly diagnosis: DeskDiagnosis }) {
  const { silent } = scanned;
  const left = silent.notSelected + silent.beforeRule + silent.unreadableClass + silent.replicaSource;
  const parts = [
    ["versions looked at", scanned.versions],
    ["COMPLETED", scanned.completed],
    ["FAILED", scanned.failed],
    ["PENDING", scanned.pending],
    ["REPLICA", scanned.replica],
    ["without a status", Math.max(scanned.none, left)],
    ["not readable", scanned.unreadable],
  ] as const;
  return (
    <p class="scanned">
      <Badge tone={causes.length === 0 ? "good" : "bad"}>{plural(causes.length, "cause")}</Badge>
      {parts
        .filter(([name, count], at) => at === 0 || count > 0 || name === "FAILED")
        .map(([name, count]) => (
          <span key={name} title={countWords(count)}>
            <strong>{shortCount(count)}</strong> {name}
          </span>
        ))}
    </p>
  );
}

/** What is by design, and what is not explained. */
function Rest({ diagnosis: { bucket, notes, unexplained } }: { readonly diagnosis: DeskDiagnosis }) {
  return (
    <>
      {unexplained.length === 0 ? null : (
        <section class="card" aria-labelledby="unexplained">
          <header class="card-head">
            <h2 id="unexplained">Not explained</h2>
          </header>
          <ul class="card-body said">
            {unexplained.map((one) => (
              <li key={`${one.key} ${one.versionId}`}>
                <a href={placeOf("objects", { bucket, key: one.key })}>{one.key}</a> {one.status.toUpperCase()}:{" "}
                {one.missing}
              </li>
            ))}
          </ul>
        </section>
      )}
      {notes.length === 0 ? null : (
        <section class="card" aria-labelledby="by-design">
          <header class="card-head">
            <h2 id="by-design">By design</h2>
          </header>
          <ul class="card-body said">
            {notes.map((one) => (
              <li key={one.kind}>
                {one.says} ({plural(one.versions, "version")}). <span class="dim">Instead: {one.instead}.</span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

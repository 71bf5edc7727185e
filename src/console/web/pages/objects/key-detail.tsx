/** One key: its versions, where each is at every destination, and why. The queue is told also of what the store does not know. */
import { useEffect } from "preact/hooks";
import type { VersionExplanation } from "../../../../core/diagnose/explain-version.ts";
import type { TaskExplanation } from "../../../explain.ts";
import { ApiError, keyOf, tasksOf } from "../../api.ts";
import { Badge, StatusBadge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Icon } from "../../parts/icon.tsx";
import { Empty, Failed, Loading } from "../../parts/states.tsx";
import { Ago } from "../../parts/when.tsx";
import { useResource } from "../../resource.ts";
import { bucketName, plural, sizeWords } from "../../words.ts";
import { reasonWords } from "./reasons.ts";
import { Steps } from "./steps.tsx";

interface KeyDetailProps {
  readonly bucket: string;
  readonly objectKey: string;
}

/** The queue moves: it is asked again so often while the key is looked at. */
const TASKS_MS = 5000;

export function KeyDetail({ bucket, objectKey }: KeyDetailProps) {
  const known = useResource(`${bucket} ${objectKey}`, (signal) => keyOf(bucket, objectKey, signal));
  const queue = useResource(`tasks ${bucket} ${objectKey}`, (signal) => tasksOf(bucket, objectKey, signal));
  const { reload } = queue;
  useEffect(() => {
    const timer = setInterval(reload, TASKS_MS);
    return () => clearInterval(timer);
  }, [reload]);
  const tasks = queue.state === "ready" ? queue.value.tasks : [];
  const atMs = queue.state === "ready" ? queue.value.atMs : 0;
  return (
    <article class="card key" aria-labelledby="key">
      <header class="key-head">
        <h2 id="key">{objectKey}</h2>
        <Button
          kind="quiet"
          size="small"
          icon="jobs"
          label="Look again"
          isBusy={known.state === "loading" || (known.state === "ready" && known.isStale)}
          onPress={known.reload}
        />
      </header>
      {known.state === "loading" ? <Loading what="Looking at every version" /> : null}
      {known.state === "failed" ? (
        <NotThere error={known.error} retry={known.reload} tasks={tasks} atMs={atMs} />
      ) : null}
      {known.state === "ready" ? (
        <ol class="versions">
          {known.value.versions.map((one, at) => (
            <li key={one.versionId}>
              <Version
                version={one}
                isLatest={at === 0}
                tasks={tasks.filter((task) => task.versionId === one.versionId)}
                atMs={atMs}
              />
            </li>
          ))}
        </ol>
      ) : null}
    </article>
  );
}

interface NotThereProps {
  readonly error: unknown;
  readonly retry: () => void;
  readonly tasks: readonly TaskExplanation[];
  readonly atMs: number;
}

/** What the source does not have may still be in the queue: a marker, a tag, a version that was removed meanwhile. */
function NotThere({ error, retry, tasks, atMs }: NotThereProps) {
  const isMissing = error instanceof ApiError && error.status === 404;
  return (
    <>
      {isMissing ? (
        <Empty title="There is no such key at the source" icon="objects">
          {tasks.length === 0 ? "Nothing of it waits, and nothing of it has FAILED." : "The queue still knows of it:"}
        </Empty>
      ) : (
        <Failed error={error} what="The key could not be looked at" retry={retry} />
      )}
      {tasks.length === 0 ? null : (
        <div class="version-body">
          <Destinations version={undefined} tasks={tasks} atMs={atMs} />
        </div>
      )}
    </>
  );
}

interface VersionProps {
  readonly version: VersionExplanation;
  readonly isLatest: boolean;
  readonly tasks: readonly TaskExplanation[];
  readonly atMs: number;
}

function Version({ version, isLatest, tasks, atMs }: VersionProps) {
  const { versionId, status, written, sizeBytes, encryption, isDeleteMarker } = version;
  return (
    <details class="version" open={isLatest}>
      <summary>
        <Icon name="right" size={14} />
        <span class="version-words">
          <code>{versionId}</code>
          <span class="dim">
            {isDeleteMarker ? "delete marker" : `${sizeWords(sizeBytes)}, ${encryption.kind}`}, written{" "}
            <Ago atMs={Date.parse(written)} />
            {isLatest ? ", the latest" : ""}
          </span>
        </span>
        <StatusBadge status={status} />
      </summary>
      <div class="version-body">
        <Destinations version={version} tasks={tasks} atMs={atMs} />
        <WhyNot version={version} />
        <Steps version={version} />
        <History version={version} />
        <Notes version={version} />
      </div>
    </details>
  );
}

interface DestinationsProps {
  readonly version: VersionExplanation | undefined;
  readonly tasks: readonly TaskExplanation[];
  readonly atMs: number;
}

/** Of every destination that a rule sends it to, and of what the queue holds besides. */
function Destinations({ version, tasks, atMs }: DestinationsProps) {
  const taken = (version?.rules ?? []).filter((one) => one.taken);
  const quiet = taken.filter((one) => !tasks.some((task) => task.destinationArn === one.destination));
  if (tasks.length === 0 && quiet.length === 0) return null;
  return (
    <section>
      <h3>At the destinations</h3>
      <ul class="ends">
        {tasks.map((task) => (
          <li key={`${task.versionId} ${task.operation} ${task.destinationArn}`}>
            <div class="row">
              <strong>{bucketName(task.destinationArn)}</strong>
              <StatusBadge status={task.status} />
              <span class="dim">
                {OPERATIONS[task.operation] ?? task.operation}, rule {task.ruleId},{" "}
                {task.attempts === 0 ? "not tried yet" : `tried ${plural(task.attempts, "time")}`}
              </span>
            </div>
            {task.failure === undefined ? null : (
              <p>
                <code>{task.failure.code}</code> {task.failure.title}: {task.failure.message}
              </p>
            )}
            {task.because.map((one) => (
              <p key={one.is}>{reasonWords(one, atMs)}</p>
            ))}
          </li>
        ))}
        {quiet.map((one) => (
          <li key={one.destination}>
            <div class="row">
              <strong>{bucketName(one.destination)}</strong>
              <StatusBadge status={version?.status ?? "none"} />
              <span class="dim">rule {one.rule}</span>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

const OPERATIONS: Readonly<Record<string, string>> = {
  put: "the version itself",
  deleteMarker: "the delete marker",
  tags: "its tags",
  acl: "its access control list",
  retention: "its retention",
  legalHold: "its legal hold",
  delete: "its removal",
};

/** Rules that do not take it, and what would have to change. */
function WhyNot({ version: { rules, changes } }: { readonly version: VersionExplanation }) {
  const left = [
    ...rules.filter((one) => !one.taken).map((one) => ({ ...one, what: "" })),
    // Where the version itself is not taken, its tags and grants have nothing to follow.
    ...changes
      .filter((one) => rules.some((other) => other.taken && other.rule === one.rule))
      .map((one) => ({ ...one, what: one.operation === "acl" ? "access control list" : "tags" })),
  ];
  if (left.length === 0) return null;
  const isAll = rules.every((one) => !one.taken);
  return (
    <section>
      <h3>{isAll ? "Why not? No rule takes it" : "What does not take it, and why"}</h3>
      <ul class="ends">
        {left.map(({ rule, destination, says, change, what }) => (
          <li key={`${rule} ${destination} ${what}`}>
            <div class="row">
              <strong>{rule}</strong>
              <span class="dim">
                → {bucketName(destination)}
                {what === "" ? "" : `, ${what}`}
              </span>
            </div>
            <p>{says}.</p>
            {change === undefined ? null : <p class="to-change">To be taken: {change}.</p>}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What went wrong before, the latest first. */
function History({ version: { failures } }: { readonly version: VersionExplanation }) {
  if (failures.length === 0) return null;
  const sorted = failures.toSorted((one, other) => (other.lastAttemptAtMs ?? 0) - (one.lastAttemptAtMs ?? 0));
  return (
    <section>
      <h3>What went wrong</h3>
      <ul class="ends">
        {sorted.map((one) => (
          <li key={`${one.destinationArn} ${one.code} ${one.step}`}>
            <div class="row">
              <code>{one.code}</code>
              <Badge tone={one.pending ? "info" : "bad"}>{one.pending ? "tried again" : "FAILED"}</Badge>
              <span class="dim">
                at step {one.step}, {plural(one.attempts, "try").replace("trys", "tries")}
                {one.lastAttemptAtMs === undefined ? null : (
                  <>
                    , the last <Ago atMs={one.lastAttemptAtMs} />
                  </>
                )}
              </span>
            </div>
            <p>
              {one.httpStatus === undefined ? "" : `${one.httpStatus} `}
              {one.errorCode === undefined ? "" : `${one.errorCode}: `}
              {one.message}
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Notes({ version: { settings, notes } }: { readonly version: VersionExplanation }) {
  if (settings.length === 0 && notes.length === 0) return null;
  return (
    <section>
      <h3>Besides</h3>
      <ul class="ends">
        {settings.map((one) => (
          <li key={`${one.rule} ${one.code}`}>
            <code>{one.code}</code> {one.says}
          </li>
        ))}
        {notes.map((one) => (
          <li key={one.kind}>
            {one.says}. <span class="dim">Instead: {one.instead}.</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Jobs of resync: how far each is, live; pausing, resuming and cancelling them; and starting one. */
import "./jobs.css";
import { useState } from "preact/hooks";
import type { ResyncProgress } from "../../../../engine/resync/model.ts";
import { changeJob, jobsNow } from "../../api.ts";
import { jobs } from "../../live.ts";
import { Badge, type Tone } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import type { IconName } from "../../parts/icon.tsx";
import { Progress } from "../../parts/progress.tsx";
import { Empty, Loaded } from "../../parts/states.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Ago } from "../../parts/when.tsx";
import { useAction, useResource } from "../../resource.ts";
import { route } from "../../route.ts";
import { countWords, plural, sizeWords, spanWords } from "../../words.ts";
import { requestWords, STAGES } from "./job-words.ts";
import { StartResync } from "./start-resync.tsx";

export function Jobs() {
  const [isStarting, setStarting] = useState(route.value.query["start"] !== undefined);
  // Events tell of jobs from the first one on; the first answer is asked for.
  const first = useResource("jobs", jobsNow);
  const told = jobs.value;
  return (
    <>
      <div class="page-bar">
        <Button kind="primary" icon="jobs" changes onPress={() => setStarting(true)}>
          Resync…
        </Button>
      </div>
      {told === undefined ? (
        <Loaded resource={first} loading="Asking for jobs" failed="The jobs could not be listed">
          {(answer) => <Listed jobs={answer.jobs} />}
        </Loaded>
      ) : (
        <Listed jobs={told} />
      )}
      {isStarting ? <StartResync onClose={() => setStarting(false)} onStarted={first.reload} /> : null}
    </>
  );
}

function Listed({ jobs: all }: { readonly jobs: readonly ResyncProgress[] }) {
  const running = all.filter(isUnderWay);
  const ended = all.filter((one) => !isUnderWay(one));
  if (all.length === 0) {
    return (
      <div class="card">
        <Empty title="Nothing has been resynced yet" icon="jobs">
          A resync replicates again what is FAILED, or what no rule took when it was written.
        </Empty>
      </div>
    );
  }
  return (
    <div class="stack">
      {running.length === 0 ? null : (
        <section class="card" aria-labelledby="jobs-running">
          <header class="card-head">
            <h2 id="jobs-running">Under way</h2>
          </header>
          <ul class="jobs">
            {running.map((one) => (
              <Running key={one.id} job={one} />
            ))}
          </ul>
        </section>
      )}
      {ended.length === 0 ? null : (
        <section class="card" aria-labelledby="jobs-ended">
          <header class="card-head">
            <h2 id="jobs-ended">Ended</h2>
          </header>
          <Ended jobs={ended} />
        </section>
      )}
    </div>
  );
}

function isUnderWay({ state }: ResyncProgress): boolean {
  return state === "running" || state === "paused";
}

function Running({ job }: { readonly job: ResyncProgress }) {
  const [isCancelling, setCancelling] = useState(false);
  const change = useAction(changeJob);
  const { id, bucket, state, stage, completed, failed, open, foundFailed, foundUntried, bytes, unreadable } = job;
  const found = foundFailed + foundUntried;
  // While it lists, nobody knows how much there is.
  const isListed = (stage === "finishing" || state === "paused") && found > 0;
  return (
    <li class="job">
      <div class="job-head">
        <span>
          <strong>{bucket}</strong> <span class="dim">{requestWords(job.request)}</span>
        </span>
        <span class="row">
          {state === "paused" ? (
            <Badge tone="warn" icon="pause">
              paused
            </Badge>
          ) : null}
          {job.dryRun ? <Badge tone="info">counts only</Badge> : null}
        </span>
      </div>
      <Progress says={STAGES[stage]} done={completed + failed} total={isListed ? found : undefined} />
      <dl class="figures-row">
        <Figure name="found" value={countWords(found)} />
        <Figure name="bytes" value={sizeWords(bytes)} />
        <Figure name="COMPLETED" value={countWords(completed)} />
        <Figure name="FAILED again" value={countWords(failed)} isBad={failed > 0} />
        <Figure name="under way" value={countWords(open)} />
        {unreadable > 0 ? <Figure name="not readable" value={countWords(unreadable)} isBad /> : null}
      </dl>
      {job.error === undefined ? null : <p class="job-error">{job.error}</p>}
      <div class="row">
        {state === "paused" ? (
          <Button
            size="small"
            icon="play"
            changes
            isBusy={change.isRunning}
            onPress={() => void change.run(id, "resume")}
          >
            Resume
          </Button>
        ) : (
          <Button
            size="small"
            icon="pause"
            changes
            isBusy={change.isRunning}
            onPress={() => void change.run(id, "pause")}
          >
            Pause
          </Button>
        )}
        <Button size="small" icon="stop" changes onPress={() => setCancelling(true)}>
          Cancel…
        </Button>
        <span class="dim">
          begun <Ago atMs={job.createdAtMs} />
        </span>
      </div>
      {isCancelling ? (
        <Confirm
          title="Cancel the job?"
          confirm="Cancel the job"
          isDangerous
          onConfirm={() => changeJob(id, "cancel")}
          onClose={() => setCancelling(false)}
        >
          <p>
            What is COMPLETED stays so, and what is under way is finished. The rest is left as it was:{" "}
            {plural(Math.max(0, found - completed - failed - open), "task")} of those that were found.
          </p>
        </Confirm>
      ) : null}
    </li>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: string;
  readonly isBad?: boolean;
}

function Figure({ name, value, isBad }: FigureProps) {
  return (
    <div class={isBad === true ? "bad" : undefined}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

const ENDS: Readonly<Record<string, { readonly tone: Tone; readonly icon: IconName; readonly says: string }>> = {
  done: { tone: "good", icon: "check", says: "done" },
  cancelled: { tone: "dim", icon: "stop", says: "cancelled" },
  broken: { tone: "bad", icon: "cross", says: "broken off" },
};

const COLUMNS: readonly Column<ResyncProgress>[] = [
  {
    id: "what",
    title: "Job",
    isName: true,
    sort: (job) => job.bucket,
    cell: (job) => (
      <span>
        <strong>{job.bucket}</strong> <span class="dim">{requestWords(job.request)}</span>
      </span>
    ),
  },
  {
    id: "end",
    title: "End",
    sort: (job) => job.state,
    cell: (job) => {
      const { tone, icon, says } = ENDS[job.state] ?? { tone: "dim", icon: "info", says: job.state };
      return (
        <span>
          <Badge tone={job.state === "done" && job.failed > 0 ? "warn" : tone} icon={icon}>
            {job.dryRun ? `${says}, counted only` : says}
          </Badge>
          {job.error === undefined ? null : <span class="job-error"> {job.error}</span>}
        </span>
      );
    },
  },
  {
    id: "found",
    title: "Found",
    isFigure: true,
    sort: (job) => job.foundFailed + job.foundUntried,
    cell: (job) => countWords(job.foundFailed + job.foundUntried),
  },
  { id: "bytes", title: "Bytes", isFigure: true, sort: (job) => job.bytes, cell: (job) => sizeWords(job.bytes) },
  {
    id: "completed",
    title: "COMPLETED",
    isFigure: true,
    sort: (job) => job.completed,
    cell: (job) => (job.dryRun ? "–" : countWords(job.completed)),
  },
  {
    id: "failed",
    title: "FAILED again",
    isFigure: true,
    sort: (job) => job.failed,
    cell: (job) => (job.dryRun ? "–" : countWords(job.failed)),
  },
  {
    id: "took",
    title: "Took",
    isFigure: true,
    sort: (job) => (job.endedAtMs ?? job.createdAtMs) - job.createdAtMs,
    cell: (job) => (job.endedAtMs === undefined ? "–" : spanWords(job.endedAtMs - job.createdAtMs)),
  },
  {
    id: "when",
    title: "Begun",
    isFigure: true,
    sort: (job) => job.createdAtMs,
    cell: (job) => <Ago atMs={job.createdAtMs} />,
  },
];

function Ended({ jobs: ended }: { readonly jobs: readonly ResyncProgress[] }) {
  return <Table caption="Jobs that have ended" columns={COLUMNS} rows={ended} keyOf={(job) => job.id} />;
}

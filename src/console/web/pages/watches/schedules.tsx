/** When watches are due, and a button that does one now. */
import type { ScheduleStanding } from "../../../../monitor/schedules.ts";
import { nowMs } from "../../clock.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { useAction } from "../../resource.ts";
import { tell } from "../../toasts.ts";
import { momentWords, spanWords } from "../../words.ts";
import { beginWatch, KINDS } from "./watches.ts";

interface SchedulesProps {
  readonly schedules: readonly ScheduleStanding[];
  readonly onBegun: () => void;
}

export function Schedules({ schedules, onBegun }: SchedulesProps) {
  if (schedules.length === 0) return null;
  return (
    <section class="card" aria-labelledby="schedules">
      <header class="card-head">
        <h2 id="schedules">Schedules</h2>
      </header>
      <ul class="schedules">
        {schedules.map((one) => (
          <One key={`${one.kind} ${one.subject}`} schedule={one} onBegun={onBegun} />
        ))}
      </ul>
    </section>
  );
}

function One({ schedule, onBegun }: { readonly schedule: ScheduleStanding; readonly onBegun: () => void }) {
  const { kind, subject, when, nextAtMs, isRunning } = schedule;
  const begin = useAction(async () => {
    await beginWatch(schedule);
    tell(`${KINDS[kind]} of ${subject} has begun.`, "good");
    onBegun();
  });
  return (
    <li>
      <span class="schedule-name">
        <strong>{subject}</strong> <span class="dim">{KINDS[kind].toLowerCase()}</span>
      </span>
      <code>{when}</code>
      {isRunning ? (
        <Badge tone="info" icon="play">
          under way
        </Badge>
      ) : nextAtMs === undefined ? null : (
        <time class="dim" dateTime={new Date(nextAtMs).toISOString()} title={momentWords(nextAtMs)}>
          {nextAtMs > nowMs.value ? `in ${spanWords(nextAtMs - nowMs.value)}` : "due"}
        </time>
      )}
      <Button
        size="small"
        icon="play"
        changes
        isBusy={begin.isRunning}
        reason={isRunning ? "It is under way." : undefined}
        label={`Run now: the ${KINDS[kind].toLowerCase()} of ${subject}`}
        onPress={() => void begin.run()}
      >
        Run now
      </Button>
    </li>
  );
}

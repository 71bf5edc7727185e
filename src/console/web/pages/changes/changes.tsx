/** What was changed in the console, by whom and from where, the youngest first. */
import type { Change } from "../../../changes.ts";
import { get } from "../../api.ts";
import { Badge, type Tone } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import type { IconName } from "../../parts/icon.tsx";
import { Empty, Loaded } from "../../parts/states.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Ago } from "../../parts/when.tsx";
import { useResource } from "../../resource.ts";

const OUTCOMES: Readonly<
  Record<Change["outcome"], { readonly tone: Tone; readonly icon: IconName; readonly says: string }>
> = {
  begun: { tone: "warn", icon: "clock", says: "begun, no end known" },
  done: { tone: "good", icon: "check", says: "done" },
  refused: { tone: "warn", icon: "stop", says: "refused" },
  failed: { tone: "bad", icon: "cross", says: "failed" },
};

const COLUMNS: readonly Column<Change>[] = [
  {
    id: "action",
    title: "What",
    isName: true,
    isWide: true,
    sort: (one) => one.action,
    cell: (one) => (
      <span>
        {one.action} {one.subject === "" ? null : <code>{one.subject}</code>}
      </span>
    ),
  },
  {
    id: "outcome",
    title: "Outcome",
    sort: (one) => one.outcome,
    cell: (one) => (
      <span>
        <Badge tone={OUTCOMES[one.outcome].tone} icon={OUTCOMES[one.outcome].icon}>
          {OUTCOMES[one.outcome].says}
        </Badge>{" "}
        {one.says}
      </span>
    ),
  },
  {
    id: "by",
    title: "By",
    sort: (one) => one.by,
    cell: (one) => (
      <span class="whole">
        {one.by} <span class="dim">({one.role})</span>
      </span>
    ),
  },
  { id: "from", title: "From", sort: (one) => one.from, cell: (one) => <code class="whole">{one.from}</code> },
  { id: "at", title: "When", isFigure: true, sort: (one) => one.atMs, cell: (one) => <Ago atMs={one.atMs} /> },
];

export function ChangeLog() {
  const changes = useResource("changes", (signal) =>
    get<{ readonly changes: readonly Change[] }>("changes", {}, signal),
  );
  return (
    <>
      <div class="page-bar">
        <p class="dim">Everything that somebody changed through this console. It is kept with the engine's records.</p>
        <span class="end">
          <Button icon="jobs" isBusy={changes.state === "ready" && changes.isStale} onPress={changes.reload}>
            Look again
          </Button>
        </span>
      </div>
      <div class="card">
        <Loaded resource={changes} loading="Reading the log" failed="The log could not be read">
          {(answer) => (
            <Table
              caption="Changes, the youngest first"
              columns={COLUMNS}
              rows={answer.changes}
              keyOf={(one) => `${one.atMs} ${one.by} ${one.action} ${one.subject}`}
              empty={<Empty title="Nobody has changed anything yet" icon="user" />}
            />
          )}
        </Loaded>
      </div>
    </>
  );
}

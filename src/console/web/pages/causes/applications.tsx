/** What was applied to the bucket earlier, and can be taken back. */
import { useState } from "preact/hooks";
import type { Application } from "../../../../doctor/history.ts";
import type { DeskDiagnosis } from "../../../desk.ts";
import { beginWork } from "../../api.ts";
import { takeWork, works } from "../../live.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Ago } from "../../parts/when.tsx";
import { bucketName } from "../../words.ts";

interface ApplicationsProps {
  readonly bucket: string;
  readonly applications: readonly Application[];
  readonly patches: DeskDiagnosis["patches"];
  readonly onUndone: () => void;
}

export function Applications({ bucket, applications, patches, onUndone }: ApplicationsProps) {
  const [asked, setAsked] = useState<Application | undefined>(undefined);
  if (applications.length === 0) return null;
  const isUndoing = [...works.value.values()].some((one) => one.kind === "undo" && one.state === "running");
  const columns: readonly Column<Application>[] = [
    {
      id: "what",
      title: "Change",
      isWide: true,
      cell: (one) => one.patches.map((patch) => nameOf(patch, patches)).join("; "),
    },
    {
      id: "when",
      title: "Applied",
      cell: (one) => <Ago atMs={Date.parse(one.appliedAt)} />,
      sort: (one) => one.appliedAt,
    },
    { id: "where", title: "At", cell: (one) => one.endpoint },
    { id: "id", title: "Id", cell: (one) => <code>{one.id}</code> },
    {
      id: "undo",
      title: "State",
      cell: (one) =>
        one.undoneAt === undefined ? (
          <Button size="small" icon="undo" changes isBusy={isUndoing} onPress={() => setAsked(one)}>
            Undo…
          </Button>
        ) : (
          <Badge tone="dim" icon="undo">
            taken back
          </Badge>
        ),
    },
  ];
  return (
    <section class="card" aria-labelledby="applied">
      <header class="card-head">
        <h2 id="applied">Applied earlier</h2>
      </header>
      <Table caption="What was applied earlier" columns={columns} rows={applications} keyOf={(one) => one.id} />
      {asked === undefined ? null : (
        <Confirm
          title="Take the change back?"
          confirm="Undo"
          isDangerous
          onClose={() => setAsked(undefined)}
          onConfirm={async () => {
            takeWork(await beginWork({ kind: "undo", bucket, id: asked.id }));
            onUndone();
          }}
        >
          <p>These are put back as they were before:</p>
          <ul class="said">
            {asked.patches.map((one) => (
              <li key={one.id}>{nameOf(one, patches)}</li>
            ))}
          </ul>
        </Confirm>
      )}
    </section>
  );
}

function nameOf(patch: Application["patches"][number], patches: DeskDiagnosis["patches"]): string {
  const { id, target, resource, name } = patch;
  return (
    patches[id]?.title ?? `${target.replaceAll("-", " ")} ${name ?? ""} of ${bucketName(resource)}`.replace("  ", " ")
  );
}

/** The lab of `lockstep up`: its accounts and buckets, small objects, and what goes wrong in it on purpose. */
import "./lab.css";
import { useState } from "preact/hooks";
import type { LabView } from "../../../lab-desk.ts";
import { get, remove } from "../../api.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button, CopyButton } from "../../parts/button.tsx";
import { Icon } from "../../parts/icon.tsx";
import { Empty, Loaded } from "../../parts/states.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { useAction, useResource } from "../../resource.ts";
import { placeOf } from "../../route.ts";
import { aboutNow } from "../../session.ts";
import { plural } from "../../words.ts";
import { DisturbDialog } from "./disturb.tsx";
import { AccountDialog, BucketDialog, ObjectDialog } from "./lab-dialogs.tsx";

type Asked = { readonly what: "account" | "bucket" | "fault" } | { readonly what: "object"; readonly bucket: string };

export function Lab() {
  const [asked, setAsked] = useState<Asked | undefined>(undefined);
  const lab = useResource("lab", (signal) => get<LabView>("lab", {}, signal));
  const endpoint = aboutNow.value?.lab?.endpoint;
  const view = lab.state === "ready" ? lab.value : undefined;
  const done = { onClose: () => setAsked(undefined), onDone: lab.reload };
  return (
    <>
      <div class="page-bar">
        {endpoint === undefined ? null : (
          <p class="endpoint">
            S3, IAM, STS and KMS at <code>{endpoint}</code>
            <CopyButton text={endpoint} what="the address" />
          </p>
        )}
        <span class="end row">
          <Button changes onPress={() => setAsked({ what: "account" })}>
            Account…
          </Button>
          <Button changes onPress={() => setAsked({ what: "bucket" })}>
            Bucket…
          </Button>
          <Button kind="primary" icon="warn" changes onPress={() => setAsked({ what: "fault" })}>
            Make something go wrong…
          </Button>
        </span>
      </div>
      <Loaded resource={lab} loading="Looking into the lab" failed="The lab could not be looked into">
        {(value) => (
          <div class="stack">
            <Disturbances view={value} onChanged={lab.reload} />
            <Buckets view={value} onObject={(bucket) => setAsked({ what: "object", bucket })} />
            <Accounts view={value} />
          </div>
        )}
      </Loaded>
      {asked?.what === "account" ? <AccountDialog {...done} /> : null}
      {asked?.what === "bucket" ? <BucketDialog accounts={view?.accounts ?? []} {...done} /> : null}
      {asked?.what === "fault" ? <DisturbDialog buckets={view?.buckets ?? []} {...done} /> : null}
      {asked?.what === "object" ? <ObjectDialog bucket={asked.bucket} {...done} /> : null}
    </>
  );
}

function Disturbances({ view, onChanged }: { readonly view: LabView; readonly onChanged: () => void }) {
  const calm = useAction(async (id: string) => {
    await remove(`lab/disturbances/${encodeURIComponent(id)}`);
    onChanged();
  });
  if (view.disturbances.length === 0) return null;
  return (
    <section class="card disturbed" aria-labelledby="lab-disturbances">
      <header class="card-head">
        <h2 id="lab-disturbances">What goes wrong on purpose</h2>
      </header>
      <ul class="disturbances">
        {view.disturbances.map((one) => (
          <li key={one.id}>
            <Icon name="warn" size={18} />
            <span>{one.says}</span>
            <Button size="small" icon="undo" changes isBusy={calm.isRunning} onPress={() => void calm.run(one.id)}>
              Take back
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}

type Bucket = LabView["buckets"][number];

function Buckets({ view, onObject }: { readonly view: LabView; readonly onObject: (bucket: string) => void }) {
  const columns: readonly Column<Bucket>[] = [
    {
      id: "name",
      title: "Bucket",
      isName: true,
      sort: (one) => one.name,
      cell: (one) => (
        <a href={placeOf("objects", { bucket: one.name })}>
          <strong>{one.name}</strong>
        </a>
      ),
    },
    { id: "account", title: "Account", sort: (one) => one.account, cell: (one) => <code>{one.account}</code> },
    { id: "region", title: "Region", sort: (one) => one.region, cell: (one) => one.region },
    {
      id: "versioning",
      title: "Versioning",
      cell: (one) =>
        one.versioning === "Enabled" ? (
          <Badge tone="good">Enabled</Badge>
        ) : (
          <Badge tone="warn">{one.versioning === "" ? "never enabled" : one.versioning}</Badge>
        ),
    },
    {
      id: "rules",
      title: "Replication",
      sort: (one) => one.rules,
      cell: (one) =>
        one.rules === 0 ? (
          <span class="dim">none</span>
        ) : (
          <a href={placeOf("rules", { bucket: one.name })}>{plural(one.rules, "rule")}</a>
        ),
    },
    {
      id: "write",
      title: "Objects",
      cell: (one) => (
        <Button
          size="small"
          changes
          label={`Write or delete an object in ${one.name}`}
          onPress={() => onObject(one.name)}
        >
          Write…
        </Button>
      ),
    },
  ];
  return (
    <section class="card" aria-labelledby="lab-buckets">
      <header class="card-head">
        <h2 id="lab-buckets">Buckets</h2>
      </header>
      <Table
        caption="Buckets of the lab"
        columns={columns}
        rows={view.buckets}
        keyOf={(one) => one.name}
        empty={<Empty title="The lab has no bucket yet" icon="bucket" />}
      />
    </section>
  );
}

function Accounts({ view }: { readonly view: LabView }) {
  return (
    <section class="card" aria-labelledby="lab-accounts">
      <header class="card-head">
        <h2 id="lab-accounts">Accounts</h2>
      </header>
      <ul class="accounts">
        {view.accounts.map((one) => (
          <li key={one.id}>
            <Icon name="user" size={16} />
            <code>{one.id}</code>
            {one.name === undefined ? null : <span class="dim">{one.name}</span>}
            <span class="dim">{plural(view.buckets.filter(({ account }) => account === one.id).length, "bucket")}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

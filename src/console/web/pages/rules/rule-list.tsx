/** The rules as a list: what each selects, what goes along, where to, and what gets in its way. */
import type { RuleOverlap } from "../../../../core/config/overlaps.ts";
import type { Rule } from "../../../../core/model.ts";
import type { DeskRules } from "../../../desk.ts";
import { Badge } from "../../parts/badge.tsx";
import { Empty } from "../../parts/states.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { bucketName, plural } from "../../words.ts";
import { tagWords } from "./selections.ts";

export function RuleList({ rules: { bucket, rules, overlaps } }: { readonly rules: DeskRules }) {
  const columns: readonly Column<Rule>[] = [
    { id: "id", title: "Rule", isName: true, sort: (rule) => rule.id, cell: (rule) => <strong>{rule.id}</strong> },
    {
      id: "priority",
      title: "Priority",
      isFigure: true,
      sort: (rule) => rule.priority ?? 0,
      cell: (rule) => rule.priority ?? "–",
    },
    { id: "takes", title: "Takes", cell: (rule) => <Takes rule={rule} /> },
    { id: "along", title: "Also", cell: (rule) => <Along rule={rule} /> },
    { id: "to", title: "To", sort: (rule) => rule.destination.bucketArn, cell: (rule) => <Towards rule={rule} /> },
    {
      id: "state",
      title: "State",
      sort: (rule) => (rule.enabled ? 0 : 1),
      cell: (rule) => <State rule={rule} overlaps={overlaps.filter((one) => one.rule === rule.id)} />,
    },
  ];
  return (
    <Table
      caption={`Rules of ${bucket}`}
      columns={columns}
      rows={rules}
      keyOf={(rule) => rule.id}
      empty={
        <Empty title="The bucket has no rule" icon="rules">
          Nothing in it is replicated.
        </Empty>
      }
    />
  );
}

function Takes({ rule: { prefix, tags } }: { readonly rule: Rule }) {
  if (prefix === "" && tags.length === 0) return <span>every key</span>;
  return (
    <span>
      {prefix === "" ? "any key" : <code>{prefix}</code>}
      {tags.length === 0 ? null : (
        <>
          {" with "}
          <code>{tagWords(tags)}</code>
        </>
      )}
    </span>
  );
}

/** What a person would otherwise have to look up in the document. */
function Along({ rule }: { readonly rule: Rule }) {
  const along = [
    ...(rule.kmsObjects ? ["KMS objects"] : []),
    ...(rule.deleteMarkers === false || rule.tags.length > 0 ? [] : ["delete markers"]),
    ...(rule.replicaModifications ? ["changes of replicas"] : []),
  ];
  return along.length === 0 ? <span class="dim">nothing more</span> : <span>{along.join(", ")}</span>;
}

function Towards({ rule: { destination } }: { readonly rule: Rule }) {
  const more = [
    ...(destination.account === undefined ? [] : [`account ${destination.account}`]),
    ...(destination.storageClass === undefined ? [] : [destination.storageClass]),
    ...(destination.ownerOverride ? ["replicas change owner"] : []),
    ...(destination.replicaKmsKeyArn === undefined ? [] : ["KMS key of its own"]),
    ...(destination.replicationTimeMinutes === undefined
      ? []
      : [`within ${destination.replicationTimeMinutes} minutes`]),
  ];
  return (
    <span>
      <code>{bucketName(destination.bucketArn)}</code>
      {more.length === 0 ? null : <span class="dim sub"> {more.join(", ")}</span>}
    </span>
  );
}

function State({ rule, overlaps }: { readonly rule: Rule; readonly overlaps: readonly RuleOverlap[] }) {
  if (!rule.enabled) {
    return (
      <Badge tone="dim" icon="pause">
        Disabled
      </Badge>
    );
  }
  if (overlaps.some((one) => one.is === "shadowed")) return <Badge tone="bad">Shadowed</Badge>;
  return (
    <span class="row">
      <Badge tone="good">Enabled</Badge>
      {overlaps.length === 0 ? null : (
        <Badge tone="warn">{overlaps.length === 1 ? "1 overlap" : plural(overlaps.length, "overlap")}</Badge>
      )}
    </span>
  );
}

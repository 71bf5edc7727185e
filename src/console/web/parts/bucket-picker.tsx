/** Which bucket a page is about: one of those that can be examined, kept in the address and remembered between pages. */
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { DeskBucket } from "../../desk.ts";
import { bucketsNow } from "../api.ts";
import { useResource } from "../resource.ts";
import { goTo, replacePlace, route } from "../route.ts";
import { SelectField } from "./field.tsx";
import { Empty, Loaded } from "./states.tsx";

const lastPicked = signal<string | undefined>(undefined);

interface OfBucketProps {
  readonly page: string;
  readonly children: (bucket: DeskBucket, picker: ComponentChildren) => ComponentChildren;
}

/** What a page shows of the bucket that its address names; without one, of the last that was picked or the first. */
export function OfBucket({ page, children }: OfBucketProps) {
  const known = useResource("buckets", bucketsNow);
  return (
    <Loaded resource={known} loading="Looking for buckets" failed="The buckets could not be listed">
      {({ buckets }) => <Picked page={page} buckets={buckets} children={children} />}
    </Loaded>
  );
}

function Picked({ page, buckets, children }: OfBucketProps & { readonly buckets: readonly DeskBucket[] }) {
  const asked = route.value.query["bucket"];
  const picked =
    buckets.find((one) => one.bucket === asked || one.name === asked) ??
    (asked === undefined ? (buckets.find((one) => one.bucket === lastPicked.value) ?? buckets[0]) : undefined);
  useEffect(() => {
    if (picked === undefined) return;
    lastPicked.value = picked.bucket;
    if (asked === undefined && route.value.page === page) {
      replacePlace(page, { ...route.value.query, bucket: picked.bucket });
    }
  }, [picked, asked, page]);
  const picker = (
    <SelectField
      label="Bucket"
      value={picked?.bucket ?? ""}
      options={[
        ...(picked === undefined ? [{ value: "", says: "choose…" }] : []),
        ...buckets.map((one) => ({
          value: one.bucket,
          says: one.name === one.bucket ? one.bucket : `${one.bucket} (${one.name})`,
        })),
      ]}
      onPick={(bucket) => goTo(page, { bucket })}
    />
  );
  if (buckets.length === 0) {
    return (
      <Empty title="No bucket is replicated here yet" icon="bucket">
        Put a replication configuration on a bucket, or add a replication with <code>lockstep replication add</code>.
      </Empty>
    );
  }
  if (picked === undefined) {
    return (
      <>
        <div class="page-bar">{picker}</div>
        <Empty title={`There is no bucket ${asked ?? ""} here`} icon="bucket">
          Choose one of those that are replicated here.
        </Empty>
      </>
    );
  }
  return <>{children(picked, picker)}</>;
}

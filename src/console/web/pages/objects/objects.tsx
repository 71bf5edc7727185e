/** Objects of one bucket: keys by their beginning, and of one key everything that is known. */
import type { ComponentChildren } from "preact";
import { useCallback, useState } from "preact/hooks";
import type { DeskBucket } from "../../../desk.ts";
import { keysOf } from "../../api.ts";
import { OfBucket } from "../../parts/bucket-picker.tsx";
import { Button } from "../../parts/button.tsx";
import { TextField } from "../../parts/field.tsx";
import { Empty, Loaded } from "../../parts/states.tsx";
import { useAction, useResource } from "../../resource.ts";
import { goTo, placeOf, route } from "../../route.ts";
import { KeyDetail } from "./key-detail.tsx";
import { type KeyRow, KeysTable } from "./keys-table.tsx";
import "./objects.css";

/** As many as the API gives at a time. */
const PAGE = 1000;

export function Objects() {
  return (
    <OfBucket page="objects">
      {(bucket, picker) => <OfOne key={bucket.bucket} bucket={bucket} picker={picker} />}
    </OfBucket>
  );
}

function OfOne({ bucket, picker }: { readonly bucket: DeskBucket; readonly picker: ComponentChildren }) {
  const { prefix = "", key } = route.value.query;
  const name = bucket.bucket;
  return (
    <>
      <div class="page-bar">
        {picker}
        <PrefixForm key={prefix} bucket={name} prefix={prefix} />
      </div>
      <div class={key === undefined ? "objects" : "objects split"}>
        <div class="objects-keys">
          <Keys key={`${name} ${prefix}`} bucket={name} prefix={prefix} shownKey={key} />
        </div>
        {key === undefined ? null : (
          <div class="objects-key">
            <a class="button small quiet back" href={placeOf("objects", { bucket: name, prefix })}>
              ← All keys
            </a>
            <KeyDetail key={key} bucket={name} objectKey={key} />
          </div>
        )}
      </div>
    </>
  );
}

function PrefixForm({ bucket, prefix }: { readonly bucket: string; readonly prefix: string }) {
  const [text, setText] = useState(prefix);
  return (
    <form
      class="prefix-form"
      onSubmit={(event) => {
        event.preventDefault();
        goTo("objects", { bucket, prefix: text });
      }}
    >
      <TextField label="Keys that begin with" type="search" value={text} placeholder="every key" onInput={setText} />
      <Button isSubmit icon="search">
        Find
      </Button>
    </form>
  );
}

interface KeysProps {
  readonly bucket: string;
  readonly prefix: string;
  readonly shownKey: string | undefined;
}

function Keys({ bucket, prefix, shownKey }: KeysProps) {
  const first = useResource(`${bucket} ${prefix}`, (signal) => keysOf(bucket, { prefix, limit: PAGE }, signal));
  return (
    <Loaded resource={first} loading="Listing keys" failed="The keys could not be listed">
      {({ keys, next }) =>
        keys.length === 0 ? (
          <div class="card">
            <NoKeys bucket={bucket} prefix={prefix} />
          </div>
        ) : (
          <Listed bucket={bucket} prefix={prefix} shownKey={shownKey} first={keys} next={next} />
        )
      }
    </Loaded>
  );
}

function NoKeys({ bucket, prefix }: { readonly bucket: string; readonly prefix: string }) {
  if (prefix === "") return <Empty title={`${bucket} is empty`} icon="objects" />;
  return (
    <Empty title="No key begins like this" icon="search">
      Nothing in {bucket} begins with <code>{prefix}</code>. Keys are told apart by case.{" "}
      <a href={placeOf("objects", { bucket, key: prefix })}>Look at this very key all the same</a>: it may have been
      deleted, or wait to be replicated.
    </Empty>
  );
}

interface ListedProps extends KeysProps {
  readonly first: readonly KeyRow[];
  readonly next: string | undefined;
}

/** Further pages are fetched as the end comes near. */
function Listed({ bucket, prefix, shownKey, first, next }: ListedProps) {
  const [rest, setRest] = useState<{ readonly keys: readonly KeyRow[]; readonly next: string | undefined }>({
    keys: [],
    next,
  });
  const more = useAction(async () => {
    if (rest.next === undefined) return;
    const page = await keysOf(bucket, { prefix, after: rest.next, limit: PAGE });
    setRest({ keys: [...rest.keys, ...page.keys], next: page.next });
  });
  const { run, isRunning } = more;
  const fetchMore = useCallback(() => void run(), [run]);
  const rows = rest.keys.length === 0 ? first : [...first, ...rest.keys];
  return (
    <KeysTable
      bucket={bucket}
      prefix={prefix}
      rows={rows}
      shownKey={shownKey}
      hasMore={rest.next !== undefined}
      isFetching={isRunning}
      onMore={fetchMore}
    />
  );
}

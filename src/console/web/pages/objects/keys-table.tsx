/** The table of keys, with the latest version of each. */
import type { KeysPage } from "../../../desk.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Ago } from "../../parts/when.tsx";
import { placeOf } from "../../route.ts";
import { cutMiddle, plural, sizeWords } from "../../words.ts";

export type KeyRow = KeysPage["keys"][number];

interface KeysTableProps {
  readonly bucket: string;
  readonly prefix: string;
  readonly rows: readonly KeyRow[];
  readonly shownKey: string | undefined;
  readonly hasMore: boolean;
  readonly isFetching: boolean;
  readonly onMore: () => void;
}

const KEY_MAX = 96;
const KEY_MAX_BESIDE = 38;

export function KeysTable(props: KeysTableProps) {
  const { bucket, prefix, rows, shownKey, hasMore, isFetching, onMore } = props;
  const most = shownKey === undefined ? KEY_MAX : KEY_MAX_BESIDE;
  const name: Column<KeyRow> = {
    id: "key",
    title: "Key",
    isWide: true,
    sort: (one) => one.key,
    cell: (one) => (
      <span class="key-cell">
        <a href={placeOf("objects", { bucket, prefix, key: one.key })} title={one.key}>
          {cutMiddle(one.key, most)}
        </a>
        {one.isDeleteMarker ? (
          <Badge tone="dim" icon="cross">
            deleted
          </Badge>
        ) : null}
      </span>
    ),
  };
  const figures: readonly Column<KeyRow>[] = [
    {
      id: "size",
      title: "Size",
      isFigure: true,
      isExtra: true,
      sort: (one) => one.sizeBytes,
      cell: (one) => (one.isDeleteMarker ? "–" : sizeWords(one.sizeBytes)),
    },
    {
      id: "written",
      title: "Written",
      isFigure: true,
      sort: (one) => one.writtenAtMs,
      cell: (one) => <Ago atMs={one.writtenAtMs} />,
    },
  ];
  return (
    <div class="card">
      <Table
        caption={`Keys of ${bucket}`}
        columns={shownKey === undefined ? [name, ...figures] : [name]}
        rows={rows}
        keyOf={(one) => one.key}
        isMarked={(one) => one.key === shownKey}
        {...(hasMore && !isFetching ? { onEnd: onMore } : {})}
        foot={
          <>
            <span class="dim">{hasMore ? `${plural(rows.length, "key")}, and more` : plural(rows.length, "key")}</span>
            {hasMore ? (
              <Button size="small" isBusy={isFetching} onPress={onMore}>
                More
              </Button>
            ) : null}
          </>
        }
      />
    </div>
  );
}

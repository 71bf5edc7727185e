/**
 * Tables that hold from none to a hundred thousand lines. Long ones draw the lines that are seen; on a narrow screen short
 * ones turn into cards, and long ones scroll sideways. Columns can be sorted by, where they say how. A line that leads
 * somewhere is reached by its link.
 */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { countWords } from "../words.ts";
import { Icon } from "./icon.tsx";

export interface Column<Row> {
  readonly id: string;
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Figures stand at the end. */
  readonly isFigure?: boolean;
  /** By what it is sorted: smaller first. */
  readonly sort?: (row: Row) => number | string;
  /** Names the row for those who do not see it; the first column, when none says so. */
  readonly isName?: boolean;
  /** Takes the room that is left. */
  readonly isWide?: boolean;
  /** Left out where a long table has little room. */
  readonly isExtra?: boolean;
}

interface TableProps<Row> {
  /** What the table is of: `Keys of photos`. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly isMarked?: (row: Row) => boolean;
  /** What stands instead when there are no rows. */
  readonly empty?: ComponentChildren;
  /** Beneath the rows: whether there are more. */
  readonly foot?: ComponentChildren;
  /** Called when the end of a long table comes near. */
  readonly onEnd?: () => void;
}

/** With more rows than this, only those that are seen are drawn. */
const DRAWN_MAX = 200;
/** As the style sheet has it. */
const ROW_PX = 40;
const BEYOND = 12;

interface Order {
  readonly by: string;
  readonly isDown: boolean;
}

export function Table<Row>(props: TableProps<Row>) {
  const { caption, columns, rows, keyOf, isMarked, empty, foot, onEnd } = props;
  const [order, setOrder] = useState<Order | undefined>(undefined);
  const sorted = useMemo(() => sortedBy(rows, columns, order), [rows, columns, order]);
  const isLong = rows.length > DRAWN_MAX;
  const frame = useRef<HTMLElement>(null);
  const { first, last } = useWindow(frame, sorted.length, isLong, onEnd);
  if (rows.length === 0 && empty !== undefined) return <>{empty}</>;
  const shown = isLong ? sorted.slice(first, last) : sorted;
  return (
    <div class={isLong ? "table-frame long" : "table-frame"}>
      <section class="table-scroll" ref={frame} tabIndex={isLong ? 0 : undefined} aria-label={caption}>
        <table aria-rowcount={rows.length + 1}>
          <caption class="unseen">{caption}</caption>
          <thead>
            <tr aria-rowindex={1}>
              {columns.map((column) => (
                <Head key={column.id} column={column} order={order} onOrder={setOrder} />
              ))}
            </tr>
          </thead>
          <tbody>
            <Gap rows={isLong ? first : 0} columns={columns.length} />
            {shown.map((row, at) => (
              <tr
                key={keyOf(row)}
                aria-rowindex={(isLong ? first : 0) + at + 2}
                class={isMarked?.(row) === true ? "marked" : undefined}
                aria-current={isMarked?.(row) === true ? "true" : undefined}
              >
                {columns.map((column, place) => (
                  <Cell key={column.id} column={column} row={row} isName={isNameOf(columns, column, place)} />
                ))}
              </tr>
            ))}
            <Gap rows={isLong ? sorted.length - last : 0} columns={columns.length} />
          </tbody>
        </table>
      </section>
      {foot === undefined && !isLong ? null : (
        <div class="table-foot">{foot ?? <span class="dim">{countWords(rows.length)} lines</span>}</div>
      )}
    </div>
  );
}

function Head<Row>(props: {
  readonly column: Column<Row>;
  readonly order: Order | undefined;
  readonly onOrder: (order: Order | undefined) => void;
}) {
  const { column, order, onOrder } = props;
  const isBy = order?.by === column.id;
  const names = classesOf(column);
  if (column.sort === undefined) {
    return (
      <th scope="col" class={names}>
        {column.title}
      </th>
    );
  }
  const turn = () => {
    if (!isBy) onOrder({ by: column.id, isDown: column.isFigure === true });
    else if (order.isDown === (column.isFigure === true)) onOrder({ by: column.id, isDown: !order.isDown });
    else onOrder(undefined);
  };
  return (
    <th scope="col" class={names} aria-sort={isBy ? (order.isDown ? "descending" : "ascending") : "none"}>
      <button type="button" class="sort" onClick={turn}>
        {column.title}
        <span class={isBy ? `sort-sign on${order.isDown ? "" : " up"}` : "sort-sign"}>
          <Icon name="down" size={12} />
        </span>
      </button>
    </th>
  );
}

function Cell<Row>(props: { readonly column: Column<Row>; readonly row: Row; readonly isName: boolean }) {
  const { column, row, isName } = props;
  const names = classesOf(column);
  if (isName) {
    return (
      <th scope="row" class={names} data-title={column.title}>
        {column.cell(row)}
      </th>
    );
  }
  return (
    <td class={names} data-title={column.title}>
      <span class="cell">{column.cell(row)}</span>
    </td>
  );
}

function classesOf<Row>({ isFigure, isWide, isExtra }: Column<Row>): string {
  return [isFigure === true ? "figure" : "", isWide === true ? "wide" : "", isExtra === true ? "extra" : ""]
    .filter((one) => one !== "")
    .join(" ");
}

/** The room of rows that are not drawn. */
function Gap({ rows, columns }: { readonly rows: number; readonly columns: number }) {
  const cell = useRef<HTMLTableCellElement>(null);
  useLayoutEffect(() => {
    if (cell.current !== null) cell.current.style.height = `${rows * ROW_PX}px`;
  }, [rows]);
  if (rows <= 0) return null;
  return (
    <tr class="gap">
      <td ref={cell} colSpan={columns} />
    </tr>
  );
}

function isNameOf<Row>(columns: readonly Column<Row>[], column: Column<Row>, place: number): boolean {
  return columns.some((one) => one.isName === true) ? column.isName === true : place === 0;
}

function sortedBy<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  order: Order | undefined,
): readonly Row[] {
  const sort = columns.find((one) => one.id === order?.by)?.sort;
  if (order === undefined || sort === undefined) return rows;
  const sign = order.isDown ? -1 : 1;
  return rows
    .map((row) => ({ row, by: sort(row) }))
    .sort((one, other) => (one.by < other.by ? -sign : one.by > other.by ? sign : 0))
    .map(({ row }) => row);
}

/** Which rows of a long table are near what is seen. */
function useWindow(
  frame: { readonly current: HTMLElement | null },
  rows: number,
  isLong: boolean,
  onEnd: (() => void) | undefined,
): { readonly first: number; readonly last: number } {
  const [place, setPlace] = useState({ top: 0, height: 800 });
  const ending = useRef(onEnd);
  ending.current = onEnd;
  useLayoutEffect(() => {
    const element = frame.current;
    if (element === null || !isLong) return undefined;
    const look = () => {
      setPlace({ top: element.scrollTop, height: element.clientHeight });
      if (element.scrollTop + element.clientHeight > element.scrollHeight - BEYOND * ROW_PX) ending.current?.();
    };
    look();
    element.addEventListener("scroll", look, { passive: true });
    const watcher = new ResizeObserver(look);
    watcher.observe(element);
    return () => {
      element.removeEventListener("scroll", look);
      watcher.disconnect();
    };
  }, [isLong, frame]);
  const first = Math.max(0, Math.min(rows, Math.floor(place.top / ROW_PX) - BEYOND));
  return { first, last: Math.min(rows, Math.ceil((place.top + place.height) / ROW_PX) + BEYOND) };
}

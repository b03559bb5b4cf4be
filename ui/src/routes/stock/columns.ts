// The columns of the stock grid: shown or hidden, as wide as a person left them. Widths are
// shares of the window, so that the grid always fits and never scrolls sideways.
import type { StockColumn, StockRow } from '../../api';

export type ColumnId = keyof Pick<
  StockRow,
  | 'warehouse_name'
  | 'product_id'
  | 'product_name'
  | 'unit'
  | 'category'
  | 'quantity'
  | 'minimum'
  | 'base'
  | 'change'
  | 'in_today'
  | 'out_today'
  | 'last_movement'
>;

export interface Column {
  id: ColumnId;
  share: number;
  isNumber: boolean;
  sort: StockColumn | null;
  isHidden?: boolean;
}

export const columns: Column[] = [
  { id: 'warehouse_name', share: 118, isNumber: false, sort: 'warehouse' },
  { id: 'product_id', share: 100, isNumber: false, sort: 'product' },
  { id: 'product_name', share: 168, isNumber: false, sort: 'product_name' },
  { id: 'unit', share: 60, isNumber: false, sort: null },
  { id: 'category', share: 90, isNumber: false, sort: null, isHidden: true },
  { id: 'quantity', share: 94, isNumber: true, sort: 'quantity' },
  { id: 'minimum', share: 80, isNumber: true, sort: null, isHidden: true },
  { id: 'base', share: 82, isNumber: true, sort: 'base' },
  { id: 'change', share: 82, isNumber: true, sort: 'change' },
  { id: 'in_today', share: 80, isNumber: true, sort: 'in_today' },
  { id: 'out_today', share: 84, isNumber: true, sort: 'out_today' },
  { id: 'last_movement', share: 152, isNumber: false, sort: 'last_movement' },
];

/** What is remembered: hidden ids and shares by id. */
export interface Layout {
  hidden: ColumnId[];
  shares: Partial<Record<ColumnId, number>>;
}

export const defaultLayout: Layout = {
  hidden: columns.filter((c) => c.isHidden).map((c) => c.id),
  shares: {},
};

export function shown(layout: Layout): Column[] {
  return columns
    .filter((c) => !layout.hidden.includes(c.id))
    .map((c) => ({ ...c, share: layout.shares[c.id] ?? c.share }));
}

export function template(list: Column[]): string {
  return list.map((c) => `minmax(0, ${c.share}fr)`).join(' ');
}

const least = 44;

/** Moves the border between a column and the next by some pixels; `widths` are those on screen. */
export function resize(
  list: Column[],
  widths: number[],
  index: number,
  by: number,
): Layout['shares'] {
  const left = widths[index];
  const right = widths[index + 1];
  if (left === undefined || right === undefined) return {};
  const move = Math.max(least - left, Math.min(by, right - least));
  return Object.fromEntries(
    list.map((c, i) => {
      const width = widths[i] ?? c.share;
      return [
        c.id,
        Math.round(i === index ? width + move : i === index + 1 ? width - move : width),
      ];
    }),
  );
}

export function toggle(layout: Layout, id: ColumnId): Layout {
  const hidden = layout.hidden.includes(id)
    ? layout.hidden.filter((h) => h !== id)
    : [...layout.hidden, id];
  return hidden.length < columns.length ? { ...layout, hidden } : layout;
}

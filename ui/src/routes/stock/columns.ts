// The columns of the stock grid, which the user can hide and resize. Widths are shares of the window, so
// that the grid always fits and never scrolls sideways.
import type { StockColumn, StockRow } from '../../api';
import { toggled, type Shares } from '../../components/columns';

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

export interface StockHeading {
  id: ColumnId;
  share: number;
  isNumber: boolean;
  sort: StockColumn | null;
  isHidden?: boolean;
}

export const columns: StockHeading[] = [
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
  shares: Shares<ColumnId>;
}

export const defaultLayout: Layout = {
  hidden: columns.filter((c) => c.isHidden).map((c) => c.id),
  shares: {},
};

export function shown(layout: Layout): StockHeading[] {
  return columns
    .filter((c) => !layout.hidden.includes(c.id))
    .map((c) => ({ ...c, share: layout.shares[c.id] ?? c.share }));
}

/** As in grid-template-columns. */
export const width = (column: StockHeading) => `minmax(0, ${column.share}fr)`;

export function toggle(layout: Layout, id: ColumnId): Layout {
  const all = columns.map((c) => c.id);
  return { ...layout, hidden: toggled(layout.hidden, id, all) };
}

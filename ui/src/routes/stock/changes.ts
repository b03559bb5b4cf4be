// Which cells of a row changed, so that exactly those flash.
import type { StockRow } from '../../api';

const cells = ['quantity', 'base', 'change', 'in_today', 'out_today', 'last_movement'] as const;
export type CellId = (typeof cells)[number];

/** What was not known before (a time still being read) is no change. */
export function changedCells(before: StockRow, now: StockRow): ReadonlySet<CellId> {
  const isSame = before.warehouse_id === now.warehouse_id && before.product_id === now.product_id;
  return new Set(isSame ? cells.filter((c) => before[c] !== null && before[c] !== now[c]) : []);
}

/** Nothing to draw anew. */
export function isSameRow(before: StockRow, now: StockRow): boolean {
  return (Object.keys(now) as (keyof StockRow)[]).every((k) => before[k] === now[k]);
}

// Which cells of a row changed, so that exactly those flash.
import type { StockRow } from '../../api';

const cells = ['quantity', 'base', 'change', 'in_today', 'out_today', 'last_movement'] as const;
export type CellId = (typeof cells)[number];

export function changedCells(before: StockRow, now: StockRow): ReadonlySet<CellId> {
  const isSame = before.warehouse_id === now.warehouse_id && before.product_id === now.product_id;
  return new Set(isSame ? cells.filter((c) => before[c] !== now[c]) : []);
}

// Column headings of the stock grid.
import { m } from '../../i18n/paraglide/messages';
import type { ColumnId } from './columns';

const words: Record<ColumnId, () => string> = {
  warehouse_name: m.warehouse,
  product_id: m.product,
  product_name: m.name,
  unit: m.unit,
  category: m.category,
  quantity: m.quantity,
  minimum: m.minimum,
  base: m.base,
  change: m.change,
  in_today: m.in_today,
  out_today: m.out_today,
  last_movement: m.last_movement,
};

export function columnWord(id: ColumnId): string {
  return words[id]();
}

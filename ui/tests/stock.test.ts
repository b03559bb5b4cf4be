// What flashes, and what stays as it was.
import { describe, expect, it } from 'vitest';
import type { StockRow } from '../src/api';
import { changedCells, isSameRow } from '../src/routes/stock/changes';

const row: StockRow = {
  warehouse_id: 'w',
  warehouse_name: 'W',
  product_id: 'p',
  product_name: 'P',
  unit: '',
  category: '',
  quantity: 5,
  base: 3,
  change: 2,
  in_today: 0,
  out_today: 0,
  last_movement: null,
  minimum: 0,
  low: false,
  damaged: false,
};

describe('a row that changes', () => {
  it('flashes exactly the cells that changed', () => {
    const now = { ...row, quantity: 6, change: 3 };
    expect([...changedCells(row, now)].sort()).toEqual(['change', 'quantity']);
    expect(isSameRow(row, { ...row })).toBe(true);
    expect(isSameRow(row, now)).toBe(false);
  });
  it('does not flash when another row took its place', () => {
    expect(changedCells(row, { ...row, product_id: 'q', quantity: 9 }).size).toBe(0);
  });
});

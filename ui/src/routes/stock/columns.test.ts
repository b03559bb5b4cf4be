import { describe, expect, it } from 'vitest';
import { resized } from '../../components/columns';
import { columns, defaultLayout, shown, toggle, width } from './columns';

describe('columns', () => {
  it('hides and shows, but never all', () => {
    expect(shown(defaultLayout).map((c) => c.id)).not.toContain('category');
    expect(shown(toggle(defaultLayout, 'category')).map((c) => c.id)).toContain('category');
    let layout = defaultLayout;
    for (const c of columns) if (!layout.hidden.includes(c.id)) layout = toggle(layout, c.id);
    expect(shown(layout)).toHaveLength(1);
  });
  it('gives to one what it takes from the next, and keeps both usable', () => {
    const list = columns.slice(0, 3);
    expect(resized(list, [100, 100, 100], 0, 30)).toEqual({
      warehouse_name: 130,
      product_id: 70,
      product_name: 100,
    });
    expect(resized(list, [100, 100, 100], 0, 500)['product_id']).toBe(44);
    expect(resized(list, [100, 100, 100], 0, -500)['warehouse_name']).toBe(44);
    expect(resized(list, [100, 100, 100], 2, 30)).toEqual({});
  });
  it('never asks for more than the window', () => {
    expect(shown(defaultLayout).map(width).join(' ')).toMatch(/^(minmax\(0, \d+fr\) ?)+$/);
  });
});

import { describe, expect, it } from 'vitest';
import { columns, defaultLayout, resize, shown, template, toggle } from './columns';

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
    expect(resize(list, [100, 100, 100], 0, 30)).toEqual({
      warehouse_name: 130,
      product_id: 70,
      product_name: 100,
    });
    expect(resize(list, [100, 100, 100], 0, 500)['product_id']).toBe(44);
    expect(resize(list, [100, 100, 100], 0, -500)['warehouse_name']).toBe(44);
    expect(resize(list, [100, 100, 100], 2, 30)).toEqual({});
  });
  it('never asks for more than the window', () => {
    expect(template(shown(defaultLayout))).toMatch(/^(minmax\(0, \d+fr\) ?)+$/);
  });
});

import { describe, expect, it } from 'vitest';
import * as d from './draft';

const start = () => d.newDraft('d1', 'in', { bill_id: 'IN-1', company_id: 'c', warehouse_id: 'w' });

describe('a draft', () => {
  it('always has a blank line ready, and only one', () => {
    let draft = start();
    expect(d.withBlankTail(draft)).toBe(draft);
    draft = d.withBlankTail(d.setLine(draft, 1, { product_id: 'apple', product_text: 'apple' }));
    expect(draft.lines.map((l) => l.line_id)).toEqual([1, 2]);
    expect(d.filled(draft)).toHaveLength(1);
  });
  it('never changes a draft in place', () => {
    const draft = start();
    d.setLine(draft, 1, { quantity: '5' });
    d.setHeader(draft, 'bill_id', 'X');
    expect(draft).toEqual(start());
  });
  it('adds one for the same product, a line for another', () => {
    let draft = start();
    for (let i = 0; i < 10; i += 1) {
      draft = d.withBlankTail(d.addScanned(draft, { id: 'apple' }, d.nextLineId(draft)).draft);
    }
    draft = d.addScanned(draft, { id: 'pear' }, d.nextLineId(draft)).draft;
    expect(draft.lines.map((l) => [l.product_id, l.quantity])).toEqual([
      ['apple', '10'],
      ['pear', '1'],
      ['', ''],
    ]);
  });
  it('does not count onto a quantity that is not a number', () => {
    const odd = d.setLine(start(), 1, { product_id: 'apple', quantity: 'x' });
    expect(d.addScanned(odd, { id: 'apple' }, 2).draft.lines).toHaveLength(2);
  });
  it('keeps the blank line that the focus is in', () => {
    // While the burst stood in line 1, a blank line came below it.
    const typed = d.withBlankTail(d.setLine(start(), 1, { product_text: '690' }), 2);
    const emptied = d.setLine(typed, 1, { product_text: '' });
    const { draft, line_id } = d.addScanned(emptied, { id: 'apple' }, 3);
    expect(line_id).toBe(3);
    expect(draft.lines.map((l) => l.line_id)).toEqual([3, 1]);
  });
  it('sums by product', () => {
    let draft = start();
    draft = d.addImported(
      draft,
      [1, 2, 3].map((n) => ({
        product_id: n === 3 ? 'pear' : 'apple',
        product_name: '',
        quantity: String(n),
        description: '',
      })),
      2,
    );
    const t = d.totals(draft);
    expect(t.pieces).toBe(6);
    expect([...t.byProduct]).toEqual([
      ['apple', 3],
      ['pear', 3],
    ]);
  });
});

describe('Enter', () => {
  const filledDraft = () =>
    d.withBlankTail(d.setLine(start(), 1, { product_id: 'apple', quantity: '1' }));
  it('walks the cells, then the next line', () => {
    const draft = filledDraft();
    expect(d.afterEnter(draft, 1, 'product')).toEqual({
      go: 'cell',
      line_id: 1,
      field: 'quantity',
    });
    expect(d.afterEnter(draft, 1, 'quantity')).toEqual({
      go: 'cell',
      line_id: 1,
      field: 'description',
    });
    expect(d.afterEnter(draft, 1, 'description')).toEqual({
      go: 'cell',
      line_id: 2,
      field: 'product',
    });
  });
  it('on the blank line at the end, leads to Post', () => {
    expect(d.afterEnter(filledDraft(), 2, 'product')).toEqual({ go: 'post' });
    expect(d.afterEnter(start(), 1, 'product')).toEqual({
      go: 'cell',
      line_id: 1,
      field: 'quantity',
    });
  });
});

describe('problems', () => {
  const error = (line_id: number | null, field: string) => ({
    line_id,
    field,
    rule: 'missing',
    value: '',
    message: { code: '', values: {}, english: '' },
  });
  const draft = d.addImported(
    start(),
    ['apple', 'pear'].map(
      (product_id) => ({ product_id, quantity: 'x', description: '' }) as never,
    ),
    2,
  );
  const errors = [
    error(3, 'quantity'),
    error(2, 'quantity'),
    error(2, 'product_id'),
    error(null, 'company_id'),
    error(null, 'lines'),
  ];

  it('stand in the order of the form, and the hand goes round them', () => {
    const all = d.inOrder(draft, errors).map((e) => `${e.line_id}.${e.field}`);
    expect(all).toEqual([
      'null.lines',
      'null.company_id',
      '2.product_id',
      '2.quantity',
      '3.quantity',
    ]);
    const walk: unknown[] = [];
    let at: d.Spot | null = null;
    for (let i = 0; i < 5; i += 1) {
      at = d.nextSpot(draft, errors, at);
      walk.push(at);
    }
    expect(walk).toEqual([
      'company_id',
      { line_id: 2, field: 'product' },
      { line_id: 2, field: 'quantity' },
      { line_id: 3, field: 'quantity' },
      'company_id',
    ]);
  });
  it('have no place where there are none', () => {
    expect(d.nextSpot(draft, [], 'bill_id')).toBeNull();
    expect(d.nextSpot(draft, [error(null, 'lines')], null)).toBeNull();
  });
});

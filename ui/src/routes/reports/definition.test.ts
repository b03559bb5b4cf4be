import { describe, expect, it } from 'vitest';
import { query, readDefinition, readSaved, toggleGroup, usual, withSaved } from './definition';

describe('groups', () => {
  it('keep the order in which they were chosen', () => {
    expect(toggleGroup(['product'], 'warehouse')).toEqual(['product', 'warehouse']);
    expect(toggleGroup(['product', 'day'], 'product')).toEqual(['day']);
    expect(toggleGroup(['day'], 'product')).toEqual(['day', 'product']);
    expect(toggleGroup(['day'], 'day')).toEqual([]);
  });
  it('never tell a week and a month apart without days', () => {
    expect(toggleGroup(['product', 'month'], 'week')).toEqual(['product', 'week']);
    expect(toggleGroup(['week'], 'month')).toEqual(['month']);
    expect(toggleGroup(['month', 'day'], 'week')).toEqual(['month', 'day', 'week']);
    expect(toggleGroup(['month', 'day', 'week'], 'day')).toEqual(['month']);
  });
});

describe('a saved report', () => {
  it('comes back as it was', () => {
    const report = { ...usual, by: ['month' as const], all: true, categories: [''] };
    const list = withSaved([], ' 月报 ', report);
    expect(readSaved(JSON.parse(JSON.stringify(list)))).toEqual([
      { name: '月报', definition: report },
    ]);
  });
  it('replaces the one of its name', () => {
    const list = withSaved(withSaved([], 'b', usual), 'a', usual);
    const next = withSaved(list, 'b', { ...usual, all: true });
    expect(next.map((one) => [one.name, one.definition.all])).toEqual([
      ['a', false],
      ['b', true],
    ]);
  });
  it('is as usual where it cannot be understood', () => {
    expect(readDefinition(null)).toEqual(usual);
    expect(readDefinition({ period: { kind: 'soon' }, by: ['x', 'day', 'day'], sort: 5 })).toEqual({
      ...usual,
      by: ['day'],
    });
    expect(readDefinition({ by: ['week', 'month'] }).by).toEqual(['month']);
    expect(readSaved('x')).toEqual([]);
    expect(readSaved([null, { name: 3 }])).toEqual([]);
  });
  it('asks for the days of today', () => {
    const report = { ...usual, period: { kind: 'yesterday' as const, from: '', to: '' } };
    expect(query(report, '2026-01-01')).toMatchObject({ from: '2025-12-31', to: '2025-12-31' });
    const wrong = { ...usual, period: { kind: 'typed' as const, from: 'x', to: '' } };
    expect(query(wrong, '2026-01-01')).toBeNull();
  });
});

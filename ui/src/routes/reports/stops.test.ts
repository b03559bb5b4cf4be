import { describe, expect, it } from 'vitest';
import type { ReportChart } from '../../api';
import { nearest, step, stopsOf } from './stops';

const point = (x: number, y: number, label: string, value: number) => ({ x, y, label, value });
const days: ReportChart = {
  svg: '',
  area: [0, 0, 100, 100],
  left_out: 0,
  rows: [
    { label: '2026-03-01', values: [5, 2, 13] },
    { label: '2026-03-02', values: [0, 3, 10] },
  ],
  series: [
    { name: 'In', colour: '#111111', points: [point(25, 40, '2026-03-01', 5)] },
    {
      name: 'Out',
      colour: '#222222',
      points: [point(25, 60, '2026-03-01', 2), point(75, 70, '2026-03-02', 3)],
    },
    { name: 'Closing', colour: '#333333', points: [point(25, 10, '2026-03-01', 13)] },
  ],
};

describe('a chart by day', () => {
  it('is read day by day, with every value of the day', () => {
    const stops = stopsOf(days, 'days');
    expect(stops.map((s) => [s.label, s.values, s.marks.length])).toEqual([
      ['2026-03-01', [5, 2, 13], 3],
      ['2026-03-02', [0, 3, 10], 1],
    ]);
  });
  it('is read where the pointer is', () => {
    const stops = stopsOf(days, 'days');
    expect([0, 49, 51, 500].map((x) => nearest(stops, 'days', x, 0))).toEqual([0, 0, 1, 1]);
    expect(nearest([], 'days', 5, 5)).toBe(-1);
  });
});

describe('a chart of names', () => {
  const shares: ReportChart = {
    ...days,
    series: [
      { name: 'A', colour: '#111111', points: [point(20, 10, 'A', 8)] },
      { name: 'B', colour: '#222222', points: [point(80, 10, 'B', 2)] },
    ],
  };
  it('is read name by name', () => {
    expect(stopsOf(shares, 'shares').map((s) => [s.label, s.values])).toEqual([
      ['A', [8]],
      ['B', [2]],
    ]);
  });
  it('that lies is read by height', () => {
    const bars = {
      ...days,
      series: [
        { name: 'Out', colour: '#111111', points: [point(90, 10, 'A', 9), point(10, 40, 'B', 1)] },
      ],
    };
    const stops = stopsOf(bars, 'movers');
    expect(nearest(stops, 'movers', 90, 38)).toBe(1);
  });
});

describe('the keys of a chart', () => {
  it('go from place to place and stay within', () => {
    expect(step('ArrowRight', -1, 3)).toBe(0);
    expect(step('ArrowRight', 2, 3)).toBe(2);
    expect(step('ArrowLeft', -1, 3)).toBe(2);
    expect(step('ArrowLeft', 1, 3)).toBe(0);
    expect(step('End', 0, 3)).toBe(2);
    expect(step('PageUp', 2, 3)).toBe(0);
    expect(step('Enter', 0, 3)).toBeNull();
    expect(step('Home', -1, 0)).toBeNull();
  });
});

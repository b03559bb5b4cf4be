import { describe, expect, it } from 'vitest';
import { presetDays, presets, resolved, typed } from './period';

const span = (...args: Parameters<typeof presetDays>) => {
  const { from, to } = presetDays(...args);
  return `${from} ${to}`;
};

describe('a preset', () => {
  it('follows the calendar', () => {
    const at = '2026-11-25 14:02:11';
    expect(Object.fromEntries(presets.map((p) => [p, span(p, at)]))).toEqual({
      today: '2026-11-25 2026-11-25',
      yesterday: '2026-11-24 2026-11-24',
      this_week: '2026-11-23 2026-11-25',
      last_week: '2026-11-16 2026-11-22',
      this_month: '2026-11-01 2026-11-25',
      last_month: '2026-10-01 2026-10-31',
      month_to_today: '2026-10-01 2026-11-25',
      last_30: '2026-10-27 2026-11-25',
      this_year: '2026-01-01 2026-11-25',
    });
  });
  it('crosses the end of a year', () => {
    expect(span('yesterday', '2026-01-01')).toBe('2025-12-31 2025-12-31');
    expect(span('last_month', '2026-01-31')).toBe('2025-12-01 2025-12-31');
    expect(span('month_to_today', '2026-01-02')).toBe('2025-12-01 2026-01-02');
    expect(span('this_week', '2026-01-01')).toBe('2025-12-29 2026-01-01');
    expect(span('last_week', '2026-01-05')).toBe('2025-12-29 2026-01-04');
  });
  it('knows how long a month is', () => {
    expect(span('last_month', '2024-03-31')).toBe('2024-02-01 2024-02-29');
    expect(span('last_month', '2026-03-31')).toBe('2026-02-01 2026-02-28');
    expect(span('last_30', '2024-03-01')).toBe('2024-02-01 2024-03-01');
  });
  it('begins a week on Monday', () => {
    expect(span('this_week', '2026-11-22')).toBe('2026-11-16 2026-11-22');
    expect(span('this_week', '2026-11-23')).toBe('2026-11-23 2026-11-23');
    expect(span('last_week', '2026-11-22')).toBe('2026-11-09 2026-11-15');
  });
});

describe('what is asked for', () => {
  const now = '2026-11-25 14:02:11';
  it('is the preset of today, what was typed, or one moment', () => {
    const period = { from: '', to: '' };
    expect(resolved({ ...period, kind: 'yesterday' }, now)).toEqual({
      ok: true,
      from: '2026-11-24',
      to: '2026-11-24',
    });
    expect(resolved({ kind: 'typed', from: '3-1', to: '3-31 12:00' }, now)).toEqual({
      ok: true,
      from: '2026-03-01',
      to: '2026-03-31 12:00:59',
    });
    expect(resolved({ kind: 'as_of', from: 'x', to: '3-31' }, now)).toEqual({
      ok: true,
      from: null,
      to: '2026-03-31',
    });
  });
  it('says which end is wrong', () => {
    const problem = (from: string, to: string) => resolved({ kind: 'typed', from, to }, now);
    expect(problem('x', '3-1')).toEqual({ ok: false, problem: 'from' });
    expect(problem('3-1', 'x')).toEqual({ ok: false, problem: 'to' });
    expect(problem('3-2', '3-1')).toEqual({ ok: false, problem: 'order' });
    expect(problem('3-1 12:00', '3-1').ok).toBe(true);
    expect(resolved({ kind: 'as_of', from: '', to: '' }, now).ok).toBe(false);
  });
  it('is what typing goes on from', () => {
    const span = typed({ kind: 'last_month', from: '', to: '' }, now);
    expect(span).toEqual({ kind: 'typed', from: '2026-10-01', to: '2026-10-31' });
  });
});

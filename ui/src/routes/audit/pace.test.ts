import { describe, expect, it } from 'vitest';
import type { AuditProgress } from '../../api';
import { PaceMaker, percent } from './pace';

const at = (elapsed_ms: number, done: number, total = 1000): AuditProgress => ({
  phase: 'keys',
  done,
  total,
  rows: 0,
  found: 0,
  elapsed_ms,
});

describe('pace', () => {
  it('says nothing before there is something to say', () => {
    const pace = new PaceMaker();
    expect(pace.feed(at(0, 0))).toEqual({ rate: null, left: null });
    expect(pace.feed(at(100, 50))).toEqual({ rate: null, left: null });
    expect(pace.feed(at(500, 0))).toEqual({ rate: null, left: null });
  });
  it('tells rate and time left', () => {
    const pace = new PaceMaker();
    pace.feed(at(0, 0));
    expect(pace.feed(at(1000, 200))).toEqual({ rate: 200, left: 4000 });
    expect(pace.feed(at(2000, 400, 0))).toEqual({ rate: 200, left: null });
  });
  it('follows a server that slows down, by the last seconds', () => {
    const pace = new PaceMaker();
    for (let s = 0; s <= 10; s += 1) pace.feed(at(s * 1000, s * 100, 100000));
    let slow = { rate: 0, left: 0 } as ReturnType<PaceMaker['feed']>;
    for (let s = 11; s <= 20; s += 1) slow = pace.feed(at(s * 1000, 1000 + (s - 10), 100000));
    expect(slow.rate).toBe(1);
  });
  it('begins anew with each phase', () => {
    const pace = new PaceMaker();
    pace.feed(at(0, 0));
    pace.feed(at(1000, 1000));
    expect(pace.feed({ ...at(1100, 0), phase: 'tables' })).toEqual({ rate: null, left: null });
    expect(pace.feed({ ...at(2100, 10), phase: 'tables' })).toEqual({ rate: 10, left: 99000 });
  });
  it('counts percent down, never to a hundred too early', () => {
    expect(percent(at(0, 999))).toBe(99);
    expect(percent(at(0, 1000))).toBe(100);
    expect(percent(at(0, 1200))).toBe(100);
    expect(percent(at(0, 3, 0))).toBeNull();
  });
});

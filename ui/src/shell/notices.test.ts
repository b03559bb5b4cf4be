import { describe, expect, it } from 'vitest';
import type { LastAudit } from '../api';
import { Lookout } from './notices';

const run = (id: number, outcome: LastAudit['outcome']): LastAudit => ({
  id,
  outcome,
  at: '2026-11-24 14:02:11',
  lines: 3,
});

describe('a notification', () => {
  it('comes once for what an audit left', () => {
    for (const outcome of ['deviations', 'storm'] as const) {
      const lookout = new Lookout();
      expect(lookout.isNews(run(4, 'clean'))).toBe(false);
      expect(lookout.isNews(run(5, outcome))).toBe(true);
      expect(lookout.take(run(5, outcome), run(5, outcome))).toBe(true);
      expect(lookout.isNews(run(5, outcome))).toBe(false);
      expect(lookout.take(run(5, outcome), run(5, outcome))).toBe(false);
      expect(lookout.isNews(run(6, outcome))).toBe(true);
    }
  });
  it('does not come for what was found before the start', () => {
    const lookout = new Lookout();
    expect(lookout.isNews(run(4, 'deviations'))).toBe(false);
    expect(lookout.isNews(run(4, 'deviations'))).toBe(false);
  });
  it('comes for the first audit of all', () => {
    const lookout = new Lookout();
    expect(lookout.isNews(null)).toBe(false);
    expect(lookout.isNews(run(1, 'deviations'))).toBe(true);
  });
  it('does not come for what is in order, mended or ended by hand', () => {
    const lookout = new Lookout();
    lookout.isNews(null);
    for (const outcome of ['clean', 'corrected', 'cancelled'] as const)
      expect(lookout.isNews(run(5, outcome))).toBe(false);
  });
  it('does not come for what the audit itself corrects a moment later', () => {
    const lookout = new Lookout();
    lookout.isNews(null);
    expect(lookout.isNews(run(5, 'deviations'))).toBe(true);
    expect(lookout.take(run(5, 'deviations'), run(5, 'corrected'))).toBe(false);
  });
});

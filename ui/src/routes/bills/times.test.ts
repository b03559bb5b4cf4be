import { describe, expect, it } from 'vitest';
import { shortTime, tidyTime, wallClock } from './times';

describe('times', () => {
  it.each([
    ['', ''],
    ['2025-03-10 09:05:07', '2025-03-10 09:05:07'],
    ['2025-3-1 9:05', '2025-03-01 09:05:00'],
    ['2025/03/10', '2025-03-10 00:00:00'],
    ['2025年3月10日 9:05', '2025-03-10 09:05:00'],
    ['\uff12\uff10\uff12\uff15-03-10\u300012\uff1a30', '2025-03-10 12:30:00'],
    ['2024-02-29', '2024-02-29 00:00:00'],
  ])('%s', (typed, tidy) => expect(tidyTime(typed)).toBe(tidy));
  it.each(['2025-02-29', '2025-13-01', 'yesterday', '2025-01-01 24:00', '10/03/2025'])(
    'refuses %s',
    (typed) => expect(tidyTime(typed)).toBeNull(),
  );
  it('leaves out this year in lists', () => {
    expect(shortTime('2026-11-03 04:05:06', '2026-12-01 00:00:00')).toBe('11-03 04:05');
    expect(shortTime('2025-11-03 04:05:06', '2026-12-01 00:00:00')).toBe('2025-11-03 04:05');
  });
  it('writes the wall clock', () => {
    expect(wallClock(new Date(2026, 10, 3, 4, 5, 6))).toBe('2026-11-03 04:05:06');
  });
});

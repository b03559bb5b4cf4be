import { describe, expect, it } from 'vitest';
import { cutWords, shortMoment, span } from './cut';

const cut = (n: number) =>
  Array.from({ length: n }, (_, i) => ({ source: `8f3a01c2.${i}`, offset: 1000 * i }));

describe('the cut in a sentence', () => {
  it('names a few sources and counts the rest', () => {
    expect(cutWords([])).toBe('');
    expect(cutWords(cut(2))).toBe('8f3a01c2.0:0, 8f3a01c2.1:1,000');
    expect(cutWords(cut(4))).not.toContain('+');
    expect(cutWords(cut(12))).toBe('8f3a01c2.0:0, 8f3a01c2.1:1,000, 8f3a01c2.2:2,000 +9');
  });
});

describe('spans', () => {
  it.each([
    [0, '0 ms'],
    [834, '834 ms'],
    [1200, '1.2 s'],
    [2000, '2 s'],
    [45_400, '45 s'],
    [180_000, '3 min'],
    [150_000, '2.5 min'],
    [60_000, '1 min'],
    [3_600_000, '1 h'],
    [9_000_000, '2.5 h'],
  ])('%i ms is %s', (ms, words) => {
    const { unit, count } = span(ms);
    expect(`${count} ${unit}`).toBe(words);
  });
  it('leaves the date of today out', () => {
    expect(shortMoment('2026-11-24 14:02:11', '2026-11-24 15:00:00')).toBe('14:02');
    expect(shortMoment('2026-11-23 14:02:11', '2026-11-24 15:00:00')).toBe('2026-11-23 14:02');
  });
});

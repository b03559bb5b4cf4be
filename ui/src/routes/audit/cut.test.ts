import { describe, expect, it } from 'vitest';
import { cutWords } from './cut';

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

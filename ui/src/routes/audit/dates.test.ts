import { describe, expect, it } from 'vitest';
import { day } from './dates';

describe('a day as typed', () => {
  it.each([
    ['', null],
    ['  ', null],
    ['2026-03-10', '2026-03-10'],
    ['2026/3/9', '2026-03-09'],
    ['２０２６。３。１０', '2026-03-10'],
    ['2024-02-29', '2024-02-29'],
    ['2026-02-29', undefined],
    ['2026-13-01', undefined],
    ['yesterday', undefined],
  ])('%s', (text, wanted) => expect(day(text)).toBe(wanted));
});

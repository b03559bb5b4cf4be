import { describe, expect, it } from 'vitest';
import {
  readDay,
  readDays,
  readMoment,
  readTime,
  shortMoment,
  shortTime,
  span,
  wallClock,
} from './times';

describe("a bill's time", () => {
  it.each([
    ['', ''],
    ['2025-03-10 09:05:07', '2025-03-10 09:05:07'],
    ['2025-3-1 9:05', '2025-03-01 09:05:00'],
    ['2025/03/10', '2025-03-10 00:00:00'],
    ['2025年3月10日 9:05', '2025-03-10 09:05:00'],
    ['\uff12\uff10\uff12\uff15-03-10\u300012\uff1a30', '2025-03-10 12:30:00'],
    ['2024-02-29', '2024-02-29 00:00:00'],
    ['20250310 9:05', '2025-03-10 09:05:00'],
    ['2025年 3月 10日', '2025-03-10 00:00:00'],
  ])('%s', (typed, tidy) => expect(readTime(typed)).toBe(tidy));
  it.each(['2025-02-29', '2025-13-01', 'yesterday', '2025-01-01 24:00', '10/03/2025', '3-10'])(
    'refuses %s',
    (typed) => expect(readTime(typed)).toBeNull(),
  );
  it('leaves out this year in lists', () => {
    expect(shortTime('2026-11-03 04:05:06', '2026-12-01 00:00:00')).toBe('11-03 04:05');
    expect(shortTime('2025-11-03 04:05:06', '2026-12-01 00:00:00')).toBe('2025-11-03 04:05');
  });
  it('writes the wall clock', () => {
    expect(wallClock(new Date(2026, 10, 3, 4, 5, 6))).toBe('2026-11-03 04:05:06');
  });
});

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
    ['2026年3月10日', '2026-03-10'],
    ['2026-03-10 9:00', undefined],
  ])('%s', (text, wanted) => expect(readDay(text)).toBe(wanted));
});

describe('a day of a period', () => {
  const today = '2026-11-25 14:02:11';
  const moment = (typed: string, isEnd: boolean) => readMoment(typed, { today, isEnd });
  it('is understood in every usual form', () => {
    for (const form of [
      '2026-03-05',
      '2026-3-5',
      '2026/3/5',
      '2026.03.05',
      '20260305',
      '3-5',
      '3/5',
      '2026年3月5日',
      '3月5日',
      ' ２０２６－０３－０５ ',
    ])
      expect([form, moment(form, false)]).toEqual([form, '2026-03-05']);
    expect(moment('5', false)).toBe('2026-11-05');
    expect(moment('昨天', false)).toBe('2026-11-24');
    expect(moment('Today', true)).toBe('2026-11-25');
    expect(moment('2024-2-29', true)).toBe('2024-02-29');
  });
  it('may have a time, whose end is its last second', () => {
    expect(moment('3-5 8:30', false)).toBe('2026-03-05 08:30:00');
    expect(moment('3-5 8:30', true)).toBe('2026-03-05 08:30:59');
    expect(moment('2026年3月5日 ８：３０：０１', true)).toBe('2026-03-05 08:30:01');
    expect(moment('2026-03-05T23:59:59', true)).toBe('2026-03-05 23:59:59');
  });
  it('is refused when it is none', () => {
    for (const form of [
      '',
      '2026-02-29',
      '31-12-2026',
      '13-1',
      '0',
      'soon',
      '3-5 24:00',
      '3-5 8',
      '1 2 3',
    ])
      expect([form, moment(form, false)]).toEqual([form, null]);
  });
});

describe('days in a search', () => {
  it.each([
    ['2026-11-03', { from: '2026-11-03', to: '2026-11-03' }],
    ['2026年11月', { from: '2026-11-01', to: '2026-11-30' }],
    ['20261103', null],
    ['2026', null],
    ['2026-11-31', null],
  ])('%s', (word, days) => expect(readDays(word)).toEqual(days));
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

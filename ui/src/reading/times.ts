// Reads the days and times that people type, and writes them for the screen. All of them are in the
// warehouse's local time; no time zone is ever applied. Days may be typed as 2026-3-5, 2026/03/05,
// 2026.3.5, 20260305 or 2026年3月5日, with full-width digits or spaces.
import { ascii, formatCount } from './quantity';

export type Day = [year: number, month: number, date: number];

const two = (n: number) => String(n).padStart(2, '0');

/** YYYY-MM-DD. */
export const writeDay = ([y, m, d]: Day) => `${String(y).padStart(4, '0')}-${two(m)}-${two(d)}`;

/** The day of a written day or moment. */
export function dayOf(written: string): Day {
  return written.slice(0, 10).split('-').map(Number) as Day;
}

/** A day, normalised: day 0 of a month is the last day of the month before. */
export function shifted(y: number, m: number, d: number): Day {
  const at = new Date(Date.UTC(2000, 0, 1));
  at.setUTCFullYear(y, m - 1, d);
  return [at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate()];
}

const lastOf = (y: number, m: number) => new Date(Date.UTC(y, m, 0)).getUTCDate();
const isDay = ([y, m, d]: Day) => y >= 1000 && m >= 1 && m <= 12 && d >= 1 && d <= lastOf(y, m);

/** The words of a typed moment: year, month and day joined by hyphens, the time by colons. */
function tidy(typed: string): string[] {
  return ascii(typed)
    .replace(/[年月/.]/g, '-')
    .replace(/日/g, ' ')
    .replace(/(\d)\s*-\s*(?=\d)/g, '$1-')
    .replace(/(\d)\s*T\s*(?=\d)/g, '$1 ')
    .replace(/\s*:\s*/g, ':')
    .split(/\s+/)
    .filter((word) => word !== '');
}

/** Reads a day from one tidy word. Missing parts come from today; without today, none may be missing. */
function dayIn(word: string, today: string | null): string | null {
  const packed = /^(\d{4})(\d{2})(\d{2})$/.exec(word);
  const split = packed ?? /^(?:(?:(\d{4})-)?(\d{1,2})-)?(\d{1,2})-?$/.exec(word);
  if (today === null) {
    if (split?.[1] === undefined) return null;
  } else {
    const [y, m, d] = dayOf(today);
    const name = word.toLowerCase();
    if (name === 'today' || name === '今天') return writeDay([y, m, d]);
    if (name === 'yesterday' || name === '昨天') return writeDay(shifted(y, m, d - 1));
  }
  if (!split) return null;
  const [year, month] = today === null ? [NaN, NaN] : dayOf(today);
  const day = [split[1] ?? year, split[2] ?? month, split[3]].map(Number) as Day;
  return isDay(day) ? writeDay(day) : null;
}

/** Hours, minutes and, where they were typed, seconds. */
function clockIn(word: string): { hour: number; minute: number; second: number | null } | null {
  const parts = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(word);
  if (!parts) return null;
  const [hour, minute] = [Number(parts[1]), Number(parts[2])];
  const second = parts[3] === undefined ? null : Number(parts[3]);
  return hour > 23 || minute > 59 || (second ?? 0) > 59 ? null : { hour, minute, second };
}

interface Asked {
  /** Supplies the parts that were not typed; null: the whole day must be typed. */
  today: string | null;
  /** The end of a period is the last second of what was typed. */
  isEnd?: boolean;
}

/**
 * A day, or a moment to the second. With a today, 3-5 and 5 mean this year and this month, and today
 * and yesterday are understood. Null: it is neither.
 */
export function readMoment(typed: string, { today, isEnd = false }: Asked): string | null {
  const [date = '', time, ...more] = tidy(typed);
  const day = dayIn(date, today);
  if (day === null || more.length > 0) return null;
  if (time === undefined) return day;
  const clock = clockIn(time);
  if (!clock) return null;
  const second = clock.second ?? (isEnd ? 59 : 0);
  return `${day} ${two(clock.hour)}:${two(clock.minute)}:${two(second)}`;
}

/** A bill's time as `YYYY-MM-DD HH:MM:SS`; null when it is no time. Empty stays empty. */
export function readTime(typed: string): string | null {
  if (typed.trim() === '') return '';
  const moment = readMoment(typed, { today: null });
  return moment?.length === 10 ? `${moment} 00:00:00` : moment;
}

/** A whole day as YYYY-MM-DD, null for empty, undefined for what is no day. */
export function readDay(typed: string): string | null | undefined {
  if (typed.trim() === '') return null;
  const [word = '', ...more] = tidy(typed);
  return more.length > 0 ? undefined : (dayIn(word, null) ?? undefined);
}

/** The days of a word of a search: a day or a month. A bare year is as likely part of a number. */
export function readDays(word: string): { from: string; to: string } | null {
  const parts = /^(20\d{2})-(\d{1,2})(?:-(\d{1,2}))?-?$/.exec(tidy(word).join(' '));
  if (!parts) return null;
  const [year, month] = [Number(parts[1]), Number(parts[2])];
  const first: Day = [year, month, Number(parts[3] ?? 1)];
  if (!isDay(first)) return null;
  const last: Day = parts[3] === undefined ? [year, month, lastOf(year, month)] : first;
  return { from: writeDay(first), to: writeDay(last) };
}

/** The desktop's clock as it would be typed. */
export function wallClock(now: Date): string {
  const day = writeDay([now.getFullYear(), now.getMonth() + 1, now.getDate()]);
  return `${day} ${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
}

export const wallNow = () => wallClock(new Date());

/** Without its seconds. */
export const toMinute = (time: string) => time.slice(0, 16);

/** To the minute, without the year if it is this year; for narrow lists. */
export function shortTime(time: string, today: string): string {
  const isThisYear = time.slice(0, 5) === today.slice(0, 5);
  return time.slice(isThisYear ? 5 : 0, 16);
}

/** To the minute, without the day if it is today. */
export function shortMoment(at: string, today: string): string {
  return at.slice(0, 10) === today.slice(0, 10) ? at.slice(11, 16) : toMinute(at);
}

export type Span = { unit: 'ms' | 's' | 'min' | 'h'; count: string };

/** 834 ms, 1.2 s, 45 s, 3 min, 2.5 h: whole numbers, or one decimal below ten. */
export function span(ms: number): Span {
  const tenths = (n: number, of: number) => {
    const t = Math.round((n * 10) / of);
    return t % 10 === 0 || t >= 100
      ? formatCount(Math.round(n / of))
      : `${Math.floor(t / 10)}.${t % 10}`;
  };
  if (ms < 1000) return { unit: 'ms', count: formatCount(Math.max(0, Math.round(ms))) };
  if (ms < 60_000) return { unit: 's', count: tenths(ms, 1000) };
  if (ms < 3_600_000) return { unit: 'min', count: tenths(ms, 60_000) };
  return { unit: 'h', count: tenths(ms, 3_600_000) };
}

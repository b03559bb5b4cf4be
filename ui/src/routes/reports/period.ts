// A report's period: presets that follow the calendar, and days and times as hands type them. Days
// are those of the warehouse's wall clock; no zone is ever applied. Weeks begin on Monday.
import { narrow } from '../../components/quantity';

export const presets = [
  'today',
  'yesterday',
  'this_week',
  'last_week',
  'this_month',
  'last_month',
  'month_to_today',
  'last_30',
  'this_year',
] as const;
export type Preset = (typeof presets)[number];
/** How the period is told: by a preset, typed, or as one moment. */
export type PeriodKind = Preset | 'typed' | 'as_of';

export interface Period {
  kind: PeriodKind;
  /** As typed; the last moment stands in `to`. */
  from: string;
  to: string;
}

export const usualPeriod: Period = { kind: 'month_to_today', from: '', to: '' };

const two = (n: number) => String(n).padStart(2, '0');

type Day = [year: number, month: number, date: number];

const text = ([y, m, d]: Day) => `${String(y).padStart(4, '0')}-${two(m)}-${two(d)}`;

/** A day that may lie outside its month, put right. */
function day(y: number, m: number, d: number): Day {
  const at = new Date(Date.UTC(2000, 0, 1));
  at.setUTCFullYear(y, m - 1, d);
  return [at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate()];
}

/** Days since the week's Monday. */
function sinceMonday([y, m, d]: Day): number {
  return (new Date(Date.UTC(y, m - 1, d)).getUTCDay() + 6) % 7;
}

function parts(today: string): Day {
  return today.slice(0, 10).split('-').map(Number) as Day;
}

/** First and last day of a preset, seen from a day; what is under way ends with that day. */
export function presetDays(preset: Preset, today: string): { from: string; to: string } {
  const now = parts(today);
  const [y, m, d] = now;
  const week = sinceMonday(now);
  const spans: Record<Preset, [Day, Day]> = {
    today: [now, now],
    yesterday: [day(y, m, d - 1), day(y, m, d - 1)],
    this_week: [day(y, m, d - week), now],
    last_week: [day(y, m, d - week - 7), day(y, m, d - week - 1)],
    this_month: [[y, m, 1], now],
    last_month: [day(y, m - 1, 1), day(y, m, 0)],
    month_to_today: [day(y, m - 1, 1), now],
    last_30: [day(y, m, d - 29), now],
    this_year: [[y, 1, 1], now],
  };
  const [from, to] = spans[preset];
  return { from: text(from), to: text(to) };
}

const isDay = (y: number, m: number, d: number) =>
  y >= 1000 && m >= 1 && m <= 12 && d >= 1 && d <= new Date(Date.UTC(y, m, 0)).getUTCDate();

/** The day of a text in any usual form, with what is left out taken from today; null: no day. */
function dayOf(typed: string, today: string): string | null {
  const [y, m] = parts(today);
  const words: Record<string, string> = {
    today,
    今天: today,
    yesterday: presetDays('yesterday', today).from,
    昨天: presetDays('yesterday', today).from,
  };
  const word = words[typed.toLowerCase()];
  if (word !== undefined) return word.slice(0, 10);
  const packed = /^(\d{4})(\d{2})(\d{2})$/.exec(typed);
  const split = packed ?? /^(?:(?:(\d{4})-)?(\d{1,2})-)?(\d{1,2})-?$/.exec(typed);
  if (!split) return null;
  const [year, month, date] = [split[1] ?? y, split[2] ?? m, split[3]].map(Number) as Day;
  return isDay(year, month, date) ? text([year, month, date]) : null;
}

/**
 * A day, or a moment to the second, as typed: 2026-3-5, 2026/03/05, 20260305, 3-5 and 5 (of this
 * year, this month), 2026年3月5日, today; a time behind it, to the minute or to the second. The end
 * of a period is the last second of what was typed. Null: it is neither.
 */
export function moment(typed: string, today: string, isEnd: boolean): string | null {
  const tidy = typed
    .trim()
    .replace(/[年月/.]/g, '-')
    .replace(/日/g, ' ')
    .replace(/[\uff01-\uff5e]/g, (c) => narrow(c))
    .replace(/(\d)T(?=\d)/g, '$1 ')
    .replace(/[年月/.]/g, '-')
    .replace(/\s*:\s*/g, ':');
  const [date = '', time, ...more] = tidy.split(/\s+/).filter((part) => part !== '');
  const found = dayOf(date, today);
  if (found === null || more.length > 0) return null;
  if (time === undefined) return found;
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(time);
  if (!clock) return null;
  const [hour, minute, second] = [clock[1], clock[2], clock[3] ?? (isEnd ? 59 : 0)].map(
    Number,
  ) as Day;
  if (hour > 23 || minute > 59 || second > 59) return null;
  return `${found} ${two(hour)}:${two(minute)}:${two(second)}`;
}

export type Problem = 'from' | 'to' | 'order';

/** What the engine is asked for; a missing `from` is "as of". */
export function resolved(
  period: Period,
  now: string,
): { ok: true; from: string | null; to: string } | { ok: false; problem: Problem } {
  const { kind } = period;
  if (kind === 'as_of') {
    const to = moment(period.to, now, true);
    return to === null ? { ok: false, problem: 'to' } : { ok: true, from: null, to };
  }
  if (kind !== 'typed') return { ok: true, ...presetDays(kind, now) };
  const from = moment(period.from, now, false);
  if (from === null) return { ok: false, problem: 'from' };
  const to = moment(period.to, now, true);
  if (to === null) return { ok: false, problem: 'to' };
  const last = to.length === 10 ? `${to} 23:59:59` : to;
  const first = from.length === 10 ? `${from} 00:00:00` : from;
  return first <= last ? { ok: true, from, to } : { ok: false, problem: 'order' };
}

/** The same days, to go on typing from. */
export function typed(period: Period, now: string): Period {
  const r = resolved(period, now);
  if (!r.ok) return { ...period, kind: 'typed' };
  return { kind: 'typed', from: r.from ?? r.to.slice(0, 10), to: r.to };
}

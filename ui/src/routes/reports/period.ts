// A report's period: presets that follow the calendar, typed ends, or one moment. Days are those of
// the warehouse's wall clock; no zone is ever applied. Weeks begin on Monday.
import { dayOf, readMoment, shifted, writeDay, type Day } from '../../reading/times';

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

/** Days since the week's Monday. */
function sinceMonday([y, m, d]: Day): number {
  return (new Date(Date.UTC(y, m - 1, d)).getUTCDay() + 6) % 7;
}

/** First and last day of a preset, seen from a day; what is under way ends with that day. */
export function presetDays(preset: Preset, today: string): { from: string; to: string } {
  const now = dayOf(today);
  const [y, m, d] = now;
  const week = sinceMonday(now);
  const spans: Record<Preset, [Day, Day]> = {
    today: [now, now],
    yesterday: [shifted(y, m, d - 1), shifted(y, m, d - 1)],
    this_week: [shifted(y, m, d - week), now],
    last_week: [shifted(y, m, d - week - 7), shifted(y, m, d - week - 1)],
    this_month: [[y, m, 1], now],
    last_month: [shifted(y, m - 1, 1), shifted(y, m, 0)],
    month_to_today: [shifted(y, m - 1, 1), now],
    last_30: [shifted(y, m, d - 29), now],
    this_year: [[y, 1, 1], now],
  };
  const [from, to] = spans[preset];
  return { from: writeDay(from), to: writeDay(to) };
}

export type Problem = 'from' | 'to' | 'order';

/** What the engine is asked for; a missing `from` is "as of". */
export function resolved(
  period: Period,
  now: string,
): { ok: true; from: string | null; to: string } | { ok: false; problem: Problem } {
  const { kind } = period;
  if (kind === 'as_of') {
    const to = readMoment(period.to, { today: now, isEnd: true });
    return to === null ? { ok: false, problem: 'to' } : { ok: true, from: null, to };
  }
  if (kind !== 'typed') return { ok: true, ...presetDays(kind, now) };
  const from = readMoment(period.from, { today: now });
  if (from === null) return { ok: false, problem: 'from' };
  const to = readMoment(period.to, { today: now, isEnd: true });
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

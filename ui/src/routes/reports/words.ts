// Choices of a report to words on screen.
import type { ReportChartKind, ReportFigures, ReportGroup, ReportRow, ReportSort } from '../../api';
import { m } from '../../i18n/paraglide/messages';
import type { PeriodKind, Problem } from './period';

export const groupWords: Record<ReportGroup, () => string> = {
  product: m.product,
  warehouse: m.warehouse,
  company: m.company,
  category: m.category,
  day: m.report_day,
  week: m.report_week,
  month: m.report_month,
};

export const periodWords: Record<PeriodKind, () => string> = {
  today: m.period_today,
  yesterday: m.period_yesterday,
  this_week: m.period_this_week,
  last_week: m.period_last_week,
  this_month: m.period_this_month,
  last_month: m.period_last_month,
  month_to_today: m.period_month_to_today,
  last_30: m.period_last_30,
  this_year: m.period_this_year,
  typed: m.period_typed,
  as_of: m.period_as_of,
};

export const problemWords: Record<Problem, () => string> = {
  from: m.period_bad_from,
  to: m.period_bad_to,
  order: m.period_bad_order,
};

export const chartWords: Record<ReportChartKind, () => string> = {
  days: m.chart_days,
  movers: m.chart_movers,
  shares: m.chart_shares,
  history: m.chart_history,
};

export type Figure = keyof ReportFigures;
export const figures: Figure[] = ['opening', 'inward', 'outward', 'closing', 'entries'];

export const figureWords: Record<Figure, () => string> = {
  opening: m.opening,
  inward: m.in_word,
  outward: m.out_word,
  closing: m.closing,
  entries: m.report_entries,
};

export const figureSorts: Record<Figure, ReportSort> = {
  opening: 'opening',
  inward: 'in',
  outward: 'out',
  closing: 'closing',
  entries: 'entries',
};

export const groupsWord = (by: ReportGroup[]) =>
  by.length ? by.map((g) => groupWords[g]()).join(' › ') : m.report_whole();

/** A group's value to show: its name, or itself; what has no category says so. */
export function valueWord(group: ReportGroup, value: string, name: string): string {
  if (group === 'category' && value === '') return m.no_category();
  return name || value;
}

export const rowWord = (by: ReportGroup[], row: ReportRow) =>
  by.map((g, i) => valueWord(g, row.group[i] ?? '', row.names[i] ?? '')).join(' · ');

/** Whole days without their times. */
export function periodWord(from: string, to: string): string {
  const isWhole = from.endsWith(' 00:00:00') && to.endsWith(' 23:59:59');
  const [first, last] = isWhole ? [from.slice(0, 10), to.slice(0, 10)] : [from, to];
  return first === last ? first : `${first} – ${last}`;
}

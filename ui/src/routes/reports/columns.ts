// The columns of the report's table that may be hidden: codes beside names, and the figures.
import { toggled } from '../../components/columns';
import { figures, type Figure } from './words';

export type ReportColumn = 'code' | Figure;
export const columns: ReportColumn[] = ['code', ...figures];

/** What is shown, out of what was kept; at least one figure always is. */
export function shown(kept: unknown): ReportColumn[] {
  const hidden = Array.isArray(kept) ? kept : [];
  const left = columns.filter((c) => !hidden.includes(c));
  return left.some((c) => c !== 'code') ? left : columns;
}

/** Hidden columns after one was hidden or shown. */
export const toggle = (hidden: ReportColumn[], column: ReportColumn) =>
  toggled(hidden, column, figures);

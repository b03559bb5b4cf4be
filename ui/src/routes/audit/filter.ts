// What History shows: all runs, one run, or the results of a search.
import type { AuditCause, AuditRun, AuditSearch, DaySpan } from '../../api';
import { readDay } from '../../reading/times';

export interface LogFilter {
  run: AuditRun | null;
  text: string;
  cause: AuditCause | null;
  /** Program, machine or person. */
  who: string;
  /** Days as typed. */
  from: string;
  to: string;
}

export const noFilter: LogFilter = { run: null, text: '', cause: null, who: '', from: '', to: '' };

/** Its days: null for any, undefined while what is typed is none. */
export function days(filter: LogFilter): DaySpan | null | undefined {
  const [from, to] = [readDay(filter.from), readDay(filter.to)];
  if (from === undefined || to === undefined) return undefined;
  if (from !== null && to !== null && to < from) return undefined;
  return from === null && to === null ? null : { from, to };
}

/** Single lines are searched, not runs. */
export const isForLines = (filter: LogFilter) =>
  filter.run === null && (filter.text !== '' || filter.cause !== null);

/** Anything is searched at all. */
export const isSearch = (filter: LogFilter) =>
  isForLines(filter) || filter.who !== '' || filter.from !== '' || filter.to !== '';

/** The lines that an export or a print takes: those on screen, to their end. */
export function exported(filter: LogFilter | null, run: AuditRun | null): AuditSearch {
  const of = filter ? filter.run : run;
  return {
    audit_id: of?.id ?? null,
    subject: filter?.text ?? '',
    cause: filter?.cause ?? null,
    who: filter?.who ?? '',
    days: (filter && days(filter)) ?? null,
    before: null,
  };
}

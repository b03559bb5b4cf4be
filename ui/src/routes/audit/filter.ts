// What History shows: one run, or what is searched, or all runs.
import type { AuditCause, AuditRun, AuditSearch } from '../../api';

export interface LogFilter {
  run: AuditRun | null;
  text: string;
  cause: AuditCause | null;
}

export const noFilter: LogFilter = { run: null, text: '', cause: null };

/** The lines that an export or a print takes: those on screen, to their end. */
export function exported(filter: LogFilter | null, run: AuditRun | null): AuditSearch {
  const of = filter ? filter.run : run;
  return {
    audit_id: of?.id ?? null,
    subject: filter?.text ?? '',
    cause: filter?.cause ?? null,
    before: null,
  };
}

// The place at which two stores were compared, and spans of time, in words short enough for a
// sentence.
import { formatCount } from '../../components/quantity';
import type { AuditCut } from '../../api';

/** As many sources as a sentence carries. */
const most = 3;

export const cutOf = (c: AuditCut) => `${c.source}:${formatCount(c.offset)}`;

/** Sources with their offsets; beyond a few, how many more there are. */
export function cutWords(cut: AuditCut[]): string {
  const shown = cut.slice(0, cut.length === most + 1 ? most + 1 : most).map(cutOf);
  const rest = cut.length - shown.length;
  return rest > 0 ? `${shown.join(', ')} +${formatCount(rest)}` : shown.join(', ');
}

export type Span = { unit: 'ms' | 's' | 'min' | 'h'; count: string };

/** 834 ms, 1.2 s, 45 s, 3 min, 2.5 h: by whole numbers, one decimal where it tells something. */
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

/** Today's times without their date. */
export function shortMoment(at: string, today: string): string {
  return at.slice(0, 10) === today.slice(0, 10) ? at.slice(11, 16) : at.slice(0, 16);
}

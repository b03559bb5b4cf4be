// The place at which two stores were compared, in words short enough for a sentence.
import { formatCount } from '../../reading/quantity';
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

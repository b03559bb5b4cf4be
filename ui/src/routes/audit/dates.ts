// A period as hands type it: empty, or whole days.
import { narrow } from '../../components/quantity';

/** The day as YYYY-MM-DD, null for empty, undefined for what is no day. */
export function day(text: string): string | null | undefined {
  const t = narrow(text).replace(/[/.]/g, '-');
  if (t === '') return null;
  const parts = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(t);
  if (!parts) return undefined;
  const [year, month, date] = parts.slice(1).map(Number) as [number, number, number];
  const there = new Date(Date.UTC(year, month - 1, date));
  const isSame = there.getUTCMonth() === month - 1 && there.getUTCDate() === date;
  return isSame ? there.toISOString().slice(0, 10) : undefined;
}

// A bill's time as typed, in the warehouse's wall clock: no zone is ever applied to it.
import { narrow } from '../../components/quantity';

const two = (n: number | string) => String(n).padStart(2, '0');

/** Any usual way of typing it to `YYYY-MM-DD HH:MM:SS`; null when it is no time. Empty stays empty. */
export function tidyTime(text: string): string | null {
  const t = text.trim();
  if (t === '') return '';
  const wide = t
    .replace(/[年月/.]/g, '-')
    .replace(/日/g, ' ')
    .replace(/\uff1a/g, ':');
  const parts = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?$/.exec(
    wide.split(/\s+/).map(narrow).filter(Boolean).join(' '),
  );
  if (!parts) return null;
  const [y, mo, d, h, mi, s] = parts.slice(1).map((p) => Number(p ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const days = new Date(Date.UTC(y, mo, 0)).getUTCDate();
  if (mo < 1 || mo > 12 || d < 1 || d > days || h > 23 || mi > 59 || s > 59) return null;
  return `${y}-${two(mo)}-${two(d)} ${two(h)}:${two(mi)}:${two(s)}`;
}

/** The desktop's clock as it would be typed. */
export function wallClock(now: Date): string {
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  return `${day} ${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
}

export const wallNow = () => wallClock(new Date());

/** To the minute, without the year where that is this year's; for lists, where room is short. */
export function shortTime(time: string, today: string): string {
  const isThisYear = time.slice(0, 5) === today.slice(0, 5);
  return time.slice(isThisYear ? 5 : 0, 16);
}

// One search box for bills: words look in number, company and product; what reads as a day, a
// month or a year narrows the time.
import { narrow } from '../../components/quantity';

const two = (n: number) => String(n).padStart(2, '0');

function span(word: string): { from: string; to: string } | null {
  const parts = /^(20\d{2})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?$/.exec(narrow(word));
  if (!parts) return null;
  const [year, month, day] = [Number(parts[1]), Number(parts[2] ?? 0), Number(parts[3] ?? 0)];
  // A bare year is as likely part of a number.
  if (month < 1 || month > 12) return null;
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
  if (day > last) return null;
  const first = `${year}-${two(month)}`;
  return day
    ? { from: `${first}-${two(day)}`, to: `${first}-${two(day)}` }
    : { from: `${first}-01`, to: `${first}-${last}` };
}

/** `acme 2026-11` → text and days; two days make a period. */
export function searchOf(text: string): { text: string; from: string; to: string } {
  const words: string[] = [];
  let from = '';
  let to = '';
  for (const word of text.trim().split(/\s+/).filter(Boolean)) {
    const days = span(word);
    if (!days) words.push(word);
    else {
      from = from === '' || days.from < from ? days.from : from;
      to = days.to > to ? days.to : to;
    }
  }
  return { text: words.join(' '), from, to };
}
